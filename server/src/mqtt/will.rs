//! Wills: messages that are published when a connection ends without DISCONNECT (5.0, 3.1.2.5).

use std::sync::Arc;

use access::Right;
use broker::{
    Charge, Client, DestinationKind, InvalidName, Outcome, Owner, Pool, PoolError, Publication,
    PublishError, TopicName,
};
use destination::mqtt as names;
use wire::mqtt::{QoS, server};

use super::properties::{self, InvalidProperties};
use crate::{
    access_control::{Forbidden, Principal},
    clock,
    context::ServerContext,
    log_rate::LineLimit,
    storage::WillData,
};

/// A valid will.
#[derive(Debug)]
pub struct Will {
    kind: DestinationKind,
    name: TopicName,
    client: Arc<str>,
    will: server::Will,
    /// The user that publishes it.
    principal: Arc<Principal>,
    /// The bytes charged to the pool of wills. Wills are not in the broker, so its memory bound does not apply.
    charge: Charge,
}

/// The reason why a will is refused.
#[derive(Debug, thiserror::Error)]
pub enum WillError {
    /// The topic is not a valid name.
    #[error("will topic: {0}")]
    Name(#[from] InvalidName),
    /// A property is not valid.
    #[error("will properties: {0}")]
    Properties(#[from] InvalidProperties),
    /// The topic belongs to the broker.
    #[error("will topic: {0} belongs to the broker, and clients cannot publish there")]
    Reserved(TopicName),
    /// The user may not publish to the topic.
    #[error("will topic: {0}")]
    Forbidden(#[from] Forbidden),
    /// The topic is a temporary destination.
    #[error("will topic: {0} is temporary and may have ended when the will is to be published")]
    Temporary(TopicName),
    /// The payload is larger than `limit` bytes.
    #[error("the payload of the will is larger than the limit of {limit} bytes")]
    TooLarge { limit: usize },
    /// The pool of all wills has no room for this client.
    #[error("{0}")]
    Pool(#[from] PoolError),
}

impl Will {
    /// # Errors
    ///
    /// The will could not be published when it is due, or there is no room for it. All faults are found here, while the
    /// client is still connected.
    pub fn new(
        will: server::Will,
        client: &Arc<str>,
        limits: &WillLimits<'_>,
    ) -> Result<Self, WillError> {
        let (kind, name) = names::published_to(&will.topic)?;
        match name.owner(kind) {
            Owner::Everybody => {}
            Owner::Broker if is_bridge_state(&will.topic) => {}
            Owner::Broker => return Err(WillError::Reserved(name)),
            Owner::Session => return Err(WillError::Temporary(name)),
        }
        limits
            .principal
            .check(Right::to_publish(kind), kind, &name)?;
        if will.payload.len() > limits.body_bytes {
            let limit = limits.body_bytes;
            return Err(WillError::TooLarge { limit });
        }
        let bytes = will.payload.len() + will.properties().as_bytes().len() + will.topic.len();
        let bytes = u32::try_from(bytes + FIXED_BYTES).unwrap_or(u32::MAX);
        let will = Self {
            kind,
            name,
            client: Arc::clone(client),
            will,
            principal: Arc::clone(limits.principal),
            charge: limits.client.take(Pool::WillBytes, bytes)?,
        };
        will.publication(0)?;
        Ok(will)
    }

    /// Returns the seconds between the end of the connection and the publication.
    pub fn delay_s(&self) -> u32 {
        self.will.delay_s
    }

    /// Returns the data for the log; `due_ms` is the time of publication in Unix milliseconds, if it is known.
    pub fn data(&self, due_ms: Option<u64>) -> WillData {
        let will = &self.will;
        WillData {
            qos: will.qos.level(),
            retain: will.retain,
            topic: will.topic.to_string(),
            payload: will.payload.to_vec(),
            delay_s: will.delay_s,
            properties: will.properties().as_bytes().to_vec(),
            due_ms,
        }
    }

    /// Publishes the will, unless its user has lost the right to do so.
    pub fn publish(self, context: &ServerContext) {
        let right = Right::to_publish(self.kind);
        if let Err(forbidden) = self.principal.check(right, self.kind, &self.name) {
            context.access.note_forbidden(&self.principal, &forbidden);
            return;
        }
        let Ok(message) = self.publication(clock::unix_ms()) else {
            return;
        };
        let mut outcome = Outcome::default();
        context
            .broker
            .publish_for(self.charge.client(), &mut vec![message], &mut outcome);
        match outcome.results.first() {
            // The state of a bridge, dropped like the bridge's publications of that state.
            Some(Err(error @ PublishError::Reserved(_))) => {
                tracing::debug!(client = %self.client, %error, "a will was dropped");
            }
            Some(Err(error)) => {
                if let Some(unlogged) = REFUSED_WILLS.count() {
                    tracing::info!(client = %self.client, unlogged, %error, "a will was refused");
                }
            }
            Some(Ok(_)) | None => {}
        }
        context.advisories.carry_out(&mut outcome, None);
    }

    fn publication(&self, now_ms: u64) -> Result<Publication, InvalidProperties> {
        let Self {
            kind,
            name,
            client,
            will,
            ..
        } = self;
        let name = name.clone();
        let provenance = properties::provenance(Arc::clone(client), now_ms, will.qos);
        let message = Publication::to(*kind, name, provenance, &will.payload);
        let message = match will.retain {
            true => message.retained(),
            false => message,
        };
        let message = match will.qos {
            QoS::AtMostOnce => message,
            QoS::AtLeastOnce | QoS::ExactlyOnce => message.persistent(),
        };
        properties::add_properties(message, &will.properties(), now_ms)
    }
}

/// The limits for a will.
pub struct WillLimits<'a> {
    /// The client that its bytes are charged to.
    pub client: &'a Arc<Client>,
    /// The user that publishes it.
    pub principal: &'a Arc<Principal>,
    /// Maximum size of a payload in bytes.
    pub body_bytes: usize,
}

/// Returns whether a topic is one where mosquitto's bridges publish their state. With mosquitto's defaults every bridge
/// has a will there, in every version: refusing the will would refuse the bridge.
fn is_bridge_state(topic: &str) -> bool {
    let name = topic.strip_prefix("$SYS/broker/connection/");
    name.is_some_and(|name| name.ends_with("/state"))
}

/// Limits the lines about wills that the broker refused.
static REFUSED_WILLS: LineLimit = LineLimit::new();
/// Bytes that a will counts for in addition to its texts: approximately the size of the structure.
const FIXED_BYTES: usize = 256;

//! A will: what is published when a connection ends otherwise than it should (5.0, 3.1.2.5).

use std::sync::Arc;

use broker::{
    Charge, Client, DestinationKind, InvalidName, Outcome, Owner, Pool, PoolError, Publication,
    PublishError, TopicName,
};
use destination::mqtt as names;
use wire::mqtt::server;

use super::properties;
use crate::{
    clock,
    connection::{ServerContext, carry_out},
};

#[derive(Debug)]
pub struct Will {
    kind: DestinationKind,
    name: TopicName,
    client: Arc<str>,
    will: server::Will,
    /// Bytes taken from those of all wills. They are not in the broker, so its bound of memory does not hold.
    charge: Charge,
}

/// Why a will is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unwilling {
    #[error("will topic: {0}")]
    Name(#[from] InvalidName),
    #[error("will topic: {0} belongs to the broker, and clients cannot publish there")]
    Reserved(TopicName),
    #[error("will topic: {0} is temporary and may have ended when the will is to be published")]
    Temporary(TopicName),
    #[error("the payload of the will is larger than the limit of {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{0}")]
    Pool(#[from] PoolError),
}

impl Will {
    /// # Errors
    /// The will could not be published when it is due, or there is no room for it. Whatever is wrong with it
    /// is found here, while the client is still there to be told.
    pub fn new(
        will: server::Will,
        client: &Arc<str>,
        bounds: &Bounds<'_>,
    ) -> Result<Self, Unwilling> {
        let (kind, name) = names::published_to(&will.topic)?;
        match name.owner(kind) {
            Owner::Everybody => {}
            Owner::Broker if is_state_of_bridge(&will.topic) => {}
            Owner::Broker => return Err(Unwilling::Reserved(name)),
            Owner::Session => return Err(Unwilling::Temporary(name)),
        }
        if will.payload.len() > bounds.body_bytes {
            let limit = bounds.body_bytes;
            return Err(Unwilling::TooLarge { limit });
        }
        let bytes = will.payload.len() + will.properties().as_bytes().len() + will.topic.len();
        let bytes = u32::try_from(bytes + FIXED).unwrap_or(u32::MAX);
        let will = Self {
            kind,
            name,
            client: Arc::clone(client),
            will,
            charge: bounds.maker.take(Pool::WillBytes, bytes)?,
        };
        will.message(0)?;
        Ok(will)
    }

    /// Seconds between the end of the connection and the message.
    pub fn delay_s(&self) -> u32 {
        self.will.delay_s
    }

    pub fn publish(self, context: &ServerContext) {
        let Ok(message) = self.message(clock::unix_ms()) else {
            return;
        };
        let mut outcome = Outcome::default();
        context
            .broker
            .publish_for(self.charge.client(), &mut vec![message], &mut outcome);
        match outcome.results.first() {
            // The state of a bridge. It is dropped like the publications of that state.
            Some(Err(error @ PublishError::Reserved(_))) => {
                tracing::debug!(client = %self.client, %error, "a will was dropped");
            }
            Some(Err(error)) => {
                tracing::info!(client = %self.client, %error, "a will was refused");
            }
            Some(Ok(_)) | None => {}
        }
        carry_out(&mut outcome, &context.advisories, None);
    }

    fn message(&self, now_ms: u64) -> Result<Publication, InvalidName> {
        let Self {
            kind,
            name,
            client,
            will,
            ..
        } = self;
        let name = name.clone();
        let source = properties::source(Arc::clone(client), now_ms, will.qos);
        let message = Publication::to(*kind, name, source, &will.payload);
        let message = match will.retain {
            true => message.retained(),
            false => message,
        };
        properties::apply(message, &will.properties(), now_ms)
    }
}

/// What a will is checked against.
pub struct Bounds<'a> {
    /// The client that its bytes are charged to.
    pub maker: &'a Arc<Client>,
    /// Bytes of a payload.
    pub body_bytes: usize,
}

/// Returns whether a topic is where mosquitto's bridges publish their state. With mosquitto's defaults every
/// bridge has a will there, in every version: to refuse it would be to refuse the bridge.
fn is_state_of_bridge(topic: &str) -> bool {
    let name = topic.strip_prefix("$SYS/broker/connection/");
    name.is_some_and(|name| name.ends_with("/state"))
}

/// What a will counts for besides its texts: about what the structure takes.
const FIXED: usize = 256;

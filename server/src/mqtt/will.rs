//! A will: what is published when a connection ends otherwise than it should (5.0, 3.1.2.5).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use broker::{InvalidName, Kind, Outcome, Owner, Publication, PublishError, TopicName};
use wire::mqtt::server;

use super::{names, properties};
use crate::{
    clock,
    connection::{Surroundings, carry_out},
};

#[derive(Debug)]
pub struct Will {
    kind: Kind,
    name: TopicName,
    client: Arc<str>,
    will: server::Will,
    /// Its share of what all of them take.
    _share: Share,
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
    #[error("the wills of all clients take more than {} bytes", Wills::MOST_BYTES)]
    TooMany,
}

/// What the wills of all clients take, connected or away. They are not in the broker, so its bound of memory does
/// not hold for them.
#[derive(Debug, Default)]
pub struct Wills {
    bytes: AtomicUsize,
}

/// Bytes that one takes until it is gone.
#[derive(Debug)]
struct Share {
    wills: Arc<Wills>,
    bytes: usize,
}

impl Wills {
    /// Bytes of payloads and properties, of all wills together.
    pub const MOST_BYTES: usize = 64 << 20;

    fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let share = Share {
            wills: Arc::clone(self),
            bytes,
        };
        // Dropped, and so given back, where it is too much.
        (before + bytes <= Self::MOST_BYTES).then_some(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.wills.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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
        let bytes = will.payload.len() + will.properties().as_bytes().len();
        let will = Self {
            kind,
            name,
            client: Arc::clone(client),
            will,
            _share: bounds.wills.share(bytes).ok_or(Unwilling::TooMany)?,
        };
        will.message(0)?;
        Ok(will)
    }

    /// Seconds between the end of the connection and the message.
    pub fn delay_s(&self) -> u32 {
        self.will.delay_s
    }

    pub fn publish(self, surroundings: &Surroundings) {
        let Ok(message) = self.message(clock::unix_ms()) else {
            return;
        };
        let mut outcome = Outcome::default();
        surroundings
            .broker
            .publish(&mut vec![message], &mut outcome);
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
        carry_out(&mut outcome, &surroundings.advisories, None);
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
    pub wills: &'a Arc<Wills>,
    /// Bytes of a payload.
    pub body_bytes: usize,
}

/// Returns whether a topic is where mosquitto's bridges publish their state. With mosquitto's defaults every
/// bridge has a will there, in every version: to refuse it would be to refuse the bridge.
fn is_state_of_bridge(topic: &str) -> bool {
    let name = topic.strip_prefix("$SYS/broker/connection/");
    name.is_some_and(|name| name.ends_with("/state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_wills_take_is_bounded_and_given_back() {
        let wills = Arc::<Wills>::default();
        let first = wills.share(Wills::MOST_BYTES - 1).expect("there is room");
        assert!(wills.share(2).is_none());
        let second = wills.share(1).expect("one byte is left");
        assert!(wills.share(1).is_none());
        drop(first);
        assert!(wills.share(Wills::MOST_BYTES - 1).is_some());
        drop(second);
        assert_eq!(wills.bytes.load(Ordering::Relaxed), 0);
    }
}

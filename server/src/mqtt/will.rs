//! A will: what is published when a connection ends otherwise than it should (5.0, 3.1.2.5).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use broker::{InvalidName, Kind, Outcome, Publication, TopicName};
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
    /// The topic has no name here, or there is no room for it.
    pub fn new(
        will: server::Will,
        client: &Arc<str>,
        wills: &Arc<Wills>,
    ) -> Result<Self, Unwilling> {
        let (kind, name) = names::published_to(&will.topic)?;
        let bytes = will.payload.len() + will.properties().as_bytes().len();
        let will = Self {
            kind,
            name,
            client: Arc::clone(client),
            will,
            _share: wills.share(bytes).ok_or(Unwilling::TooMany)?,
        };
        // Whatever could be wrong with it is said while there is somebody to hear it.
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
        if let Some(Err(error)) = outcome.results.first() {
            tracing::info!(client = %self.client, %error, "a will was refused");
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

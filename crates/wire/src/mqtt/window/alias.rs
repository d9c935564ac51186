//! Topic aliases, separate for each direction of each connection: 5.0, 3.3.2.3.4.

use std::borrow::Borrow;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::super::{Alias, TopicName};

/// The peer's aliases and their topics.
///
/// Bounded by their number and by the bytes of their topics.
#[derive(Clone, Debug)]
pub struct AliasesIn {
    /// Index 0 is alias 1. As long as the highest alias in use.
    topics: Vec<Option<Arc<str>>>,
    bytes: usize,
    maximum: u16,
    maximum_bytes: usize,
}

/// The reason why an alias is rejected: 3.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// Larger than the Topic Alias Maximum sent to the peer ([MQTT-3.3.2-9], [MQTT-3.3.2-11]):
    /// reason code 0x94.
    #[error("topic alias {alias} is larger than the maximum, {maximum}")]
    TooLarge {
        /// The alias.
        alias: u16,
        /// The maximum.
        maximum: u16,
    },
    /// "If the receiver does not already have a mapping": a Protocol Error, 0x82.
    #[error("topic alias {alias} has no topic")]
    NotSet {
        /// The alias.
        alias: u16,
    },
    /// The bound on the bytes of all topics is exceeded: 0x97.
    #[error("the topics of all aliases have more than {limit} bytes")]
    TooManyBytes {
        /// The limit.
        limit: usize,
    },
}

impl AliasesIn {
    /// Creates an empty map. `maximum` is the Topic Alias Maximum that was sent to the peer.
    pub const fn new(maximum: u16, maximum_bytes: usize) -> Self {
        Self {
            topics: Vec::new(),
            bytes: 0,
            maximum,
            maximum_bytes,
        }
    }

    /// Assigns a topic to the alias, replacing an earlier one.
    ///
    /// # Errors
    ///
    /// The alias is too large, or the topics have too many bytes.
    pub fn set(&mut self, alias: NonZeroU16, topic: TopicName<'_>) -> Result<(), AliasError> {
        let index = self.index(alias)?;
        let old = self.topics.get(index).and_then(Option::as_deref);
        if old == Some(topic.as_str()) {
            return Ok(());
        }
        let bytes = self.bytes - old.map_or(0, str::len) + topic.as_str().len();
        if bytes > self.maximum_bytes {
            let limit = self.maximum_bytes;
            return Err(AliasError::TooManyBytes { limit });
        }
        if self.topics.len() <= index {
            self.topics.resize(index + 1, None);
        }
        self.topics[index] = Some(topic.as_str().into());
        self.bytes = bytes;
        Ok(())
    }

    /// Returns the topic of the alias, a valid topic name.
    ///
    /// # Errors
    ///
    /// The alias is too large, or was never set.
    #[inline]
    pub fn topic(&self, alias: NonZeroU16) -> Result<&Arc<str>, AliasError> {
        let topic = self.topics.get(self.index(alias)?);
        let alias = alias.get();
        topic
            .and_then(Option::as_ref)
            .ok_or(AliasError::NotSet { alias })
    }

    #[inline]
    fn index(&self, alias: NonZeroU16) -> Result<usize, AliasError> {
        let (alias, maximum) = (alias.get(), self.maximum);
        match alias <= maximum {
            true => Ok(usize::from(alias) - 1),
            false => Err(AliasError::TooLarge { alias, maximum }),
        }
    }
}

/// Assigns this side's aliases to the most recently used topics. `K` identifies topics; a number is
/// cheaper than a text, since keys are compared one after another.
#[derive(Clone, Debug)]
pub struct AliasesOut<K> {
    /// Most recently used first.
    topics: Vec<Topic<K>>,
    maximum: u16,
}

#[derive(Clone, Debug)]
struct Topic<K> {
    /// `None` if it was taken back.
    key: Option<K>,
    alias: NonZeroU16,
}

impl<K> AliasesOut<K> {
    /// The highest useful own maximum: choosing an alias is a linear search.
    pub const MAXIMUM: u16 = 32;

    /// Creates an empty map. `topic_alias_maximum` is the peer's: no alias is larger
    /// ([MQTT-3.1.2-26], [MQTT-3.2.2-17]), and 0 disables aliases ([MQTT-3.1.2-27],
    /// [MQTT-3.2.2-18]). At most `own_maximum` aliases are used.
    pub fn new(topic_alias_maximum: u16, own_maximum: u16) -> Self {
        Self {
            topics: Vec::new(),
            maximum: topic_alias_maximum.min(own_maximum),
        }
    }

    /// Returns the alias for the topic in the next packet. The packet must be sent, or the alias
    /// [taken back](Self::take_back). `None` means that the packet contains only the topic name.
    #[inline]
    pub fn choose<Q>(&mut self, key: &Q) -> Option<Alias>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + PartialEq + ?Sized,
    {
        if self.maximum == 0 {
            // Returns before the key is copied, which would happen for each packet.
            return None;
        }
        let is_it = |topic: &Topic<K>| topic.key.as_ref().is_some_and(|k| k.borrow() == key);
        match self.topics.iter().position(is_it) {
            Some(index) => {
                self.topics[..=index].rotate_right(1);
                Some(Alias::Use(self.topics[0].alias))
            }
            None => self.replace(key.to_owned()).map(Alias::Set),
        }
    }

    /// Forgets a new alias whose packet was not sent, so that the peer does not know it.
    pub fn take_back(&mut self, alias: Alias) {
        let Alias::Set(alias) = alias else {
            return;
        };
        let topic = self.topics.iter_mut().find(|topic| topic.alias == alias);
        if let Some(topic) = topic {
            topic.key = None;
        }
    }

    /// Returns a new alias, or reuses that of the least recently used topic.
    fn replace(&mut self, key: K) -> Option<NonZeroU16> {
        let used = self.topics.len();
        let next = match used < usize::from(self.maximum) {
            true => NonZeroU16::new(used as u16 + 1),
            false => None,
        };
        let key = Some(key);
        match next {
            Some(alias) => self.topics.insert(0, Topic { key, alias }),
            None => {
                self.topics.last_mut()?.key = key;
                self.topics.rotate_right(1);
            }
        }
        self.topics.first().map(|topic| topic.alias)
    }
}

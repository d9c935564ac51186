//! Topic aliases, of each direction and connection its own: 5.0, 3.3.2.3.4.

use std::borrow::Borrow;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::super::{Alias, TopicName};

/// What the aliases of the peer stand for, by its own choice.
///
/// Bounded by their number and by the bytes of their topics.
#[derive(Clone, Debug)]
pub struct AliasesIn {
    /// That of alias 1 first; as long as the highest alias in use.
    topics: Vec<Option<Arc<str>>>,
    bytes: usize,
    maximum: u16,
    maximum_bytes: usize,
}

/// Why an alias is not taken: 3.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// It is larger than the Topic Alias Maximum that the peer was told ([MQTT-3.3.2-9],
    /// [MQTT-3.3.2-11]): reason code 0x94.
    #[error("topic alias {alias} is larger than the maximum, {maximum}")]
    TooLarge { alias: u16, maximum: u16 },
    /// "If the receiver does not already have a mapping": a Protocol Error, 0x82.
    #[error("topic alias {alias} stands for no topic")]
    NotSet { alias: u16 },
    /// An own bound: 0x97.
    #[error("the topics of all aliases have more than {limit} bytes")]
    TooManyBytes { limit: usize },
}

impl AliasesIn {
    /// `maximum` is what the peer was told as Topic Alias Maximum.
    pub const fn new(maximum: u16, maximum_bytes: usize) -> Self {
        Self {
            topics: Vec::new(),
            bytes: 0,
            maximum,
            maximum_bytes,
        }
    }

    /// The alias stands for that topic from now on, whether or not it stood for another.
    ///
    /// # Errors
    ///
    /// It is too large, or the topics are.
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

    /// What the alias stands for; a legal topic name.
    ///
    /// # Errors
    ///
    /// It is too large, or was never set.
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

/// Which topics get an alias of ours: those used last. `K` tells topics apart; a number is cheaper
/// than a text, since keys are compared one after another.
#[derive(Clone, Debug)]
pub struct AliasesOut<K> {
    /// The last used first.
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
    /// The highest that is of use for a search that goes through all of them.
    pub const MAXIMUM: u16 = 32;

    /// `topic_alias_maximum` is the peer's: no alias is larger ([MQTT-3.1.2-26], [MQTT-3.2.2-17]), and
    /// there are none if it is 0 ([MQTT-3.1.2-27], [MQTT-3.2.2-18]). No more than `own_maximum` are
    /// used.
    pub fn new(topic_alias_maximum: u16, own_maximum: u16) -> Self {
        Self {
            topics: Vec::new(),
            maximum: topic_alias_maximum.min(own_maximum),
        }
    }

    /// How to say the topic in the next packet, which has to be sent, or else
    /// [taken back](Self::take_back). `None` is by its name alone.
    #[inline]
    pub fn choose<Q>(&mut self, key: &Q) -> Option<Alias>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + PartialEq + ?Sized,
    {
        if self.maximum == 0 {
            // Before the key is copied, which is done for each packet then.
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

    /// The packet with a new alias was not sent, so the peer does not know it.
    pub fn take_back(&mut self, alias: Alias) {
        let Alias::Set(alias) = alias else {
            return;
        };
        let topic = self.topics.iter_mut().find(|topic| topic.alias == alias);
        if let Some(topic) = topic {
            topic.key = None;
        }
    }

    /// A new alias, or that of the topic that was not used for the longest time.
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

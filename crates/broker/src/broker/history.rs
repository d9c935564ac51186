//! Reads the messages that a topic keeps, without a subscription.

use crate::{
    broker::Broker,
    message::entry::SharedEntry,
    name::{DestinationKind, TopicName},
    sync::lock_state,
};

/// A part of the messages that a topic keeps.
#[derive(Debug, Clone, Default)]
pub struct HistoryPart {
    /// The messages in order. Expired ones are among them.
    pub entries: Vec<SharedEntry>,
    /// The sequence of the oldest message that the topic keeps; equal to `end` if it keeps none.
    pub first: u64,
    /// The sequence of the next message.
    pub end: u64,
}

/// The first message of a part. If it is no longer kept, the part begins with the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryPlace {
    /// The message with this sequence.
    Sequence(u64),
    /// The first message that was published at this time or later, in Unix milliseconds.
    Time(u64),
    /// The message at this position, or the next of the topic.
    Position(u64),
}

impl Broker {
    /// Returns the messages of a topic from a place on: at most `most`, and no further one after `most_bytes`. Returns
    /// None if there is no such topic.
    #[must_use]
    pub fn history(
        &self,
        topic: &TopicName,
        from: HistoryPlace,
        most: usize,
        most_bytes: u64,
    ) -> Option<HistoryPart> {
        let state = lock_state(&self.state);
        let Some(found) = state.topics.find(topic.as_str()) else {
            // A topic without messages.
            let is_known = state.has(DestinationKind::Topic, topic);
            return is_known.then(|| HistoryPart {
                first: 1,
                end: 1,
                ..HistoryPart::default()
            });
        };
        let mut part = HistoryPart {
            entries: Vec::new(),
            first: found.log.first_sequence(),
            end: found.log.end().sequence,
        };
        let mut place = found.log.head();
        drop(state);
        // Readers need no lock. The place keeps the following chunks alive, so it is not kept for the next part.
        match from {
            HistoryPlace::Sequence(sequence) => place.skip_to(sequence.min(part.end)),
            HistoryPlace::Time(ms) => {
                place.skip_while(usize::MAX, |entry| entry.timestamp_ms() < ms);
            }
            HistoryPlace::Position(position) => {
                place.skip_while(usize::MAX, |entry| entry.position() < position);
            }
        }
        let mut bytes = 0;
        while part.entries.len() < most
            && bytes < most_bytes
            && let Some(entry) = place.peek()
            && entry.sequence() < part.end
        {
            bytes += entry.size();
            part.entries.push(entry.clone());
            place.advance();
        }
        Some(part)
    }
}

//! The retained messages that a session which survives a restart has not read yet: its subscriptions have to get them after
//! the restart.
//!
//! The retained messages of a new subscription are one *round*. The session reads them in the order of their positions, so
//! one position says how far a round is read.

use std::collections::BTreeMap;

use crate::{name::TopicFilter, session::subscription::SubscriptionId};

/// The positions of retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetainedRange {
    /// Messages up to this position are not included.
    pub after: u64,
    /// The position of the last message.
    pub up_to: u64,
}

impl RetainedRange {
    /// Returns true if the position is in the range.
    pub(crate) fn includes(self, position: u64) -> bool {
        self.after < position && position <= self.up_to
    }
}

/// The retained messages of one new subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetainedRound {
    /// Later rounds of the session have greater numbers; the first has 1.
    pub number: u64,
    /// The messages.
    pub range: RetainedRange,
}

/// The retained messages that a session has not read at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadRetained {
    /// The number of the newest round, 0 before the first.
    pub newest: u64,
    /// The subscriptions that have not read all of theirs.
    pub subscriptions: Vec<(TopicFilter, RetainedRange)>,
}

/// The rounds of a session. The session's inbox owns it, so that a round begins together with the arrival of its messages.
#[derive(Debug, Default)]
pub(crate) struct RetainedRounds {
    unread: BTreeMap<SubscriptionId, UnreadRound>,
    newest: Option<RetainedRound>,
    /// The reader has taken the messages of rounds up to this number from the inbox.
    taken: u64,
}

#[derive(Debug)]
struct UnreadRound {
    filter: TopicFilter,
    round: RetainedRound,
}

impl RetainedRounds {
    /// Begins a round with the messages that are being added to the inbox. It replaces an earlier one of the subscription.
    pub(crate) fn begin(&mut self, id: SubscriptionId, filter: &TopicFilter, range: RetainedRange) {
        let round = RetainedRound {
            number: self.newest_number() + 1,
            range,
        };
        self.newest = Some(round);
        let filter = filter.clone();
        self.unread.insert(id, UnreadRound { filter, round });
    }

    /// Ends the round of a subscription. Returns the messages that it has not read.
    pub(crate) fn end(&mut self, id: SubscriptionId) -> Option<RetainedRange> {
        Some(self.unread.remove(&id)?.round.range)
    }

    /// Notes that the reader takes everything from the inbox.
    pub(crate) fn take(&mut self) {
        self.taken = self.newest_number();
    }

    /// Notes that the reader has read a retained message.
    pub(crate) fn note_read(&mut self, id: SubscriptionId, position: u64) {
        // The messages of a later round are not with the reader yet: this one was read for an earlier round.
        if let Some(UnreadRound { round, .. }) = self.unread.get_mut(&id)
            && round.number <= self.taken
        {
            round.range.after = round.range.after.max(position);
        }
    }

    /// Notes that the reader has read everything that it has taken, up to a position.
    pub(crate) fn note_read_up_to(&mut self, position: u64) {
        let taken = self.taken;
        self.unread.retain(|_, UnreadRound { round, .. }| {
            round.number > taken || round.range.up_to > position
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    pub(crate) fn newest(&self) -> Option<RetainedRound> {
        self.newest
    }

    pub(crate) fn unread(&self) -> UnreadRetained {
        let unread = self.unread.values();
        let subscriptions = unread.map(|one| (one.filter.clone(), one.round.range));
        UnreadRetained {
            newest: self.newest_number(),
            subscriptions: subscriptions.collect(),
        }
    }

    fn newest_number(&self) -> u64 {
        self.newest.map_or(0, |round| round.number)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const RANGE: RetainedRange = RetainedRange {
        after: 0,
        up_to: 100,
    };

    fn unread(rounds: &RetainedRounds) -> Vec<(u64, u64)> {
        let unread = rounds.unread().subscriptions.into_iter();
        unread
            .map(|(_, range)| (range.after, range.up_to))
            .collect()
    }

    fn begin(rounds: &mut RetainedRounds, id: u64, range: RetainedRange) {
        let filter = TopicFilter::new("a.>").expect("a filter");
        rounds.begin(SubscriptionId(id), &filter, range);
    }

    #[test]
    fn a_round_ends_when_everything_up_to_its_last_message_is_read() {
        let mut rounds = RetainedRounds::default();
        begin(&mut rounds, 1, RANGE);
        rounds.note_read_up_to(200);
        assert_eq!(unread(&rounds), [(0, 100)], "its messages are in the inbox");
        rounds.take();
        rounds.note_read(SubscriptionId(1), 40);
        assert_eq!(unread(&rounds), [(40, 100)]);
        rounds.note_read_up_to(99);
        assert_eq!(unread(&rounds), [(40, 100)], "one is not visible yet");
        rounds.note_read_up_to(100);
        assert!(rounds.is_empty());
    }

    #[test]
    fn a_message_of_an_earlier_round_does_not_count_for_the_next_one() {
        let mut rounds = RetainedRounds::default();
        begin(&mut rounds, 1, RANGE);
        rounds.take();
        begin(&mut rounds, 1, RANGE);
        rounds.note_read(SubscriptionId(1), 40);
        assert_eq!(unread(&rounds), [(0, 100)]);
        assert_eq!(rounds.unread().newest, 2);
        rounds.take();
        rounds.note_read(SubscriptionId(1), 10);
        assert_eq!(unread(&rounds), [(10, 100)]);
    }

    #[test]
    fn the_rest_of_a_round_is_returned_when_its_subscription_ends() {
        let mut rounds = RetainedRounds::default();
        begin(&mut rounds, 1, RANGE);
        begin(&mut rounds, 2, RANGE);
        rounds.take();
        rounds.note_read(SubscriptionId(2), 7);
        let rest = RetainedRange { after: 7, ..RANGE };
        assert_eq!(rounds.end(SubscriptionId(2)), Some(rest));
        assert_eq!(rounds.end(SubscriptionId(3)), None);
        assert_eq!(unread(&rounds), [(0, 100)]);
    }
}

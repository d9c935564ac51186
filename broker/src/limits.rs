//! The bounds on what the broker holds, and what happens at each.

/// Every bound of the broker. The rule at each is written beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries that a topic keeps for late and returning subscribers, at least 1 (the last image).
    /// Beyond it the oldest are let go.
    pub history_entries: u64,
    /// Bytes that a topic keeps likewise; the last image is kept whatever its size.
    pub history_bytes: u64,
    /// Entries that a cursor may lie behind its topic's newest. Beyond it the subscription's
    /// [`Overflow`](crate::Overflow) rule is applied.
    pub lag_entries: u64,
    /// Bytes that a cursor may lie behind likewise.
    pub lag_bytes: u64,
    /// Bytes of all entries held, by history and by slow readers together. From seven eighths on, the rules
    /// of subscriptions are applied that lie behind what their topics keep anyway. Beyond it a publication
    /// first reduces its own topic's history to the last image, and is refused if that was not enough.
    pub memory_bytes: u64,
    /// Topics. Beyond it, what would make a new one is refused.
    pub topics: usize,
    /// Cursors: pairs of a subscription and a topic it covers. Beyond it, what would make a new one is
    /// refused.
    pub cursors: usize,
    /// Cursors of one session. Beyond it a subscription that would need more is refused; topics that are
    /// made later do not count.
    pub cursors_per_session: usize,
    /// Subscriptions of one session. Beyond it the next is refused.
    pub subscriptions_per_session: usize,
}

impl Limits {
    pub(crate) fn lag(&self) -> Lag {
        Lag {
            entries: self.lag_entries,
            bytes: self.lag_bytes,
        }
    }
}

/// How far a cursor lies, or may lie, behind the end of its log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lag {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            history_entries: 1_000,
            history_bytes: 1 << 20,
            lag_entries: 10_000,
            lag_bytes: 16 << 20,
            memory_bytes: 512 << 20,
            topics: 100_000,
            cursors: 2_000_000,
            cursors_per_session: 200_000,
            subscriptions_per_session: 1_000,
        }
    }
}

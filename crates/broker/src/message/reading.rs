//! The reasons why a reader of a topic or queue stops, and the messages that it missed.

/// Entries that a subscription did not get and will not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// From one sequence to another, both included.
    Range {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// An unknown number.
    Unknown,
}

/// The limits of one read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadLimits {
    /// The last position to read.
    pub(crate) until: u64,
    /// The newest visible position, at least `until`.
    pub(crate) visible: u64,
    /// The time, in Unix milliseconds. Expired messages are skipped.
    pub(crate) now_ms: u64,
}

/// The reason why reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is nothing more in the log, or the subscription was cancelled. `is_full` is true if the receiver also
    /// accepts no more for now.
    AtEnd { is_full: bool },
    /// The next entry has this position, which is beyond the limit.
    BeyondLimit(u64),
    /// The receiver accepts no more for now, or other tasks have their turn; the next entry has this position.
    Interrupted(u64),
}

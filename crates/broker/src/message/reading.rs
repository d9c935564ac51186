//! Why a reader of a topic or queue stops, and which messages it missed.

/// Entries that a subscription did not get and will not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// From this sequence to that, both included.
    Range {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// How many cannot be told.
    Unknown,
}

/// The limits of one read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadLimits {
    /// The last position to read.
    pub(crate) until: u64,
    /// The newest visible position, at least `until`.
    pub(crate) visible: u64,
    /// The time, in Unix milliseconds. Expired messages are passed over.
    pub(crate) now_ms: u64,
}

/// Why reading came to an end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is nothing more in the log, or the subscription was cancelled. `full`: and whoever takes the
    /// entries wants no more for now.
    End { full: bool },
    /// The next entry has this position, which is beyond the limit given.
    At(u64),
    /// Whoever takes the entries wants no more for now, or it is the others' turn; the next one has this
    /// position.
    Full(u64),
}

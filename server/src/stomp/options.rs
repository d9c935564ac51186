//! The server's options for STOMP.

use broker::Overflow;
use wire::stomp::{Limits, server::Config};

/// The options of the server for STOMP clients.
#[derive(Debug, Clone, Copy)]
pub struct StompOptions {
    /// The limits of a frame.
    pub limits: Limits,
    /// The configuration of the state machine.
    pub session: Config,
    /// The rule of subscriptions that do not name one.
    pub overflow: Overflow,
    /// Default for the maximum number of unacknowledged messages of a consumer.
    pub prefetch: usize,
    /// Maximum number of bytes in the open transactions of one connection.
    pub transaction_bytes: usize,
}

impl StompOptions {
    /// The default of ActiveMQ.
    pub const PREFETCH: u32 = 1_000;
    /// The default for `transaction_bytes`.
    pub const TRANSACTION_BYTES: usize = 16 << 20;
}

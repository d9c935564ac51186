//! What the server's options say about STOMP.

use broker::Overflow;
use wire::stomp::{Limits, server::Config};

#[derive(Debug, Clone, Copy)]
pub struct StompOptions {
    pub limits: Limits,
    pub session: Config,
    /// The rule for subscriptions that do not name one.
    pub overflow: Overflow,
    /// Messages that a consumer may hold unacknowledged which does not say how many.
    pub prefetch: usize,
    /// Bytes that the open transactions of one connection may hold.
    pub transaction_bytes: usize,
}

impl StompOptions {
    /// As ActiveMQ has it.
    pub const PREFETCH: u32 = 1_000;
    pub const TRANSACTION_BYTES: usize = 16 << 20;
}

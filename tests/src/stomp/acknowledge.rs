//! ACK and NACK. Each version identifies the message differently.

use super::{Frame, StompClient};

/// Headers of SUBSCRIBE: each message is acknowledged individually.
pub const INDIVIDUAL: (&str, &str) = ("ack", "client-individual");

/// Headers of SUBSCRIBE: an acknowledgement also covers all earlier messages.
pub const CUMULATIVE: (&str, &str) = ("ack", "client");

impl StompClient {
    /// Acknowledges a message and waits for the receipt.
    pub async fn ack(&mut self, message: &Frame) {
        self.request(self.settlement("ACK", message)).await;
    }

    /// Rejects a message and waits for the receipt.
    pub async fn nack(&mut self, message: &Frame) {
        self.request(self.settlement("NACK", message)).await;
    }

    /// Returns an ACK or NACK in the form of the session's version: 1.0 and 1.1 use `message-id`,
    /// 1.2 uses the id in the header `ack`.
    pub fn settlement(&self, command: &str, message: &Frame) -> Frame {
        let frame = Frame::new(command);
        match self.version.as_str() {
            "1.0" => frame.with("message-id", message.header("message-id")),
            "1.1" => frame
                .with("subscription", message.header("subscription"))
                .with("message-id", message.header("message-id")),
            _ => frame.with("id", message.header("ack")),
        }
    }
}

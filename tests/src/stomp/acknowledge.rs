//! ACK and NACK, which name a message in another way in each version.

use super::{Frame, StompClient};

/// Headers of SUBSCRIBE: each message is acknowledged by itself.
pub const INDIVIDUAL: (&str, &str) = ("ack", "client-individual");

/// Headers of SUBSCRIBE: an acknowledgement covers all messages before it, too.
pub const CUMULATIVE: (&str, &str) = ("ack", "client");

impl StompClient {
    /// Acknowledges a message and waits for the receipt.
    pub async fn ack(&mut self, message: &Frame) {
        self.request(self.settlement("ACK", message)).await;
    }

    /// Gives a message back and waits for the receipt.
    pub async fn nack(&mut self, message: &Frame) {
        self.request(self.settlement("NACK", message)).await;
    }

    /// ACK or NACK as the session's version has it: 1.0 and 1.1 by `message-id`, 1.2 by the id that
    /// came in the header `ack`.
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

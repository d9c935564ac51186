//! The options of subscriptions that STOMP and HTTP have in common: `since` and `overflow`.

use broker::{Broker, InvalidMessageId, Overflow, Start};
use wire::stomp::server::{self, Since};

/// Returns the start of a subscription in the history of its topics.
///
/// # Errors
///
/// The message id is invalid.
pub fn start(since: &Since<'_>, broker: &Broker) -> Result<Start, InvalidMessageId> {
    Ok(match since {
        Since::Last => Start::Last,
        Since::Sequence(sequence) => Start::AfterSequence(*sequence),
        Since::Message(id) => broker.start_after(id.parse()?),
    })
}

/// Returns the broker's name of an overflow rule.
pub const fn overflow(rule: server::Overflow) -> Overflow {
    match rule {
        server::Overflow::DropOldest => Overflow::DropOldest,
        server::Overflow::Latest => Overflow::Latest,
        server::Overflow::Disconnect => Overflow::Disconnect,
    }
}

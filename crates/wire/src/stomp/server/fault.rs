//! Faults of a peer, and the ERROR frame that reports them.

use super::super::{Command, DecodeError, FrameWriter, SUPPORTED, Version, header};
use super::identity::Identity;
use super::request::AckTarget;

/// A fault always ends the connection: "it MUST then close the connection just after sending the
/// ERROR frame" (STOMP 1.2, "ERROR"). Write it with [`Session::error`](super::Session::error).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Fault {
    /// The cause.
    pub cause: Cause,
    /// The `receipt` header of the frame at fault; it is sent as `receipt-id`.
    pub receipt: Option<Box<str>>,
}

/// The cause of a fault. Its text is sent to the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// A frame that cannot be decoded.
    #[error("{0}")]
    Malformed(#[from] DecodeError),
    /// A frame before CONNECTED.
    #[error("{command} was sent before CONNECT was accepted")]
    NotConnected {
        /// The command.
        command: Command,
    },
    /// A second CONNECT.
    #[error("CONNECT was sent twice")]
    AlreadyConnected,
    /// A frame after DISCONNECT.
    #[error("{command} was sent after DISCONNECT")]
    AfterDisconnect {
        /// The command.
        command: Command,
    },
    /// A server frame.
    #[error("{command} is a server frame")]
    NotAClientFrame {
        /// The command.
        command: Command,
    },
    /// No common protocol version.
    #[error("supported protocol versions are {}", supported())]
    UnsupportedVersion,
    /// A missing required header.
    #[error("a {command} frame needs the header \"{name}\"")]
    MissingHeader {
        /// The command.
        command: Command,
        /// The name of the header.
        name: &'static str,
    },
    /// An invalid header value.
    #[error("{name}:\"{value}\" is not accepted: {expected}")]
    InvalidHeader {
        /// The name of the header.
        name: &'static str,
        /// The value, shortened.
        value: String,
        /// A description of accepted values.
        expected: &'static str,
    },
    /// Headers that exclude each other.
    #[error("the headers of a frame contradict each other: {first} and {second}")]
    Contradiction {
        /// The first header.
        first: &'static str,
        /// The second header.
        second: &'static str,
    },
    /// A command that the version does not have.
    #[error("STOMP {version} has no {command}")]
    NotInVersion {
        /// The command.
        command: Command,
        /// The version.
        version: Version,
    },
    /// A feature that is not supported.
    #[error("{what} not supported")]
    NotSupported {
        /// The unsupported feature.
        what: &'static str,
    },
    /// An id that another subscription of the connection has.
    #[error("there is a subscription {subscription} on this connection already")]
    SubscriptionInUse {
        /// The identity of the subscription.
        subscription: String,
    },
    /// A subscription that does not exist.
    #[error("there is no subscription {subscription} on this connection")]
    UnknownSubscription {
        /// The identity of the subscription.
        subscription: String,
    },
    /// A name that an open transaction of the connection has.
    #[error("there is a transaction \"{transaction}\" on this connection already")]
    TransactionInUse {
        /// The name of the transaction.
        transaction: String,
    },
    /// A transaction that is not open.
    #[error("there is no transaction \"{transaction}\" on this connection")]
    UnknownTransaction {
        /// The name of the transaction.
        transaction: String,
    },
    /// The message does not exist, was acknowledged, or was delivered to another consumer.
    #[error("no message {delivery} waits for acknowledgement on this connection")]
    UnknownDelivery {
        /// The identity of the message.
        delivery: String,
    },
    /// More open transactions than the limit.
    #[error("no more than {limit} transactions can be open on a connection")]
    TooManyTransactions {
        /// The limit.
        limit: usize,
    },
    /// More frames in open transactions than the limit.
    #[error("the open transactions of a connection hold no more than {limit} frames")]
    TransactionTooLong {
        /// The limit.
        limit: usize,
    },
    /// More bytes in open transactions than the limit.
    #[error("the open transactions of a connection hold no more than {limit} bytes")]
    TransactionTooLarge {
        /// The limit.
        limit: usize,
    },
    /// A reason of the caller: an invalid destination, a failed login, a shutdown.
    #[error("{detail}")]
    Refused {
        /// A short description.
        message: String,
        /// The details.
        detail: String,
    },
}

impl Fault {
    /// Creates a fault with the receipt of the frame at fault.
    pub fn new(cause: impl Into<Cause>, receipt: Option<&str>) -> Self {
        Self {
            cause: cause.into(),
            receipt: receipt.map(Into::into),
        }
    }

    /// Creates a fault for a reason of the caller. `message` is a short description, `detail` a
    /// text for the user.
    pub fn refused(
        message: impl Into<String>,
        detail: impl Into<String>,
        receipt: Option<&str>,
    ) -> Self {
        let (message, detail) = (message.into(), detail.into());
        Self::new(Cause::Refused { message, detail }, receipt)
    }

    /// "Within the same connection, different subscriptions MUST use different subscription
    /// identifiers" (STOMP 1.2, "SUBSCRIBE id Header").
    pub fn subscription_in_use(identity: &Identity<'_>, receipt: Option<&str>) -> Self {
        let subscription = identity.to_string();
        Self::new(Cause::SubscriptionInUse { subscription }, receipt)
    }

    /// The id of UNSUBSCRIBE "MUST match the subscription identifier of an existing subscription".
    pub fn unknown_subscription(identity: &Identity<'_>, receipt: Option<&str>) -> Self {
        let subscription = identity.to_string();
        Self::new(Cause::UnknownSubscription { subscription }, receipt)
    }

    /// "Within the same connection, different transactions MUST use different transaction
    /// identifiers" (STOMP 1.2, "BEGIN").
    pub fn transaction_in_use(transaction: &str, receipt: Option<&str>) -> Self {
        let transaction = shown(transaction);
        Self::new(Cause::TransactionInUse { transaction }, receipt)
    }

    /// The header `transaction` "MUST specify the identifier of the transaction to commit" (STOMP
    /// 1.2, "COMMIT"), to abort, or to be part of.
    pub fn unknown_transaction(transaction: &str, receipt: Option<&str>) -> Self {
        let transaction = shown(transaction);
        Self::new(Cause::UnknownTransaction { transaction }, receipt)
    }

    /// "The `ACK` frame MUST include an `id` header matching the `ack` header of the `MESSAGE` being
    /// acknowledged" (STOMP 1.2, "ACK").
    pub fn unknown_delivery(target: &AckTarget<'_>, receipt: Option<&str>) -> Self {
        let delivery = target.to_string();
        Self::new(Cause::UnknownDelivery { delivery }, receipt)
    }

    /// A header that is well-formed but that the caller does not accept.
    pub fn invalid_header(
        name: &'static str,
        value: &str,
        expected: &'static str,
        receipt: Option<&str>,
    ) -> Self {
        let value = shown(value);
        let cause = Cause::InvalidHeader {
            name,
            value,
            expected,
        };
        Self::new(cause, receipt)
    }

    /// Returns the header `message`: "a short description of the error".
    pub fn message(&self) -> &str {
        match &self.cause {
            Cause::Malformed(error) if error.is_limit() => "frame too large",
            Cause::Malformed(DecodeError::UnknownCommand { .. }) => "unknown command",
            Cause::Malformed(_) => "malformed frame",
            Cause::NotConnected { .. } => "not connected",
            Cause::AlreadyConnected => "already connected",
            Cause::AfterDisconnect { .. } => "already disconnected",
            Cause::NotAClientFrame { .. } | Cause::NotInVersion { .. } => "unexpected command",
            Cause::UnsupportedVersion => "unsupported version",
            Cause::MissingHeader { .. } => "missing header",
            Cause::InvalidHeader { .. } => "invalid header",
            Cause::Contradiction { .. } => "contradicting headers",
            Cause::NotSupported { .. } => "not supported",
            Cause::SubscriptionInUse { .. } => "subscription in use",
            Cause::UnknownSubscription { .. } => "unknown subscription",
            Cause::TransactionInUse { .. } => "transaction in use",
            Cause::UnknownTransaction { .. } => "unknown transaction",
            Cause::UnknownDelivery { .. } => "unknown message",
            Cause::TooManyTransactions { .. } => "too many transactions",
            Cause::TransactionTooLong { .. } | Cause::TransactionTooLarge { .. } => {
                "transaction too large"
            }
            Cause::Refused { message, .. } => message,
        }
    }

    pub(super) fn write(&self, version: Version, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, version, Command::Error);
        if self.cause == Cause::UnsupportedVersion {
            frame.header(header::VERSION, &supported());
        }
        frame
            .header(header::MESSAGE, self.message())
            .optional_header(header::RECEIPT_ID, self.receipt.as_deref())
            .header(header::CONTENT_TYPE, "text/plain");
        frame.body(self.to_string().as_bytes());
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::new(error, None)
    }
}

fn supported() -> String {
    let versions: Vec<_> = SUPPORTED.iter().map(|version| version.as_str()).collect();
    versions.join(",")
}

/// Maximum number of characters of a peer's text that an error repeats.
const SHOWN_CHARS: usize = 80;

pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string()
}

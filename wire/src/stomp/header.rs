//! Names of headers: the specification's, and Carillon's own.

// STOMP 1.2.
pub const ACCEPT_VERSION: &str = "accept-version";
pub const ACK: &str = "ack";
pub const CONTENT_LENGTH: &str = "content-length";
pub const CONTENT_TYPE: &str = "content-type";
pub const DESTINATION: &str = "destination";
pub const HEART_BEAT: &str = "heart-beat";
pub const HOST: &str = "host";
pub const ID: &str = "id";
pub const LOGIN: &str = "login";
pub const MESSAGE: &str = "message";
pub const MESSAGE_ID: &str = "message-id";
pub const PASSCODE: &str = "passcode";
pub const RECEIPT: &str = "receipt";
pub const RECEIPT_ID: &str = "receipt-id";
pub const SERVER: &str = "server";
pub const SESSION: &str = "session";
pub const SUBSCRIPTION: &str = "subscription";
pub const TRANSACTION: &str = "transaction";
pub const VERSION: &str = "version";

// Carillon's.

/// CONNECT: the name a client publishes under.
pub const CLIENT_ID: &str = "client-id";
/// SUBSCRIBE: `latest` is short for `overflow:latest`.
pub const DELIVERY: &str = "delivery";
/// MESSAGE: the entries that were skipped before this one.
pub const MISSED: &str = "missed";
/// SUBSCRIBE: what happens when the reader lags too far behind.
pub const OVERFLOW: &str = "overflow";
/// MESSAGE: the name of the connection that published it.
pub const PRODUCER: &str = "producer";
/// MESSAGE: the position in the topic's log.
pub const SEQUENCE: &str = "sequence";
/// SUBSCRIBE: where in the past to begin.
pub const SINCE: &str = "since";
/// MESSAGE: when it was published, in milliseconds of Unix time.
pub const TIMESTAMP: &str = "timestamp";

/// Whether a header of a SEND is passed on to subscribers: all but the ones that concern the SEND
/// frame itself and the ones that the server sets ("the user defined headers MUST be passed through
/// in the MESSAGE frame", STOMP 1.2, "SEND").
pub fn is_user_defined(name: &str) -> bool {
    !matches!(
        name,
        DESTINATION
            | CONTENT_TYPE
            | CONTENT_LENGTH
            | RECEIPT
            | TRANSACTION
            | SUBSCRIPTION
            | MESSAGE_ID
            | ACK
            | SEQUENCE
            | TIMESTAMP
            | PRODUCER
            | MISSED
    )
}

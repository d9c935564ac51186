//! Header names: of the specification, of other brokers, and Carillon's own.

// STOMP 1.2.
/// CONNECT: the versions that the client supports.
pub const ACCEPT_VERSION: &str = "accept-version";
/// SUBSCRIBE: the acknowledgement mode. MESSAGE: the id for ACK and NACK.
pub const ACK: &str = "ack";
/// The length of the body in bytes.
pub const CONTENT_LENGTH: &str = "content-length";
/// The media type of the body.
pub const CONTENT_TYPE: &str = "content-type";
/// The destination of a message or a subscription.
pub const DESTINATION: &str = "destination";
/// CONNECT, CONNECTED: the heart-beat intervals.
pub const HEART_BEAT: &str = "heart-beat";
/// CONNECT: the virtual host.
pub const HOST: &str = "host";
/// SUBSCRIBE, UNSUBSCRIBE: the id of the subscription. ACK, NACK: the value of `ack`.
pub const ID: &str = "id";
/// CONNECT: the user name.
pub const LOGIN: &str = "login";
/// ERROR: a short description.
pub const MESSAGE: &str = "message";
/// MESSAGE: the id of the message.
pub const MESSAGE_ID: &str = "message-id";
/// CONNECT: the password.
pub const PASSCODE: &str = "passcode";
/// Requests a receipt with this id.
pub const RECEIPT: &str = "receipt";
/// RECEIPT, ERROR: the id of the requested receipt.
pub const RECEIPT_ID: &str = "receipt-id";
/// SUBSCRIBE: the selector. Defined in 1.0 and 1.1; 1.2 leaves it to servers.
pub const SELECTOR: &str = "selector";
/// CONNECTED: name and version of the server.
pub const SERVER: &str = "server";
/// CONNECTED: the id of the session.
pub const SESSION: &str = "session";
/// MESSAGE: the id of the subscription.
pub const SUBSCRIPTION: &str = "subscription";
/// The name of the transaction.
pub const TRANSACTION: &str = "transaction";
/// CONNECTED: the negotiated version. ERROR: the supported versions.
pub const VERSION: &str = "version";

// ActiveMQ.

/// SUBSCRIBE: browses a queue. MESSAGE: `end` marks the end of browsing.
pub const BROWSER: &str = "browser";
/// CONNECT: the name of the client as publisher and as owner of durable subscriptions.
pub const CLIENT_ID: &str = "client-id";
/// SEND: a value that the reply to a request repeats.
pub const CORRELATION_ID: &str = "correlation-id";
/// MESSAGE: the number of deliveries, including this one.
pub const DELIVERY_COUNT: &str = "JMSXDeliveryCount";
/// SUBSCRIBE: the name of a durable subscription in Artemis.
pub const DURABLE_SUBSCRIPTION_NAME: &str = "durable-subscription-name";
/// SUBSCRIBE: requests to be the only consumer of a queue.
pub const EXCLUSIVE: &str = "activemq.exclusive";
/// SEND: the expiry time, in milliseconds of Unix time.
pub const EXPIRES: &str = "expires";
/// SUBSCRIBE: excludes messages of this connection. Not supported.
pub const NO_LOCAL: &str = "activemq.noLocal";
/// SUBSCRIBE: the same in Artemis. Not supported.
pub const NO_LOCAL_SHORT: &str = "no-local";
/// SUBSCRIBE: maximum number of unacknowledged messages.
pub const PREFETCH_SIZE: &str = "activemq.prefetchSize";
/// SEND: priority, 0 to 9.
pub const PRIORITY: &str = "priority";
/// MESSAGE: `true` if it was delivered before.
pub const REDELIVERED: &str = "redelivered";
/// SEND: the destination for replies.
pub const REPLY_TO: &str = "reply-to";
/// SUBSCRIBE: starts with the history of the topic.
pub const RETROACTIVE: &str = "activemq.retroactive";
/// SUBSCRIBE: the name of a durable subscription.
pub const SUBSCRIPTION_NAME: &str = "activemq.subscriptionName";

// RabbitMQ.

/// SUBSCRIBE: makes the subscription durable under the name in its `id`.
pub const DURABLE: &str = "durable";
/// SUBSCRIBE: maximum number of unacknowledged messages.
pub const PREFETCH_COUNT: &str = "prefetch-count";
/// NACK: `false` if the message must not be delivered again.
pub const REQUEUE: &str = "requeue";

// Carillon.

/// SUBSCRIBE: `latest` is short for `overflow:latest`.
pub const DELIVERY: &str = "delivery";
/// MESSAGE: the range of messages that were skipped before this one.
pub const MISSED: &str = "missed";
/// SUBSCRIBE: the overflow rule of a reader with too much lag.
pub const OVERFLOW: &str = "overflow";
/// SEND: `true` if the topic retains the message, like MQTT's RETAIN flag.
pub const RETAIN: &str = "retain";
/// SEND: `true` if the message must survive a restart, as in ActiveMQ. Forwarded to subscribers.
pub const PERSISTENT: &str = "persistent";
/// MESSAGE: the name of the connection that published the message.
pub const PRODUCER: &str = "producer";
/// SUBSCRIBE: `true` if a comma in the destination is part of its name, and does not separate destinations.
pub const SINGLE_DESTINATION: &str = "single-destination";
/// MESSAGE: the position in the log of its destination.
pub const SEQUENCE: &str = "sequence";
/// SUBSCRIBE: the start in the past.
pub const SINCE: &str = "since";
/// MESSAGE: the time of publication, in milliseconds of Unix time.
pub const TIMESTAMP: &str = "timestamp";

/// Returns true if a header of a SEND is forwarded to subscribers: all except those that concern
/// the SEND frame itself and those that the server sets ("the user defined headers MUST be passed
/// through in the MESSAGE frame", STOMP 1.2, "SEND").
///
/// So `expires`, `priority`, `reply-to`, `correlation-id` and similar headers are forwarded after
/// the server has applied them.
pub fn is_user_defined(name: &str) -> bool {
    !matches!(
        name,
        DESTINATION
            | CONTENT_TYPE
            | CONTENT_LENGTH
            | RECEIPT
            | TRANSACTION
            | RETAIN
            | SUBSCRIPTION
            | MESSAGE_ID
            | ACK
            | REDELIVERED
            | DELIVERY_COUNT
            | BROWSER
            | SEQUENCE
            | TIMESTAMP
            | PRODUCER
            | MISSED
    )
}

//! Names of headers: the specification's, other brokers', and Carillon's own.

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
/// SUBSCRIBE: which messages are wanted. 1.0 and 1.1 name it, 1.2 leaves it to servers.
pub const SELECTOR: &str = "selector";
pub const SERVER: &str = "server";
pub const SESSION: &str = "session";
pub const SUBSCRIPTION: &str = "subscription";
pub const TRANSACTION: &str = "transaction";
pub const VERSION: &str = "version";

// ActiveMQ's.

/// SUBSCRIBE: to look at a queue. MESSAGE: `end` after the last one.
pub const BROWSER: &str = "browser";
/// CONNECT: the name a client publishes under and has its durable subscriptions under.
pub const CLIENT_ID: &str = "client-id";
/// SEND: what the answer to a request repeats.
pub const CORRELATION_ID: &str = "correlation-id";
/// MESSAGE: how often it was delivered, this time included.
pub const DELIVERY_COUNT: &str = "JMSXDeliveryCount";
/// SUBSCRIBE: the name of a durable subscription, as Artemis has it.
pub const DURABLE_SUBSCRIPTION_NAME: &str = "durable-subscription-name";
/// SUBSCRIBE: to be the only consumer of a queue.
pub const EXCLUSIVE: &str = "activemq.exclusive";
/// SEND: until when the message is of use, in milliseconds of Unix time.
pub const EXPIRES: &str = "expires";
/// SUBSCRIBE: to get nothing of what this connection sends. Not supported.
pub const NO_LOCAL: &str = "activemq.noLocal";
pub const NO_LOCAL_SHORT: &str = "no-local";
/// SUBSCRIBE: how many messages may wait for their acknowledgement.
pub const PREFETCH_SIZE: &str = "activemq.prefetchSize";
/// SEND: 0 to 9.
pub const PRIORITY: &str = "priority";
/// MESSAGE: `true` if it was delivered before.
pub const REDELIVERED: &str = "redelivered";
/// SEND: the destination where an answer is waited for.
pub const REPLY_TO: &str = "reply-to";
/// SUBSCRIBE: to begin with what the topic still keeps.
pub const RETROACTIVE: &str = "activemq.retroactive";
/// SUBSCRIBE: the name of a durable subscription.
pub const SUBSCRIPTION_NAME: &str = "activemq.subscriptionName";

// RabbitMQ's.

/// SUBSCRIBE: to be kept, under the name that is its `id`, while the client is away.
pub const DURABLE: &str = "durable";
/// SUBSCRIBE: how many messages may wait for their acknowledgement.
pub const PREFETCH_COUNT: &str = "prefetch-count";
/// NACK: `false` if the message should not be delivered again.
pub const REQUEUE: &str = "requeue";

// Carillon's.

/// SUBSCRIBE: `latest` is short for `overflow:latest`.
pub const DELIVERY: &str = "delivery";
/// MESSAGE: the entries that were skipped before this one.
pub const MISSED: &str = "missed";
/// SUBSCRIBE: what happens when the reader lags too far behind.
pub const OVERFLOW: &str = "overflow";
/// SEND: `true` if the topic is to retain the message, as MQTT's RETAIN flag has it.
pub const RETAIN: &str = "retain";
/// MESSAGE: the name of the connection that published it.
pub const PRODUCER: &str = "producer";
/// MESSAGE: the position in the log of its destination.
pub const SEQUENCE: &str = "sequence";
/// SUBSCRIBE: where in the past to begin.
pub const SINCE: &str = "since";
/// MESSAGE: when it was published, in milliseconds of Unix time.
pub const TIMESTAMP: &str = "timestamp";

/// Whether a header of a SEND is passed on to subscribers: all but the ones that concern the SEND
/// frame itself and the ones that the server sets ("the user defined headers MUST be passed through
/// in the MESSAGE frame", STOMP 1.2, "SEND").
///
/// So `expires`, `priority`, `reply-to`, `correlation-id` and the like are passed on; what they ask
/// of the server, it has done.
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

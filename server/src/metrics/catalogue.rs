//! Every metric: its name, type, labels and meaning. The only place where they are written, apart from the documentation.

use prometheus_client::{metrics::MetricType, registry::Unit};

/// A metric with its description.
#[derive(Debug)]
pub struct Metric {
    /// The name without the unit and without `_total`.
    pub name: &'static str,
    /// The type.
    pub kind: MetricType,
    /// The unit, which is the end of the name.
    pub unit: Option<Unit>,
    /// The names of the labels.
    pub labels: &'static [&'static str],
    /// The meaning, as a part of a sentence without a full stop.
    pub help: &'static str,
}

/// Defines the metrics, and the list of all.
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal $($unit:ident)?, [$($label:literal),*], $help:literal;)*) => {
        $(pub static $constant: Metric = Metric {
            name: $name,
            kind: MetricType::$kind,
            unit: metrics!(@unit $($unit)?),
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All metrics, in the order of the response.
        #[cfg(test)]
        pub static ALL: &[&Metric] = &[$(&$constant),*];
    };
    (@unit) => { None };
    (@unit $unit:ident) => { Some(Unit::$unit) };
}

metrics! {
    BUILD = Info "carillon_build", ["version"], "The version of the server";
    START_TIME = Gauge "process_start_time" Seconds, [], "The start of the server, as Unix time";
    CPU = Counter "process_cpu" Seconds, [], "Processor time of the process, in user and system mode";
    RESIDENT_MEMORY = Gauge "process_resident_memory" Bytes, [], "Memory of the process in RAM";
    VIRTUAL_MEMORY = Gauge "process_virtual_memory" Bytes, [], "Virtual memory of the process";
    OPEN_FDS = Gauge "process_open_fds", [], "Open file descriptors; each connection is one";
    MAX_FDS = Gauge "process_max_fds", [], "Maximum number of open file descriptors";
    EVENT_LOOP_DELAY = Histogram "carillon_event_loop_delay" Seconds, [], "Delay of a timer that fires four times a second: long delays show that the machine has too little processor time";

    CONNECTIONS = Gauge "carillon_connections", ["listener", "protocol"], "Open connections, by the port that accepted them and their protocol";
    CONNECTION_LIMIT = Gauge "carillon_connections_limit", [], "Maximum number of open connections (--max-connections)";
    ACCEPTED_CONNECTIONS = Counter "carillon_accepted_connections", ["listener"], "Connections that a port accepted";
    ENDED_CONNECTIONS = Counter "carillon_ended_connections", ["reason"], "Connections of MQTT and STOMP that ended, and handshakes that failed";
    REFUSALS = Counter "carillon_refusals", ["reason"], "Refused connections and requests: by the limit of connections, for the origin of a page, for a host name, for missing or unexpected TLS, for a login, for a missing right, or because of a ban";
    RECEIVED = Counter "carillon_received" Bytes, [], "Bytes that connections of MQTT and STOMP received, after TLS";
    SENT = Counter "carillon_sent" Bytes, [], "Bytes that connections of MQTT and STOMP sent, before TLS";
    TLS_HANDSHAKES = Counter "carillon_tls_handshakes", ["result"], "TLS handshakes";
    CERTIFICATE_EXPIRY = Gauge "carillon_tls_certificate_expiry_timestamp" Seconds, [], "The end of the validity of the server certificate, as Unix time; absent without TLS";
    SESSIONS = Gauge "carillon_sessions", ["state"], "Sessions with a connection, event streams included, and kept sessions of MQTT without one";
    SUBSCRIPTIONS = Gauge "carillon_subscriptions", [], "Subscriptions of all sessions";

    PUBLISHED_MESSAGES = Counter "carillon_published_messages", [], "Messages that the broker accepted, its own included";
    PUBLISHED = Counter "carillon_published" Bytes, [], "Bytes of these messages, with their headers and their structure in memory";
    DELIVERED_MESSAGES = Counter "carillon_delivered_messages", [], "Messages delivered to subscriptions; a message counts for each subscription";
    REFUSED_PUBLICATIONS = Counter "carillon_refused_publications", ["reason"], "Publications that the broker refused, by the bound that was reached";
    SKIPPED_MESSAGES = Counter "carillon_skipped_messages", ["reason"], "Messages that subscriptions did not get: because of their lag, because the topic was removed, because of the limit of cursors, or because their queue was full";
    SLOW_DISCONNECTS = Counter "carillon_slow_consumer_disconnects", [], "Sessions that the overflow rule disconnect ended";
    UNDELIVERABLE_MESSAGES = Counter "carillon_undeliverable_messages", [], "Messages to deleted temporary destinations";
    PUBLISH_TO_WRITE = Histogram "carillon_publish_to_write" Seconds, [], "Time from reading publications from a socket until they are written to every other subscriber that accepts them at once; measured for one read in 64";
    GREATEST_LAG = Gauge "carillon_greatest_lag_messages", [], "Messages that the slowest subscription to a topic has not read";
    CURSORS_BY_LAG = Gauge "carillon_cursors_by_lag", ["lag"], "Pairs of a subscription and a topic, by the number of messages that the subscription has not read there";
    TOPICS = Gauge "carillon_topics", [], "Topics that have messages or subscribers";
    RETAINED_MESSAGES = Gauge "carillon_retained_messages", [], "Retained messages";
    REMOVED_TOPICS = Counter "carillon_removed_topics", [], "Topics that were removed because they were idle for long or a new one needed room";
    EMPTIED_TOPICS = Counter "carillon_emptied_topics", [], "Topics that lost their last message because memory was full";

    QUEUES = Gauge "carillon_queues", [], "Queues that have a name";
    QUEUE_WAITING = Gauge "carillon_queue_waiting_messages", ["queue"], "Messages that no consumer has; the 100 queues with the most messages, and all others as $others";
    QUEUE_UNACKNOWLEDGED = Gauge "carillon_queue_unacknowledged_messages", ["queue"], "Messages in flight: a consumer has them and has not acknowledged them";
    QUEUE_SIZE = Gauge "carillon_queue" Bytes, ["queue"], "Bytes of the messages of the queue";
    QUEUE_OLDEST = Gauge "carillon_queue_oldest_message_age" Seconds, ["queue"], "Age of the oldest message that waits in memory; 0 if there is none";
    QUEUE_CONSUMERS = Gauge "carillon_queue_consumers", ["queue"], "Subscriptions that consume from the queue";
    QUEUE_PAUSED = Gauge "carillon_queue_paused", ["queue"], "1 if an operator paused the queue; not for $others";
    QUEUE_ENQUEUED = Counter "carillon_queue_enqueued_messages", ["queue"], "Messages that entered the queue; not for $others";
    QUEUE_ACKNOWLEDGED = Counter "carillon_queue_acknowledged_messages", ["queue"], "Messages that consumers acknowledged; not for $others";
    SUBSCRIPTION_QUEUE_MESSAGES = Gauge "carillon_subscription_queue_messages", ["kind"], "Messages in the queues of durable subscriptions and of shared subscriptions";
    DEAD_LETTER_MESSAGES = Gauge "carillon_dead_letter_messages", [], "Messages in all dead letter queues";
    REDELIVERED_MESSAGES = Counter "carillon_redelivered_messages", [], "Deliveries from queues of messages that had been delivered before";
    DEAD_LETTERED_MESSAGES = Counter "carillon_dead_lettered_messages", [], "Messages sent to a dead letter queue, after too many deliveries or a rejection";
    EXPIRED_MESSAGES = Counter "carillon_expired_messages", [], "Messages that expired in a queue";
    DISCARDED_MESSAGES = Counter "carillon_discarded_messages", [], "Messages dropped because a queue was full, deleted by an operator, or dead and accepted by no dead letter queue";

    MEMORY = Gauge "carillon_memory" Bytes, ["kind"], "Memory that the bounds of the server count, by kind";
    MEMORY_LIMIT = Gauge "carillon_memory_limit" Bytes, ["kind"], "The bound of each kind of memory";
    POOL_USED = Gauge "carillon_pool_used", ["pool"], "Objects of a pool that all clients share";
    POOL_LIMIT = Gauge "carillon_pool_limit", ["pool"], "The bound of each pool";
    POOL_REFUSALS = Counter "carillon_pool_refusals", ["pool"], "Requests refused because of the bound of a pool or the share of a client";
    DROPPED_INCOMPLETE = Counter "carillon_dropped_incomplete_messages", [], "Incomplete messages dropped to make room for others";

    STORE_FREE = Gauge "carillon_store_free" Bytes, [], "Free space of the disk; this and the following metrics are absent without --data";
    STORE_REQUIRED = Gauge "carillon_store_required_free" Bytes, [], "Free space below which persistent messages are refused (--disk-free)";
    STORE_REFUSES = Gauge "carillon_store_refuses_messages", [], "1 while persistent messages are refused";
    STORE_LOG = Gauge "carillon_store_log" Bytes, [], "Bytes of the log on disk that are in use";
    STORE_WRITTEN = Counter "carillon_store_written" Bytes, [], "Bytes written to the files of the store";
    STORE_SYNC = Histogram "carillon_store_sync" Seconds, [], "Duration of the syncs of the disk; publishers of persistent messages wait for them";
}

impl Metric {
    /// Returns the name as it is in queries, without the endings of a histogram's series.
    #[cfg(test)]
    pub fn full_name(&self) -> String {
        let unit = self.unit.as_ref().map(Unit::as_str);
        let unit = unit.map_or_else(String::new, |unit| format!("_{unit}"));
        let ending = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{}{unit}{ending}", self.name)
    }
}

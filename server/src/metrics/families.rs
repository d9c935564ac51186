//! The metrics in the order of the response, each with its values.

use std::fmt;

use broker::{LagSurvey, Pool, QueueAmounts, RefusalCause, SurveyedQueue};

use super::{
    catalogue::*,
    encode::{Number, Page},
    snapshot::{Snapshot, StoreFigures},
};

/// The process and the machine.
pub fn process(snapshot: &Snapshot, page: &mut Page<'_>) -> fmt::Result {
    let Snapshot {
        process,
        measurements,
        ..
    } = snapshot;
    page.info(&BUILD, env!("CARGO_PKG_VERSION"))?;
    let started = measurements.started_unix_ms as f64 / 1e3;
    page.one(&START_TIME, started)?;
    page.optional(&CPU, process.cpu_seconds)?;
    page.optional(&RESIDENT_MEMORY, process.resident_bytes)?;
    page.optional(&VIRTUAL_MEMORY, process.virtual_bytes)?;
    page.optional(&OPEN_FDS, process.open_fds)?;
    page.optional(&MAX_FDS, process.max_fds)?;
    page.histogram(&EVENT_LOOP_DELAY, &measurements.event_loop_delay.figures())
}

/// Connections, TLS, refusals and sessions.
pub fn connections(snapshot: &Snapshot, page: &mut Page<'_>) -> fmt::Result {
    let Snapshot {
        measurements,
        broker,
        ..
    } = snapshot;
    let connections = &measurements.connections;
    let open = connections
        .open()
        .map(|(listener, protocol, open)| ([listener, protocol], open));
    page.labelled(&CONNECTIONS, open)?;
    page.one(&CONNECTION_LIMIT, snapshot.connection_limit)?;
    page.by_label(&ACCEPTED_CONNECTIONS, connections.accepted())?;
    page.by_label(&ENDED_CONNECTIONS, measurements.ends.figures())?;
    let of_access = [
        ("login", snapshot.refused_logins),
        ("right", snapshot.refused_requests),
        ("ban", snapshot.refused_bans),
    ];
    let refusals = measurements.refusals.figures().chain(of_access);
    page.by_label(&REFUSALS, refusals)?;
    page.one(&RECEIVED, measurements.received_bytes.total())?;
    page.one(&SENT, measurements.sent_bytes.total())?;
    page.by_label(&TLS_HANDSHAKES, measurements.tls_handshakes.figures())?;
    page.optional(&CERTIFICATE_EXPIRY, measurements.certificate_expires_s())?;
    let detached = snapshot.pool(Pool::Sessions).map_or(0, |pool| pool.taken);
    let connected = (broker.sessions as u64).saturating_sub(detached);
    page.by_label(
        &SESSIONS,
        [("connected", connected), ("disconnected", detached)],
    )?;
    page.one(&SUBSCRIPTIONS, broker.subscriptions)
}

/// Publications, deliveries, lags and topics.
pub fn messages(snapshot: &Snapshot, page: &mut Page<'_>) -> fmt::Result {
    let Snapshot {
        measurements,
        broker,
        survey,
        ..
    } = snapshot;
    page.one(&PUBLISHED_MESSAGES, broker.published)?;
    page.one(&PUBLISHED, broker.published_bytes)?;
    page.one(&DELIVERED_MESSAGES, broker.delivered)?;
    let refused = RefusalCause::ALL.map(|cause| (cause.name(), broker.refusals.of(cause)));
    page.by_label(&REFUSED_PUBLICATIONS, refused)?;
    let other_reasons =
        broker.dropped_for_lag + broker.dropped_with_topic + broker.dropped_without_cursor;
    let skipped = [
        ("lag", broker.dropped_for_lag),
        ("topic_removed", broker.dropped_with_topic),
        ("cursor_limit", broker.dropped_without_cursor),
        ("queue_full", broker.dropped.saturating_sub(other_reasons)),
    ];
    page.by_label(&SKIPPED_MESSAGES, skipped)?;
    page.one(&SLOW_DISCONNECTS, broker.disconnected)?;
    page.one(&UNDELIVERABLE_MESSAGES, broker.undeliverable)?;
    page.histogram(&PUBLISH_TO_WRITE, &measurements.publish_to_write.figures())?;
    page.one(&GREATEST_LAG, survey.lag.greatest)?;
    page.by_label(&CURSORS_BY_LAG, by_range(&survey.lag))?;
    page.one(&TOPICS, broker.topics)?;
    page.one(&RETAINED_MESSAGES, broker.retained)?;
    page.one(&REMOVED_TOPICS, broker.aged_out)?;
    page.one(&EMPTIED_TOPICS, broker.emptied)
}

/// Returns the number of cursors for each range of lags, such as `2-10`. Not the buckets of a histogram: their counts would
/// have to grow for ever.
fn by_range(lag: &LagSurvey) -> impl Iterator<Item = (String, u64)> {
    let mut from = 0;
    let ranges = LagSurvey::BOUNDS.iter().map(move |bound| {
        let range = match from == *bound {
            true => bound.to_string(),
            false => format!("{from}-{bound}"),
        };
        from = bound + 1;
        range
    });
    let more = LagSurvey::BOUNDS
        .last()
        .map(|last| format!("{}-", last + 1));
    ranges.chain(more).zip(lag.cursors)
}

/// Queues, and what happened to their messages.
pub fn queues(snapshot: &Snapshot, page: &mut Page<'_>) -> fmt::Result {
    let Snapshot { broker, survey, .. } = snapshot;
    page.one(&QUEUES, broker.queues)?;
    let queues = ListedQueues {
        largest: &survey.largest,
        others: survey.others,
    };
    page.by_label(&QUEUE_WAITING, queues.with_others(|one| one.waiting))?;
    page.by_label(
        &QUEUE_UNACKNOWLEDGED,
        queues.with_others(|one| one.unacknowledged),
    )?;
    page.by_label(&QUEUE_SIZE, queues.with_others(|one| one.bytes))?;
    let age = |one: &QueueAmounts| {
        let age_ms = one.oldest_ms.map_or(0, |oldest_ms| {
            snapshot.now_unix_ms.saturating_sub(oldest_ms)
        });
        age_ms as f64 / 1e3
    };
    page.by_label(&QUEUE_OLDEST, queues.with_others(age))?;
    page.by_label(&QUEUE_CONSUMERS, queues.with_others(|one| one.consumers))?;
    page.by_label(&QUEUE_PAUSED, queues.listed(|one| one.figures.is_paused))?;
    page.by_label(&QUEUE_ENQUEUED, queues.listed(|one| one.figures.enqueued))?;
    page.by_label(
        &QUEUE_ACKNOWLEDGED,
        queues.listed(|one| one.figures.acknowledged),
    )?;
    let messages = |amounts: &QueueAmounts| amounts.waiting + amounts.unacknowledged;
    let of_subscriptions = [
        ("durable", messages(&survey.durables)),
        ("shared", messages(&survey.shared)),
    ];
    page.by_label(&SUBSCRIPTION_QUEUE_MESSAGES, of_subscriptions)?;
    page.one(&DEAD_LETTER_MESSAGES, survey.dead_letters)?;
    let results = &broker.queue_results;
    page.one(&REDELIVERED_MESSAGES, results.redelivered)?;
    page.one(&DEAD_LETTERED_MESSAGES, results.dead_lettered)?;
    page.one(&EXPIRED_MESSAGES, results.expired)?;
    page.one(&DISCARDED_MESSAGES, results.discarded)
}

/// The queues with metrics of their own, and the sum of the others.
struct ListedQueues<'a> {
    largest: &'a [SurveyedQueue],
    others: QueueAmounts,
}

impl ListedQueues<'_> {
    fn listed<V: Into<Number>>(
        &self,
        value: impl Fn(&SurveyedQueue) -> V,
    ) -> impl Iterator<Item = (&str, V)> {
        let listed = self.largest.iter();
        listed.map(move |one| (one.figures.name.as_str(), value(one)))
    }

    fn with_others<V: Into<Number>>(
        &self,
        value: impl Fn(&QueueAmounts) -> V,
    ) -> impl Iterator<Item = (&str, V)> {
        let others = (self.others.queues > 0).then(|| (OTHERS, value(&self.others)));
        self.listed(move |one| value(&amounts(one))).chain(others)
    }
}

fn amounts(queue: &SurveyedQueue) -> QueueAmounts {
    let figures = &queue.figures;
    QueueAmounts {
        queues: 1,
        waiting: figures.waiting,
        unacknowledged: figures.unacknowledged,
        bytes: figures.bytes,
        consumers: figures.consumers as u64,
        oldest_ms: queue.oldest_ms,
    }
}

/// Memory and pools against their bounds.
pub fn bounds(snapshot: &Snapshot, page: &mut Page<'_>) -> fmt::Result {
    let pool = |pool| snapshot.pool(pool).copied();
    let kinds = MEMORY_POOLS
        .iter()
        .filter_map(|(kind, memory)| Some((*kind, pool(*memory)?)))
        .map(|(kind, figures)| (kind, figures.taken, figures.limit));
    let own = [
        (
            "messages",
            snapshot.broker.held_bytes,
            snapshot.memory_limit,
        ),
        (
            "incomplete_messages",
            snapshot.incomplete.bytes as u64,
            snapshot.incomplete_limit as u64,
        ),
    ];
    let kinds: Vec<_> = own.into_iter().chain(kinds).collect();
    page.by_label(&MEMORY, kinds.iter().map(|(kind, used, _)| (*kind, *used)))?;
    page.by_label(
        &MEMORY_LIMIT,
        kinds.iter().map(|(kind, _, limit)| (*kind, *limit)),
    )?;
    let objects: Vec<_> = OBJECT_POOLS
        .iter()
        .filter_map(|(name, objects)| Some((*name, pool(*objects)?)))
        .collect();
    page.by_label(
        &POOL_USED,
        objects.iter().map(|(name, one)| (*name, one.taken)),
    )?;
    page.by_label(
        &POOL_LIMIT,
        objects.iter().map(|(name, one)| (*name, one.limit)),
    )?;
    let all = MEMORY_POOLS.iter().chain(&OBJECT_POOLS);
    let refused = all.filter_map(|(name, one)| Some((*name, pool(*one)?.refused)));
    page.by_label(&POOL_REFUSALS, refused)?;
    page.one(&DROPPED_INCOMPLETE, snapshot.incomplete.dropped)
}

/// The store on disk.
pub fn store(store: &StoreFigures, page: &mut Page<'_>) -> fmt::Result {
    let disk = &store.disk;
    page.one(&STORE_FREE, disk.free_bytes)?;
    page.one(&STORE_REQUIRED, disk.required_bytes)?;
    page.one(&STORE_REFUSES, disk.refuses_persistent)?;
    page.one(&STORE_LOG, disk.log_bytes)?;
    page.one(&STORE_WRITTEN, store.written_bytes)?;
    page.histogram(&STORE_SYNC, &store.sync)
}

/// The label of the queues without metrics of their own. No queue can have this name: it belongs to the broker.
const OTHERS: &str = "$others";
/// The pools that are memory, by their label.
const MEMORY_POOLS: [(&str, Pool); 4] = [
    ("queues", Pool::QueueBytes),
    ("subscriptions", Pool::SubscriptionBytes),
    ("transactions", Pool::TransactionBytes),
    ("wills", Pool::WillBytes),
];
/// The pools of objects, by their label.
const OBJECT_POOLS: [(&str, Pool); 7] = [
    ("topics", Pool::Topics),
    ("queues_with_name", Pool::Queues),
    ("durable_subscriptions", Pool::Durables),
    ("kept_sessions", Pool::Sessions),
    ("wildcard_cursors", Pool::Cursors),
    ("scheduled_messages", Pool::Scheduled),
    ("selector_work", Pool::SelectorWork),
];

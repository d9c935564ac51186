//! The queues' figures for people and pages.

use app::Queues;
use broker::{QueueFigures, TopicFilter};

use crate::{server::Server, storage::DiskStatus};

/// Returns the figures of all queues, up to the maximum.
pub fn all(server: &Server) -> Queues {
    match TopicFilter::new(">") {
        Ok(all) => listed(server, &all, MAX_PUBLISHED),
        Err(_) => Queues::default(),
    }
}

/// Returns the figures of the queues that `filter` covers, by name; at most `max`.
pub fn listed(server: &Server, filter: &TopicFilter, max: usize) -> Queues {
    let (found, omitted) = server.broker.queues(filter, max);
    Queues {
        queues: found.iter().map(figures).collect(),
        omitted: omitted as u64,
        full_disk: server.disk.as_ref().and_then(DiskStatus::full_disk),
    }
}

/// Returns the figures of a queue for pages.
pub fn figures(queue: &QueueFigures) -> app::QueueFigures {
    app::QueueFigures {
        name: queue.name.to_string(),
        waiting: queue.waiting,
        unacknowledged: queue.unacknowledged,
        consumers: queue.consumers as u64,
        bytes: queue.bytes,
        enqueued: queue.enqueued,
        dispatched: queue.dispatched,
        acknowledged: queue.acknowledged,
        redelivered: queue.redelivered,
        dead_lettered: queue.dead_lettered,
        expired: queue.expired,
        discarded: queue.discarded,
    }
}

/// Maximum number of queues in the published figures, which also have the number of the others.
pub const MAX_PUBLISHED: usize = 200;

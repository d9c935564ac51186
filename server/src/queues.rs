//! The queues' figures as people and pages get them.

use app::Queues;
use broker::{Broker, QueueFigures, TopicFilter};

/// Those of all queues, as far as they are listed.
pub fn all(broker: &Broker) -> Queues {
    match TopicFilter::new(">") {
        Ok(all) => listed(broker, &all, LISTED),
        Err(_) => Queues::default(),
    }
}

/// Those that `filter` covers, by name; at most `most`.
pub fn listed(broker: &Broker, filter: &TopicFilter, most: usize) -> Queues {
    let (found, omitted) = broker.queues(filter, most);
    Queues {
        queues: found.iter().map(figures).collect(),
        omitted: omitted as u64,
    }
}

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

/// Queues that are told of unasked; it is told how many there are besides.
pub const LISTED: usize = 200;

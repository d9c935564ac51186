//! The queues' figures for people and pages.

use app::Queues;
use broker::{Broker, DestinationKind, JournalError, QueueFigures, TopicFilter};

use crate::access_control::Principal;

/// Returns the figures of the queues that a principal may see, up to the maximum for a page. The others are counted only for
/// one that sees all.
pub fn visible_to_page(broker: &Broker, principal: &Principal) -> Queues {
    if principal.check_server().is_ok() {
        return all(broker);
    }
    let Ok(every) = TopicFilter::new(">") else {
        return Queues::default();
    };
    let (found, _) = broker.queues(&every, usize::MAX);
    let visible = found
        .iter()
        .filter(|queue| principal.sees(DestinationKind::Queue, &queue.name));
    Queues {
        queues: visible.take(MAX_PUBLISHED).map(figures).collect(),
        omitted: 0,
        warning: warning(broker),
    }
}

/// Returns the figures of all queues, up to the maximum.
pub fn all(broker: &Broker) -> Queues {
    match TopicFilter::new(">") {
        Ok(all) => listed(broker, &all, MAX_PUBLISHED),
        Err(_) => Queues::default(),
    }
}

/// Returns the figures of the queues that `filter` covers, by name; at most `max`.
pub fn listed(broker: &Broker, filter: &TopicFilter, max: usize) -> Queues {
    let (found, omitted) = broker.queues(filter, max);
    Queues {
        queues: found.iter().map(figures).collect(),
        omitted: omitted as u64,
        warning: warning(broker),
    }
}

/// Returns the text that persistent messages are refused, while they are.
pub fn warning(broker: &Broker) -> Option<String> {
    match broker.check_new().err()? {
        JournalError::DiskFull { free, required } => {
            let (free, required) = (app::bytes(free), app::bytes(required));
            Some(format!(
                "The disk is nearly full: {free} are free, and {required} must stay free. Persistent messages and new queues \
                 are refused. Consumers go on, and make room."
            ))
        }
        error => Some(format!("Persistent messages are refused: {error}.")),
    }
}

/// Returns the figures of a queue for pages.
pub fn figures(queue: &QueueFigures) -> app::QueueFigures {
    app::QueueFigures {
        name: queue.name.to_string(),
        waiting: queue.waiting,
        paged: queue.paged,
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
        moved: queue.moved,
        paused: queue.is_paused,
    }
}

/// Maximum number of queues in the published figures, which also have the number of the others.
pub const MAX_PUBLISHED: usize = 200;

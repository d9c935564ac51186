//! Looking at a queue without taking anything out of it.

use std::sync::Arc;

use super::Queue;
use crate::{
    entry::Entry,
    sync::{Mutex, lock},
};

/// One consumer's look, from the oldest message to the end.
pub(super) struct Look {
    pub(super) queue: Arc<Queue>,
    place: Mutex<Option<Place>>,
}

/// How far it has come.
struct Place {
    /// The position of the last message seen.
    after: u64,
    /// What says that this was all.
    end: Arc<Entry>,
}

impl Look {
    pub(super) fn new(queue: Arc<Queue>, end: Arc<Entry>) -> Self {
        Self {
            queue,
            place: Mutex::new(Some(Place { after: 0, end })),
        }
    }

    /// What is there next, and what says that this was all; nothing once that was told.
    pub(super) fn next(&self) -> (Vec<Arc<Entry>>, Option<Arc<Entry>>) {
        let mut place = lock(&self.place);
        let Some(Place { after, .. }) = &mut *place else {
            return (Vec::new(), None);
        };
        let found = self.queue.browse(*after, AT_ONCE);
        if let Some(last) = found.last() {
            *after = last.position();
            return (found, None);
        }
        (found, place.take().map(|place| place.end))
    }

    /// Whether there may be more to see.
    pub(super) fn goes_on(&self) -> bool {
        lock(&self.place).is_some()
    }

    pub(super) fn end(&self) {
        lock(&self.place).take();
    }
}

/// Messages fetched at once. Those that consumers hold are looked through each time.
const AT_ONCE: usize = 1_000;

//! Who is given what: a message that comes in goes to the next consumer with room, and who made room gets
//! what waits.

use std::sync::Arc;

use super::{Consumer, Queue, Queued, State};
use crate::{outcome::Ready, sync::Ordering};

/// What came of giving a consumer what waits.
#[derive(Default)]
struct Filled {
    given: usize,
    /// There may be more to see.
    goes_on: bool,
    /// Others are to look again: see [`State::assigned`].
    is_released: bool,
}

impl Queue {
    /// Gives a message to the next consumer that has room and wants it; otherwise it comes back.
    pub(super) fn offer(
        self: &Arc<Self>,
        state: &mut State,
        mut message: Queued,
        ready: &mut Ready,
    ) -> Option<Queued> {
        if state.nobody_has_room() {
            return Some(message);
        }
        let position = message.entry.position();
        let chosen = state.chosen(&message.entry);
        // First, since the others have nothing to pass over if it does not wait.
        let first = chosen.and_then(|id| state.place_of(id));
        for at in first.into_iter().chain(state.turn()) {
            if !state.is_caught_up(at) {
                continue;
            }
            if !state.may_take(at, &message.entry, chosen) {
                state.pass_over(at, position);
                continue;
            }
            let consumer = Arc::clone(state.consumer(at));
            match consumer.assign(self, message, ready) {
                Ok(entry) => {
                    // It is the newest: nothing behind it waits for others.
                    state.assigned(at, &entry);
                    return None;
                }
                Err(back) => message = back,
            }
        }
        Some(message)
    }

    /// Gives a consumer at most `most` of what waits; tells how many.
    pub(crate) fn refill(
        self: &Arc<Self>,
        consumer: &Arc<Consumer>,
        most: usize,
        ready: &mut Ready,
    ) -> usize {
        let filled = self.fill(consumer, most, ready);
        if filled.is_released {
            self.share_out(ready);
        }
        filled.given
    }

    /// Distributes what waits over all consumers, in turns.
    pub(crate) fn share_out(self: &Arc<Self>, ready: &mut Ready) {
        loop {
            let state = self.lock();
            if state.waiting() == 0 {
                return;
            }
            let consumers = state.consumers();
            drop(state);
            let given: usize = consumers
                .iter()
                .filter(|consumer| consumer.has_room())
                .map(|consumer| self.fill(consumer, SHARE, ready).given)
                .sum();
            if given == 0 {
                return;
            }
        }
    }

    fn fill(self: &Arc<Self>, consumer: &Arc<Consumer>, most: usize, ready: &mut Ready) -> Filled {
        let mut filled = Filled::default();
        // A message is counted before it is offered to anybody: who made room after that sees it here.
        while filled.given < most && self.entries.load(Ordering::Relaxed) > 0 {
            let slice = self.fill_slice(consumer, most - filled.given, ready);
            filled.given += slice.given;
            filled.is_released |= slice.is_released;
            if !slice.goes_on {
                break;
            }
        }
        filled
    }

    /// Looks at a slice of what waits, so that nobody else waits long.
    fn fill_slice(
        self: &Arc<Self>,
        consumer: &Arc<Consumer>,
        most: usize,
        ready: &mut Ready,
    ) -> Filled {
        let mut filled = Filled::default();
        let mut state = self.lock();
        let Some(at) = state.place_of(consumer.id) else {
            return filled;
        };
        for _ in 0..SLICE {
            if filled.given == most {
                return filled;
            }
            let Some(position) = state.next_for(at) else {
                return filled;
            };
            if !state.wants(at, position) {
                state.pass_over(at, position);
                continue;
            }
            let Some(message) = state.take(position) else {
                return filled;
            };
            match consumer.assign(self, message, ready) {
                Ok(entry) => {
                    state.pass_over(at, position);
                    filled.is_released |= state.assigned(at, &entry);
                    filled.given += 1;
                }
                Err(back) => {
                    state.put_back(back);
                    return filled;
                }
            }
        }
        filled.goes_on = true;
        filled
    }
}

/// Messages looked at while the queue is locked.
pub(super) const SLICE: usize = 1_000;
/// Messages that a consumer is given before the next one has its turn.
const SHARE: usize = 8;

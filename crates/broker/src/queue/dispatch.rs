//! Dispatch: a new message goes to the next consumer with room, and a consumer that makes room gets waiting messages.

use std::sync::Arc;

use super::{Consumer, Queue, Queued, State};
use crate::{message::scan_budget::Budget, outcome::Ready};

/// The reason for giving a consumer waiting messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The consumer has just removed the queue from its list, in order to scan it.
    Noted,
    /// Messages are distributed over all consumers.
    Shared,
}

/// The result of giving a consumer waiting messages.
#[derive(Default)]
struct Filled {
    given: usize,
    /// Other consumers must scan again: see [`State::assigned`].
    is_released: bool,
}

impl Queue {
    /// Gives a message to the next consumer that has room and wants it; otherwise returns it.
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
        // The chosen consumer is tried first: if it takes the message, the other consumers need not be examined.
        let first = chosen.and_then(|id| state.place_of(id));
        let mut budget = Budget::new();
        for at in first.into_iter().chain(state.turn()) {
            if !state.is_caught_up(at) {
                continue;
            }
            if budget.is_spent() {
                // This consumer scans the queue later. The message will be among the waiting ones, because the caller
                // stores it.
                state.note_behind(self, at);
                state.consumer(at).go_on(ready);
                continue;
            }
            if state.consumer(at).is_selective() {
                budget.spend_on(&message.entry);
            }
            if !state.may_take(at, &message.entry, chosen) {
                state.pass_over(at, position);
                continue;
            }
            match state.assign(self, at, message, ready) {
                Ok(entry) => {
                    // The result can be ignored: this is the newest message, so no later message can have become free.
                    state.assigned(self, at, &entry);
                    return None;
                }
                Err(back) => message = back,
            }
        }
        Some(message)
    }

    /// Gives a consumer at most `most` of the waiting messages. Returns their number. Must be called after the queue
    /// was removed from the consumer's list. If the scan is not complete, the queue is listed again.
    pub(super) fn refill(
        self: &Arc<Self>,
        consumer: &Consumer,
        most: usize,
        budget: &mut Budget,
        ready: &mut Ready,
    ) -> usize {
        let filled = self.fill(Cause::Noted, most, consumer, budget, ready);
        if filled.is_released {
            self.share_out(budget, ready);
        }
        filled.given
    }

    /// Distributes the waiting messages over all consumers in turn. When the budget is spent, the readers of the
    /// consumers continue.
    pub(crate) fn share_out(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        let mut left = SHARED;
        while left > 0 && !budget.is_spent() {
            let consumers = self.lock().behind();
            let mut given = 0;
            for consumer in &consumers {
                // Consumers that continue anyway scan for themselves.
                if left > given && !budget.is_spent() && !consumer.goes_on() {
                    let most = SHARE.min(left - given);
                    let filled = self.fill(Cause::Shared, most, consumer, budget, ready);
                    given += filled.given;
                }
            }
            if given == 0 && !budget.is_spent() {
                return;
            }
            left -= given;
        }
        let behind = self.lock().behind();
        for consumer in behind {
            consumer.go_on(ready);
        }
    }

    fn fill(
        self: &Arc<Self>,
        cause: Cause,
        most: usize,
        consumer: &Consumer,
        budget: &mut Budget,
        ready: &mut Ready,
    ) -> Filled {
        let mut filled = Filled::default();
        let mut state = self.lock();
        if cause == Cause::Noted
            && let Some(at) = state.place_of(consumer.id)
        {
            state.unnote(at);
        }
        while self.fill_slice(&mut state, consumer, most, budget, &mut filled, ready) {
            // Other threads can lock the queue in between.
            drop(state);
            state = self.lock();
        }
        drop(state);
        if filled.given == 0 {
            budget.spend();
        }
        filled
    }

    /// Scans a slice of the waiting messages. Returns true if the scan may continue.
    fn fill_slice(
        self: &Arc<Self>,
        state: &mut State,
        consumer: &Consumer,
        most: usize,
        budget: &mut Budget,
        filled: &mut Filled,
        ready: &mut Ready,
    ) -> bool {
        let Some(at) = state.place_of(consumer.id) else {
            return false;
        };
        for _ in 0..SLICE {
            let Some(entry) = state.next_for(at) else {
                return false;
            };
            if filled.given == most || consumer.is_to_stop(budget) {
                state.note_behind(self, at);
                return false;
            }
            let position = entry.position();
            let is_wanted = state.may_take(at, entry, state.chosen(entry));
            if !is_wanted || consumer.is_selective() {
                budget.spend_on(entry);
            }
            if !is_wanted {
                state.pass_over(at, position);
                continue;
            }
            let Some(message) = state.take(position) else {
                return false;
            };
            match state.assign(self, at, message, ready) {
                Ok(entry) => {
                    state.pass_over(at, position);
                    filled.is_released |= state.assigned(self, at, &entry);
                    filled.given += 1;
                }
                Err(back) => {
                    state.put_back(back);
                    return false;
                }
            }
        }
        true
    }
}

/// Messages scanned while the queue is locked.
pub(super) const SLICE: usize = 1_000;
/// Messages that a consumer gets before the next one has its turn.
const SHARE: usize = 8;
/// Messages that one call distributes.
const SHARED: usize = 1_000;

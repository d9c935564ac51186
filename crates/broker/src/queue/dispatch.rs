//! Dispatch: a new message goes to the next consumer with room, and a consumer that makes room gets waiting messages.

use std::sync::Arc;

use super::{Consumer, Queue, Queued, State, state::Unscanned};
use crate::{message::scan_budget::Budget, outcome::Ready};

/// The reason for giving a consumer waiting messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FillReason {
    /// The consumer has just removed the queue from its list, in order to scan it.
    ScanPending,
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
        if state.is_paused() || state.nobody_has_room() {
            return Some(message);
        }
        let position = message.entry.position();
        let chosen = state.only_consumer_for(&message.entry);
        // The chosen consumer is tried first: if it takes the message, the other consumers need not be examined.
        let first = chosen.and_then(|id| state.place_of(id));
        let mut budget = Budget::new();
        for at in first.into_iter().chain(state.in_turn()) {
            if !state.is_caught_up(at) {
                continue;
            }
            if budget.is_spent() {
                // This consumer scans the queue later. The message will be among the waiting ones, because the caller
                // stores it.
                state.add_pending_scan(self, at);
                state.consumer(at).scan_in_reader(ready);
                continue;
            }
            if state.consumer(at).is_selective() {
                let body_reads = state.consumer(at).body_reads(&message.entry);
                budget.spend_on(&message.entry, body_reads);
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
                Err(rejected) => message = rejected,
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
        let filled = self.fill(FillReason::ScanPending, most, consumer, budget, ready);
        if filled.is_released {
            self.distribute(budget, ready);
        }
        filled.given
    }

    /// Distributes the waiting messages over all consumers in turn. When the budget is spent, the readers of the
    /// consumers continue.
    pub(crate) fn distribute(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        let mut left = MESSAGES_PER_CALL;
        while left > 0 && !budget.is_spent() {
            let consumers = self.lock().not_caught_up();
            let mut given = 0;
            for consumer in &consumers {
                // Consumers that continue anyway scan for themselves.
                if left > given && !budget.is_spent() && !consumer.reader_must_scan() {
                    let most = MESSAGES_PER_TURN.min(left - given);
                    let filled = self.fill(FillReason::Shared, most, consumer, budget, ready);
                    given += filled.given;
                }
            }
            if given == 0 && !budget.is_spent() {
                return;
            }
            left -= given;
        }
        let not_caught_up = self.lock().not_caught_up();
        for consumer in not_caught_up {
            consumer.scan_in_reader(ready);
        }
    }

    fn fill(
        self: &Arc<Self>,
        reason: FillReason,
        most: usize,
        consumer: &Consumer,
        budget: &mut Budget,
        ready: &mut Ready,
    ) -> Filled {
        let mut filled = Filled::default();
        let mut state = self.lock();
        if reason == FillReason::ScanPending
            && let Some(at) = state.place_of(consumer.id)
        {
            state.clear_pending_scan(at);
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

    /// Gives a consumer waiting messages while the caller has the queue locked. The caller distributes the others.
    pub(super) fn fill_once(
        self: &Arc<Self>,
        state: &mut State,
        consumer: &Consumer,
        budget: &mut Budget,
        ready: &mut Ready,
    ) {
        let filled = &mut Filled::default();
        self.fill_slice(state, consumer, MESSAGES_PER_TURN, budget, filled, ready);
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
        let Some(at) = state.place_of(consumer.id).filter(|_| !state.is_paused()) else {
            return false;
        };
        for _ in 0..SCAN_STEP {
            let Some(next) = state.next_for(at) else {
                return false;
            };
            if filled.given == most || consumer.must_stop_scan(budget) {
                state.add_pending_scan(self, at);
                return false;
            }
            let entry = match next {
                Unscanned::InMemory(entry) => entry,
                Unscanned::Paged(position) => {
                    if state.wait_for_load(self, at) {
                        self.load_from(state, position);
                    }
                    return false;
                }
            };
            let position = entry.position();
            let is_wanted = state.may_take(at, entry, state.only_consumer_for(entry));
            if !is_wanted || consumer.is_selective() {
                budget.spend_on(entry, consumer.body_reads(entry));
            }
            if !is_wanted {
                state.pass_over(at, position);
                self.read_ahead(state, position);
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
                    self.read_ahead(state, position);
                }
                Err(rejected) => {
                    state.put_back(rejected);
                    return false;
                }
            }
        }
        true
    }
}

/// Messages scanned while the queue is locked.
pub(super) const SCAN_STEP: usize = 1_000;
/// Messages that a consumer gets before the next one has its turn.
const MESSAGES_PER_TURN: usize = 8;
/// Messages that one call distributes.
const MESSAGES_PER_CALL: usize = 1_000;

//! Reading the entries of a cursor.

use std::ops::ControlFlow;

use super::{
    Cursor, ExtraState, Missed, Origin, Overflow, ReadLimits, Reading, Stop, Subscription,
};
use crate::{
    message::entry::SharedEntry, message::scan_budget::Budget, sync::lock, topic::log::Place,
};

impl Cursor {
    /// Passes entries up to position [`ReadLimits::until`] to `deliver`, oldest first, while `deliver` returns
    /// `Continue` and the budget lasts. Entries that have expired, or that do not match `subscription` (the current
    /// one), are skipped.
    pub(crate) fn read(
        &self,
        subscription: &Subscription,
        limits: ReadLimits,
        budget: &mut Budget,
        deliver: &mut impl FnMut(&SharedEntry, Option<Missed>, Origin) -> ControlFlow<()>,
    ) -> Stop {
        let mut reading = lock(&self.reading);
        let Reading { place, extra } = &mut *reading;
        let Some(place) = place.as_mut().filter(|_| !subscription.is_cancelled()) else {
            return Stop::AtEnd { is_full: false };
        };
        let mut examined = 0;
        if let Some(extra) = extra.as_mut().filter(|extra| extra.retained.is_some()) {
            return self.read_retained(subscription, place, extra, limits, deliver);
        }
        if subscription.overflow == Overflow::Latest {
            let extra = extra.get_or_insert_default();
            if extra.generation != subscription.generation {
                // It was examined for another selector.
                extra.generation = subscription.generation;
                extra.examined = 0;
            }
            let before = &mut extra.examined;
            if !self.move_to_newest_match(subscription, place, before, limits, budget) {
                let next = place.peek().map(|entry| entry.position());
                return next.map_or(Stop::AtEnd { is_full: false }, Stop::Interrupted);
            }
            examined = extra.examined;
        }
        let is_selective = subscription.is_selective();
        let is_budgeted = subscription.selector.is_some();
        let mut missed = extra.as_mut().and_then(|extra| extra.missed.take());
        let mut delivered = 0;
        let mut read_to = None;
        let mut is_full = false;
        let stop = loop {
            let Some(entry) = place.peek() else {
                break Stop::AtEnd { is_full };
            };
            let position = entry.position();
            if is_full {
                break Stop::Interrupted(position);
            }
            if position > limits.until {
                break Stop::BeyondLimit(position);
            }
            if is_budgeted && budget.is_spent() {
                break Stop::Interrupted(position);
            }
            // `move_to_newest_match` has examined the entries before `examined`. Of these only the first can match.
            let is_known = read_to.is_some() && entry.sequence() < examined;
            let is_wanted = !is_known
                && !entry.is_expired(limits.now_ms)
                && (!is_selective || subscription.selects(entry));
            if is_budgeted && !is_known {
                budget.spend_on(entry, subscription.body_reads(entry));
            }
            if is_wanted {
                is_full = deliver(entry, missed.take(), Origin::Log).is_break();
                delivered += 1;
            }
            read_to = Some(entry.end());
            place.advance();
        };
        if let Some(at) = read_to {
            self.mark(at);
        }
        self.count(delivered);
        if let Some(own) = extra {
            own.missed = missed;
            if own.is_empty() {
                *extra = None;
            }
        }
        stop
    }

    /// Passes the retained message to `deliver`; the entries of the log are for the next call.
    #[inline(never)] // Once for a cursor, if at all.
    fn read_retained(
        &self,
        subscription: &Subscription,
        place: &mut Place,
        extra: &mut ExtraState,
        limits: ReadLimits,
        deliver: &mut impl FnMut(&SharedEntry, Option<Missed>, Origin) -> ControlFlow<()>,
    ) -> Stop {
        let mut is_full = false;
        if let Some(retained) = &extra.retained {
            if retained.position() > limits.until {
                return Stop::BeyondLimit(retained.position());
            }
            if subscription.wants(retained, limits.now_ms) {
                is_full = deliver(retained, None, Origin::Retained).is_break();
                self.count(1);
            }
        }
        extra.retained = None;
        match place.peek() {
            None => Stop::AtEnd { is_full },
            Some(next) if is_full => Stop::Interrupted(next.position()),
            Some(next) => Stop::BeyondLimit(next.position()),
        }
    }

    fn count(&self, delivered: u64) {
        if delivered == 0 {
            return;
        }
        self.topic.delivered.add(delivered);
        if !self.topic.is_own {
            self.subscription.session.count_delivered(delivered);
        }
    }

    /// For [`Overflow::Latest`]: moves forward to the newest visible entry that matches. Returns false if the budget
    /// was spent before all visible entries were examined.
    fn move_to_newest_match(
        &self,
        subscription: &Subscription,
        place: &mut Place,
        examined: &mut u64,
        limits: ReadLimits,
        budget: &mut Budget,
    ) -> bool {
        let mut ahead = place.clone();
        ahead.skip_to(*examined);
        let is_budgeted = subscription.selector.is_some();
        let mut newest = None;
        let mut is_done = true;
        while let Some(entry) = ahead
            .peek()
            .filter(|entry| entry.position() <= limits.visible)
        {
            if is_budgeted && budget.is_spent() {
                is_done = false;
                break;
            }
            if subscription.wants(entry, limits.now_ms) {
                newest = Some(entry.sequence());
            }
            if is_budgeted {
                budget.spend_on(entry, subscription.body_reads(entry));
            }
            ahead.advance();
        }
        *examined = ahead.sequence();
        if let Some(newest) = newest {
            let mut ahead = place.clone();
            ahead.skip_to(newest);
            self.go_to(place, ahead);
        }
        is_done
    }
}

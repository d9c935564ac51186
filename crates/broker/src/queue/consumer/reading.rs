//! Reading the messages of a consumer.

use std::{ops::ControlFlow, sync::Arc};

use super::{Consumer, Next, Source};
use crate::{
    message::delivery::Delivery,
    message::reading::{ReadLimits, Stop},
    message::scan_budget::Budget,
    name::is_brokers_own,
    notice::DeathCause,
    outcome::Ready,
    queue::in_flight::{Assigned, Received},
    queue::{Queue, Queued},
    settlement::DeliveryId,
    sync::lock,
};

impl Consumer {
    /// Returns the next message to read. `ready` gets other sessions that received messages in the meantime.
    #[inline(never)] // So that the code for readers of topics stays small.
    pub(crate) fn next(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) -> Next {
        if self.is_cancelled() {
            return Next::Nothing;
        }
        let mut in_flight = lock(&self.in_flight);
        if let Some(next) = in_flight.next_position() {
            return Next::At(next);
        }
        in_flight.begin();
        drop(in_flight);
        self.fetch(budget, ready);
        let in_flight = lock(&self.in_flight);
        match in_flight.next_position() {
            Some(next) => Next::At(next),
            None if in_flight.reader_must_scan() => Next::Later,
            None => Next::Nothing,
        }
    }

    /// Stops reading if there is nothing to read. Returns false if a message was assigned in the meantime.
    pub(crate) fn retire(&self) -> bool {
        lock(&self.in_flight).retire()
    }

    /// Hands over messages up to position [`ReadLimits::until`], while `take` returns `Continue`.
    pub(crate) fn read(
        self: &Arc<Self>,
        limits: ReadLimits,
        budget: &mut Budget,
        ready: &mut Ready,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> Stop {
        let mut is_full = false;
        loop {
            let Next::At(position) = self.next(budget, ready) else {
                return Stop::AtEnd { is_full };
            };
            if is_full {
                return Stop::Interrupted(position);
            }
            if position > limits.until {
                return Stop::BeyondLimit(position);
            }
            is_full = self.read_one(limits.now_ms, take).is_break();
        }
    }

    fn read_one(
        self: &Arc<Self>,
        now_ms: u64,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let received = lock(&self.in_flight).receive(now_ms, self.acknowledgement);
        let (number, Assigned { message, queue }) = match received {
            Some(Received::Message(number, assigned)) => (number, assigned),
            Some(Received::Expired(Assigned { message, queue })) => {
                if let Some(queue) = queue {
                    queue.discard(message, DeathCause::Expired);
                }
                return ControlFlow::Continue(());
            }
            None => return ControlFlow::Continue(()),
        };
        let Some(queue) = queue else {
            return take(self.delivery(&message, None, self.browsed()));
        };
        let id = number.map(|number| DeliveryId {
            subscription: self.id,
            number,
        });
        let flow = take(self.delivery(&message, id, Some(&queue)));
        queue.dispatched(&message);
        if !is_brokers_own(message.entry.kind(), message.entry.topic()) {
            self.session.count_delivered(1);
        }
        if id.is_none() {
            queue.acknowledge(&message.entry);
        }
        flow
    }

    fn delivery<'a>(
        &'a self,
        message: &'a Queued,
        id: Option<DeliveryId>,
        queue: Option<&'a Queue>,
    ) -> Delivery<'a> {
        Delivery {
            tag: &self.tag,
            entry: &message.entry,
            missed: message.missed,
            is_retained: false,
            id,
            count: message.deliveries.max(1),
            queue: queue.and_then(Queue::name),
            // A queue delivers an entry to one consumer only. An entry of a topic may be in several queues.
            is_shared: queue.and_then(Queue::name).is_none(),
        }
    }

    fn browsed(&self) -> Option<&Queue> {
        match &self.source {
            Source::Queues(_) => None,
            Source::Browse(look) => Some(&look.queue),
        }
    }
}

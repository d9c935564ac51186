//! Paused sessions, whose clients are disconnected: they keep their position, and delay no publisher.

use crate::{broker::Broker, message::scan_budget::Budget, outcome::Outcome, session::Session};

impl Broker {
    /// Pauses a session that has no reader. Must be called by the task that drained it last.
    ///
    /// Its consumers return their unread and unacknowledged messages to the old places, for other consumers, and get
    /// none until [`Broker::resume`]. An unread message was never delivered. A read message may have reached the
    /// client, so it counts as delivered once, as if the consumer had ended: after too many deliveries it becomes a
    /// dead letter, so that a message that crashes its consumers is not delivered for ever. The ids of those deliveries
    /// become invalid. Message groups, and messages that only an exclusive consumer could get, go to others. Browsers
    /// keep their progress.
    ///
    /// Its subscriptions to topics lag within the usual bounds. At a bound the oldest messages are dropped, also under
    /// the rules that would make publishers wait or end the session, and publishers no longer wait for it. A source
    /// that becomes readable is queued once for each subscription and topic. `outcome` is extended.
    pub fn pause(&self, session: &Session, now_ms: u64, outcome: &mut Outcome) {
        session.pause();
        let mut budget = Budget::new();
        for consumer in session.consumers() {
            for queue in consumer.pause().iter() {
                queue.distribute(&mut budget, &mut outcome.ready);
            }
            if consumer.has_left() {
                self.end_consumer_of(session, consumer.id, outcome);
            }
        }
        self.dead_letter(now_ms, outcome);
    }

    /// Resumes a paused session. Its peer must drain it once, as after [`Session::set_peer`]. `outcome` is extended.
    pub fn resume(&self, session: &Session, outcome: &mut Outcome) {
        session.resume();
        let mut budget = Budget::new();
        for consumer in session.consumers() {
            for queue in consumer.resume() {
                queue.distribute(&mut budget, &mut outcome.ready);
            }
            consumer.fetch_unless_scheduled(&mut budget, &mut outcome.ready);
        }
    }
}

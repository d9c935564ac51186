//! Sessions whose client is away: they keep their place, and hold up nobody.

use crate::{broker::Broker, message::scan_budget::Budget, outcome::Outcome, session::Session};

impl Broker {
    /// Lets a session wait that nobody reads for. To be called by whoever drained it last.
    ///
    /// Its consumers give back what they have not read or not acknowledged, for others and in the old places, and
    /// take nothing until [`Broker::resume`]. What they had not read was never delivered and does not count as
    /// that. What they had read may have reached the client, and counts as the one delivery it was, as if the
    /// consumer had ended: after too many of those a message is dead, so that none can go on taking down whoever
    /// gets it. Ids of those deliveries are void. Message groups and what only an exclusive consumer could have
    /// go to others. Those who browse keep what they have seen.
    ///
    /// Its subscriptions to topics lie behind within the usual bounds. At a bound the oldest are dropped also by
    /// those that would make publishers wait or end the session, and whoever waits for it does so no longer.
    /// What becomes readable meanwhile is noted once for each subscription and topic. `outcome` is added to.
    pub fn pause(&self, session: &Session, now_ms: u64, outcome: &mut Outcome) {
        session.pause();
        let mut budget = Budget::new();
        for consumer in session.consumers() {
            for queue in consumer.pause().iter() {
                queue.share_out(&mut budget, &mut outcome.ready);
            }
            if consumer.has_left() {
                self.end_consumer_of(session, consumer.id, outcome);
            }
        }
        self.dead_letter(now_ms, outcome);
    }

    /// Lets a paused session take part again. Its peer owes it a draining, as after
    /// [`Session::set_peer`]. `outcome` is added to.
    pub fn resume(&self, session: &Session, outcome: &mut Outcome) {
        session.resume();
        let mut budget = Budget::new();
        for consumer in session.consumers() {
            for queue in consumer.resume() {
                queue.share_out(&mut budget, &mut outcome.ready);
            }
            consumer.replenish(&mut budget, &mut outcome.ready);
        }
    }
}

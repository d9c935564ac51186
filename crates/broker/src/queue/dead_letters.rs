//! What becomes of messages that left their queue without having been acknowledged; and the notices about
//! this and other things.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    broker::Broker,
    memory::limits::DeadLetterQueue,
    message::entry::{DestinationKind, Header, Publication},
    name::{TopicFilter, TopicName, is_temporary},
    notice::{Consumption, DeathCause, Lost, Notice, asks_for_advisories},
    outcome::Outcome,
    publish::Rights,
    queue::{Consumer, Dead, Identity},
    session::subscription::Subscription,
    sync::lock_state,
};

impl Broker {
    /// Takes what has expired out of the queues, and out of what topics retain. To be called now and then: what is not called for is held
    /// until then. `outcome` is added to.
    pub fn expire(&self, now_ms: u64, outcome: &mut Outcome) {
        let mut queues = Vec::new();
        let mut sessions = Vec::new();
        self.for_each_named_queue(|queue| queues.push(Arc::clone(queue)));
        queues.extend(lock_state(&self.state).queues.durables.values().cloned());
        self.for_each_session(|one| {
            if one.consumers > 0 {
                sessions.push(Arc::clone(&one.session));
            }
        });
        for queue in queues {
            queue.expire(now_ms);
        }
        for consumer in sessions.iter().flat_map(|session| session.consumers()) {
            for queue in consumer.queues().iter() {
                match queue.identity {
                    Identity::Private | Identity::Shared(_) => queue.expire(now_ms),
                    Identity::Named(_) | Identity::Durable(_) => {}
                }
            }
        }
        self.dead_letter(now_ms, outcome);
        self.expire_retained(now_ms);
    }

    /// Sends the dead to their queue. Where it has no room they are let go: what is in it tells what began
    /// to go wrong, and nobody can flood that away.
    pub(crate) fn dead_letter(&self, now_ms: u64, outcome: &mut Outcome) {
        for dead in self.store.take_dead() {
            let (kind, name) = dead.queue.destination_of(&dead.message.entry);
            let is_sent = match self.dead_letter_queue(&dead, (kind, &name)) {
                Some(queue) => {
                    let letter = dead_letter(&dead, queue, (kind, &name), now_ms);
                    self.send_dead(letter, outcome)
                }
                None => false,
            };
            dead.queue.count_buried(dead.cause, is_sent);
            self.notice_lost(dead, is_sent, outcome);
        }
        self.tell_dropped(outcome);
    }

    /// Tells of what was dropped at a bound, and lets go of it.
    pub(crate) fn tell_dropped(&self, outcome: &mut Outcome) {
        for dead in self.store.take_dropped() {
            self.notice_lost(dead, false, outcome);
        }
    }

    fn notice_lost(&self, dead: Dead, is_sent: bool, outcome: &mut Outcome) {
        if !self.has_watchers() {
            return;
        }
        let (kind, name) = dead.queue.destination_of(&dead.message.entry);
        let lost = Lost {
            kind,
            name,
            entry: dead.message.entry,
            cause: dead.cause,
        };
        outcome.notices.push(match lost.cause {
            DeathCause::Expired => Notice::Expired(lost),
            _ if is_sent => Notice::DeadLettered(lost),
            _ => Notice::Discarded(lost),
        });
    }

    /// Where a dead message goes; nowhere, if it is not wanted there or comes from there.
    fn dead_letter_queue(
        &self,
        dead: &Dead,
        (kind, from): (DestinationKind, &TopicName),
    ) -> Option<TopicName> {
        let is_wanted = match dead.cause {
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => true,
            DeathCause::Expired => dead.message.entry.is_persistent(),
            DeathCause::QueueFull => false,
        };
        let mode = self.limits.dead_letters;
        if !is_wanted || (kind == DestinationKind::Queue && is_dead_letter_queue(from, mode)) {
            return None;
        }
        let own = match mode {
            // It would outlive what it is for.
            DeadLetterQueue::Own if !is_temporary(from) => {
                TopicName::new(&format!("{OWN}{from}")).ok()
            }
            DeadLetterQueue::Own | DeadLetterQueue::Shared => None,
        };
        // A name may be too long to have an own one.
        own.or_else(|| TopicName::new(SHARED).ok())
    }

    fn send_dead(&self, publication: Publication, outcome: &mut Outcome) -> bool {
        let mut sent = Outcome::default();
        self.publish_with(Rights::Dead, self.own(), &mut vec![publication], &mut sent);
        let is_sent = sent.results.iter().all(Result::is_ok);
        outcome.add(sent);
        is_sent
    }

    pub(crate) fn has_watchers(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Notes that somebody who may watch for advisories comes or goes.
    pub(crate) fn watch(&self, (kind, filter): (DestinationKind, &TopicFilter), comes: bool) {
        if kind == DestinationKind::Queue || !asks_for_advisories(filter) {
            return;
        }
        if comes {
            self.watchers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.watchers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn notice_consumer(&self, consumer: &Consumer, comes: bool, outcome: &mut Outcome) {
        if !self.has_watchers() {
            return;
        }
        let (kind, filter) = (consumer.kind, consumer.filter.clone());
        self.notice((kind, filter, consumer.session.name()), comes, outcome);
    }

    pub(crate) fn notice_subscription(
        &self,
        subscription: &Subscription,
        comes: bool,
        outcome: &mut Outcome,
    ) {
        if !self.has_watchers() {
            return;
        }
        let filter = subscription.filter.clone();
        let session = subscription.session.name();
        self.notice((DestinationKind::Topic, filter, session), comes, outcome);
    }

    fn notice(
        &self,
        (kind, filter, session): (DestinationKind, TopicFilter, &Arc<str>),
        comes: bool,
        outcome: &mut Outcome,
    ) {
        let consumption = Consumption {
            kind,
            session: session.clone(),
            consumers: filter.exact().map(|name| self.consumer_count(kind, &name)),
            filter,
        };
        outcome.notices.push(if comes {
            Notice::ConsumerAdded(consumption)
        } else {
            Notice::ConsumerRemoved(consumption)
        });
    }

    fn consumer_count(&self, kind: DestinationKind, name: &TopicName) -> usize {
        match kind {
            DestinationKind::Queue => self.queue(name).map_or(0, |queue| queue.consumers),
            DestinationKind::Topic => self.topic(name).map_or(0, |topic| topic.subscriptions),
        }
    }

    pub(crate) fn notice_slow(&self, subscription: &Subscription, outcome: &mut Outcome) {
        if self.has_watchers() && subscription.begins_to_be_slow() {
            outcome.notices.push(Notice::SlowConsumer {
                filter: subscription.filter.clone(),
                session: subscription.session.name().clone(),
            });
        }
    }
}

/// The message as it goes to the dead letter queue: what it was, and what became of it.
fn dead_letter(
    dead: &Dead,
    queue: TopicName,
    (kind, from): (DestinationKind, &TopicName),
    now_ms: u64,
) -> Publication {
    let entry = &dead.message.entry;
    // It is not to die again of what it died of.
    let kept = entry.headers().iter().filter(|one| !is_ours(&one.name));
    let mut headers: Vec<Header> = kept.cloned().collect();
    let prefix = match kind {
        DestinationKind::Queue => "/queue/",
        DestinationKind::Topic => "/topic/",
    };
    headers.push(header(ORIGIN, format!("{prefix}{from}")));
    headers.push(header(CAUSE, dead.cause.to_string()));
    Publication::to_queue(queue, entry.shared_producer(), now_ms, entry.body())
        .with_headers(entry.shared_content_type(), headers.into())
        .with_marks(entry.marks())
}

/// Whether a queue is one for the dead.
fn is_dead_letter_queue(name: &TopicName, mode: DeadLetterQueue) -> bool {
    let is_own = mode == DeadLetterQueue::Own && name.as_str().starts_with(OWN);
    is_own || name.as_str() == SHARED
}

fn is_ours(name: &str) -> bool {
    matches!(name, "expires" | ORIGIN | CAUSE)
}

fn header(name: &str, value: String) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

/// ActiveMQ's dead letter queue.
const SHARED: &str = "ActiveMQ.DLQ";
/// What a queue's own dead letter queue begins with.
const OWN: &str = "DLQ.";
/// Where a dead message was on its way to.
const ORIGIN: &str = "original-destination";
/// Why it is dead, as ActiveMQ calls it.
const CAUSE: &str = "dlqDeliveryFailureCause";

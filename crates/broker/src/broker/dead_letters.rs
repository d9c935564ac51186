//! Messages that left their queue without an acknowledgement, and the notices about them and about other events.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    broker::Broker,
    broker::publish::Publisher,
    broker::republication::Republication,
    message::entry::{DestinationKind, Entry, Header, Publication},
    name::{TopicFilter, TopicName},
    notice::{ConsumerChange, DeathCause, LostMessage, Notice, asks_for_advisories},
    outcome::Outcome,
    policy::{OWN, SHARED},
    queue::{Consumer, Dead, Identity},
    session::subscription::Subscription,
    sync::lock_state,
};

impl Broker {
    /// Removes expired messages from the queues and from the retained messages. Called at intervals, because an expired
    /// message stays in memory until it is requested or removed here. `outcome` is extended.
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

    /// Sends dead messages to their dead letter queue. A message without room there is discarded: the older ones show
    /// the first failures, and a flood must not replace them.
    pub(crate) fn dead_letter(&self, now_ms: u64, outcome: &mut Outcome) {
        for dead in self.store.take_dead() {
            let (kind, name) = dead.queue.destination_of(dead.message.entry.topic());
            let is_sent = match Self::dead_letter_queue(&dead, kind, &name) {
                Some(queue) => {
                    let letter = dead_letter(&dead, queue, kind, &name, now_ms);
                    self.send_dead(letter, &dead, outcome)
                }
                None => false,
            };
            if !is_sent {
                dead.queue.record_settled(&dead.message.entry);
            }
            dead.queue.count_buried(dead.cause, is_sent);
            self.notice_lost(dead, is_sent, outcome);
        }
        self.tell_dropped(outcome);
    }

    /// Reports the messages dropped at a bound, and releases them.
    pub(crate) fn tell_dropped(&self, outcome: &mut Outcome) {
        for dead in self.store.take_dropped() {
            self.notice_lost(dead, false, outcome);
        }
        for dropped in self.store.take_dropped_places() {
            if self.has_watchers() {
                let (kind, name) = dropped.queue.destination_of(&dropped.account.name);
                outcome.notices.push(Notice::Discarded(LostMessage {
                    kind,
                    name,
                    id: self.id(dropped.position),
                    cause: DeathCause::QueueFull,
                }));
            }
        }
    }

    fn notice_lost(&self, dead: Dead, is_sent: bool, outcome: &mut Outcome) {
        if !self.has_watchers() {
            return;
        }
        let entry = &dead.message.entry;
        let (kind, name) = dead.queue.destination_of(entry.topic());
        let lost = LostMessage {
            kind,
            name,
            id: self.id_of(entry),
            cause: dead.cause,
        };
        outcome.notices.push(match lost.cause {
            DeathCause::Expired => Notice::Expired(lost),
            _ if is_sent => Notice::DeadLettered(lost),
            _ => Notice::Discarded(lost),
        });
    }

    /// Returns the dead letter queue of a message; `None` if it needs none or comes from one.
    fn dead_letter_queue(
        dead: &Dead,
        kind: DestinationKind,
        from: &TopicName,
    ) -> Option<TopicName> {
        let is_wanted = match dead.cause {
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => true,
            DeathCause::Expired => dead.message.entry.is_persistent(),
            DeathCause::QueueFull => false,
        };
        let mode = &dead.queue.rules().dead_letters;
        is_wanted.then(|| mode.of_destination(kind, from)).flatten()
    }

    /// Publishes a dead letter. In the journal it replaces the dead message in one step.
    fn send_dead(&self, letter: Publication, dead: &Dead, outcome: &mut Outcome) -> bool {
        let mut sent = Outcome::default();
        let settled = || dead.queue.record_settled(&dead.message.entry);
        self.publish_replacement(
            Publisher::DeadLetter,
            self.own(),
            letter,
            settled,
            &mut sent,
        );
        let is_sent = sent.results.iter().all(Result::is_ok);
        outcome.add(sent);
        is_sent
    }

    pub(crate) fn has_watchers(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Notes that a subscription that may cover advisories starts or ends.
    pub(crate) fn watch(&self, kind: DestinationKind, filter: &TopicFilter, comes: bool) {
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
        self.notice(kind, filter, consumer.session.name(), comes, outcome);
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
        self.notice(DestinationKind::Topic, filter, session, comes, outcome);
    }

    fn notice(
        &self,
        kind: DestinationKind,
        filter: TopicFilter,
        session: &Arc<str>,
        comes: bool,
        outcome: &mut Outcome,
    ) {
        let consumer_change = ConsumerChange {
            kind,
            session: session.clone(),
            consumers: filter.exact().map(|name| self.consumer_count(kind, &name)),
            filter,
        };
        outcome.notices.push(if comes {
            Notice::ConsumerAdded(consumer_change)
        } else {
            Notice::ConsumerRemoved(consumer_change)
        });
    }

    fn consumer_count(&self, kind: DestinationKind, name: &TopicName) -> usize {
        match kind {
            DestinationKind::Queue => self.queue(name).map_or(0, |queue| queue.consumers),
            DestinationKind::Topic => self.topic(name).map_or(0, |topic| topic.subscriptions),
        }
    }

    pub(crate) fn notice_slow(&self, subscription: &Subscription, outcome: &mut Outcome) {
        if self.has_watchers() && subscription.report_slow_once() {
            outcome.notices.push(Notice::SlowConsumer {
                filter: subscription.filter.clone(),
                session: subscription.session.name().clone(),
            });
        }
    }
}

/// Returns the message for the dead letter queue: the original with headers about its failure.
fn dead_letter(
    dead: &Dead,
    queue: TopicName,
    kind: DestinationKind,
    from: &TopicName,
    now_ms: u64,
) -> Publication {
    let entry = &dead.message.entry;
    // A dead letter does not expire, and has no headers about an earlier failure.
    let expiry = entry.expiry_header();
    let is_kept = |one: &Header| !is_ours(&one.name) && Some(&*one.name) != expiry;
    let letter = Republication {
        entry,
        kind: DestinationKind::Queue,
        name: queue,
        timestamp_ms: now_ms,
    };
    let about = [
        header(ORIGIN, format!("{}{from}", prefix(kind))),
        header(CAUSE, dead.cause.to_string()),
    ];
    letter.publication(is_kept, about).dead_letter()
}

/// Returns a dead letter as a message to its original destination, without the headers about its failure.
pub(crate) fn revived(entry: &Entry, now_ms: u64) -> Option<Publication> {
    let (kind, name) = entry.dead_letter_origin()?;
    let message = Republication {
        entry,
        kind,
        name,
        timestamp_ms: now_ms,
    };
    let expires_ms = entry.expires_ms().unwrap_or(0);
    let publication = message.publication(|one| !is_ours(&one.name), []);
    Some(publication.expiring(expires_ms))
}

impl Entry {
    /// Returns the original destination of a dead letter as its header names it; `None` if the message is none.
    #[must_use]
    pub fn original_destination(&self) -> Option<&str> {
        self.is_dead_letter().then(|| self.header(ORIGIN)).flatten()
    }

    /// Returns the original destination of a dead letter; `None` if the message is none.
    #[must_use]
    pub fn dead_letter_origin(&self) -> Option<(DestinationKind, TopicName)> {
        let origin = self.original_destination()?;
        let kinds = [DestinationKind::Queue, DestinationKind::Topic];
        kinds.into_iter().find_map(|kind| {
            let name = origin.strip_prefix(prefix(kind))?;
            Some((kind, TopicName::new(name).ok()?))
        })
    }
}

/// Returns true if dead letters are sent to queues with this name.
#[must_use]
pub fn is_for_dead_letters(queue: &TopicName) -> bool {
    queue.as_str() == SHARED || queue.as_str().starts_with(OWN)
}

const fn prefix(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Queue => "/queue/",
        DestinationKind::Topic => "/topic/",
    }
}

/// Returns whether a header is one that the broker adds to dead letters.
fn is_ours(name: &str) -> bool {
    matches!(name, ORIGIN | CAUSE)
}

fn header(name: &str, value: String) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

/// The original destination of a dead message.
const ORIGIN: &str = "original-destination";
/// The reason of the failure; the name is ActiveMQ's.
const CAUSE: &str = "dlqDeliveryFailureCause";

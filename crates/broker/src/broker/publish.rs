//! Publishing: under the lock a batch is admitted, appended and announced; after it the overflow rules are applied.

use std::sync::Arc;

use crate::{
    broker::Broker,
    broker::overdue::Overdue,
    memory::account::Account,
    memory::share::{Client, Pool, PoolError},
    message::entry::{DestinationKind, Publication},
    name::{TopicName, is_brokers_own, is_temporary},
    outcome::{Outcome, PublishError, Published},
    queue::{Load, Queue, Room, State},
    sequence::Sequence,
    session::Readable,
    state::BrokerState,
    sync::{StateGuard, lock_state},
    topic::Topic,
    topic::age_index::Wanted,
    topic::cursor::Cursor,
    topic::log::Released,
    topic::retained::Retentions,
};

/// The work left for after the release of the lock.
#[derive(Default)]
pub(crate) struct Aftermath {
    released: Released,
    overdue: Vec<Overdue>,
}

impl Aftermath {
    /// Reduces the topic of a message to its last image.
    pub(crate) fn keep_last(&mut self, state: &mut BrokerState, publication: &Publication) {
        if publication.kind() == DestinationKind::Topic
            && let Some(topic) = state.topics.find_mut(publication.topic().as_str())
        {
            topic.log.keep_last(&mut self.released);
            // The memory is needed now.
            self.released.clear();
        }
    }
}

/// The origin of publications, which determines their allowed destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// All destinations except the broker's own.
    Anybody,
    /// The broker's own topics.
    Broker,
    /// All destinations, without a check of the memory, because the messages are already in it.
    Dead,
    /// The destinations of [`Rights::Anybody`], without a check of bounds: there is room, or there was at the previous check.
    Checked,
}

/// The destination of a publication, if it does not exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct New<'a> {
    pub(crate) kind: DestinationKind,
    pub(crate) name: &'a TopicName,
    /// The size of the publication.
    pub(crate) size: u64,
    pub(crate) rights: Rights,
    /// The client to which a new topic or queue is charged.
    pub(crate) client: &'a Arc<Client>,
}

/// A topic that a run of publications is appended to.
struct ToTopic<'a> {
    topic: &'a mut Topic,
    sequence: Sequence<'a>,
    retentions: &'a mut Retentions,
    /// Queues with wildcards that it feeds.
    queues: Vec<Arc<Queue>>,
    rights: Rights,
}

/// The reason for not appending the rest of a run.
enum Stopped {
    Refused(PublishError),
    /// No memory is left for this publication.
    MemoryFull(Publication),
}

/// The parameters for appending a run of publications to one topic or queue.
pub(crate) struct Run<'a> {
    pub(crate) rights: Rights,
    pub(crate) client: &'a Arc<Client>,
    pub(crate) outcome: &'a mut Outcome,
    pub(crate) aftermath: &'a mut Aftermath,
}

impl Broker {
    /// Publishes a batch in order, and removes the published messages from it. [`Outcome::results`] are overwritten,
    /// the rest of `outcome` is extended.
    ///
    /// The broker has the messages when this returns, up to the first refusal: the results end with the refusal, and
    /// the messages after it stay in the batch; the caller may publish or discard them. The caller must deliver to the
    /// sessions in [`Outcome::ready`].
    pub fn publish(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_for(self.own(), batch, outcome);
    }

    /// Does the same as [`Broker::publish`]; new topics and queues are charged to a client.
    pub fn publish_for(
        &self,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
    ) {
        outcome.results.clear();
        self.publish_with(Rights::Anybody, client, batch, outcome);
    }

    /// Publishes to the broker's own topics.
    pub fn publish_reserved(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        outcome.results.clear();
        self.publish_with(Rights::Broker, self.own(), batch, outcome);
    }

    pub(crate) fn publish_with(
        &self,
        rights: Rights,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
    ) {
        self.relieve(outcome);
        let mut aftermath = Aftermath::default();
        let mut state = lock_state(&self.state);
        let run = Run {
            rights,
            client,
            outcome,
            aftermath: &mut aftermath,
        };
        self.append_batch(&mut state, batch, run);
        self.finish(state, aftermath, outcome);
    }

    pub(crate) fn append_batch(
        &self,
        state: &mut BrokerState,
        batch: &mut Vec<Publication>,
        run: Run<'_>,
    ) {
        let Run {
            rights,
            client,
            outcome,
            aftermath,
        } = run;
        let mut publications = batch.drain(..).peekable();
        let mut is_whole = true;
        while is_whole && let Some(first) = publications.next() {
            let (kind, name) = (first.kind(), first.topic().clone());
            if let Err(error) = check_rights(rights, kind, &name) {
                outcome.results.push(Err(error));
                is_whole = false;
                break;
            }
            let new = New {
                kind,
                name: &name,
                size: first.size(),
                rights,
                client,
            };
            let rest = std::iter::from_fn(|| {
                publications.next_if(|next| next.kind() == kind && *next.topic() == name)
            });
            let publications = std::iter::once(first).chain(rest);
            let run = Run {
                rights,
                client,
                outcome,
                aftermath,
            };
            is_whole = match kind {
                DestinationKind::Topic => self.append_to_topic(state, run, new, publications),
                DestinationKind::Queue => self.append_to_queue(state, run, new, publications),
            };
        }
        if !is_whole {
            let left = publications.collect();
            *batch = left;
        }
    }

    /// Makes the appended messages visible to readers, and applies the overflow rules.
    pub(crate) fn finish(
        &self,
        state: StateGuard<'_, BrokerState>,
        aftermath: Aftermath,
        outcome: &mut Outcome,
    ) {
        self.visible_position.advance(state.sequencer.newest());
        drop(state);
        let Aftermath { released, overdue } = aftermath;
        drop(released);
        self.visible_position
            .schedule_early(&mut outcome.ready.sessions);
        self.count(&outcome.results);
        self.tell_dropped(outcome);
        for Overdue { cursor, end } in overdue {
            self.settle_lag(&cursor, end, self.limits.lag(), outcome);
        }
    }

    fn count(&self, results: &[Result<Published, PublishError>]) {
        let refused = results.iter().filter(|result| result.is_err()).count();
        self.refused.add(refused as u64);
    }

    /// Opens a topic or creates a queue that does not exist, if this is allowed. Not a temporary one, which has been
    /// deleted.
    pub(crate) fn admit(&self, state: &mut BrokerState, new: New<'_>) -> Result<(), PublishError> {
        let New { name, size, .. } = new;
        if new.kind == DestinationKind::Topic && state.open_awaited(name) {
            return Ok(());
        }
        if is_temporary(name) {
            return Ok(());
        }
        if new.rights != Rights::Dead {
            self.make_room(state, new, size)?;
        }
        match new.kind {
            DestinationKind::Topic => state.admit(name, &self.limits, new.client),
            DestinationKind::Queue => {
                let more = Load {
                    entries: 1,
                    bytes: size,
                };
                check_room(name, self.store.room(Load::default(), more, new.client))?;
                state.admit_queue(name, &self.limits, &self.store, new.client)
            }
        }
    }

    pub(crate) fn check_memory(&self, size: u64) -> Result<(), PublishError> {
        let held = self.memory.bytes();
        let limit = self.limits.memory_bytes;
        match self.is_within_memory(held, size) {
            true => Ok(()),
            false => Err(PublishError::MemoryFull { held, limit }),
        }
    }

    fn is_within_memory(&self, held: u64, size: u64) -> bool {
        held + size <= self.limits.memory_bytes
    }

    /// Appends a run of publications to one topic and announces them. Returns false if one was refused and the rest is
    /// left.
    fn append_to_topic(
        &self,
        state: &mut BrokerState,
        run: Run<'_>,
        new: New<'_>,
        publications: impl Iterator<Item = Publication>,
    ) -> bool {
        let Run {
            rights,
            outcome,
            aftermath,
            ..
        } = run;
        let name = new.name.as_str();
        let mut publications = publications;
        // A publication for which room was made.
        let mut next = None;
        let mut is_admitted = false;
        let mut is_covered = false;
        let mut denied = Vec::new();
        let error = loop {
            let Some(topic) = state.topics.find_mut(name) else {
                if is_admitted {
                    let left = next.into_iter().chain(publications);
                    self.pass_into_nothing(state.sequencer.newest(), left, outcome);
                    return true;
                }
                is_admitted = true;
                match self.admit(state, new) {
                    Ok(()) => continue,
                    Err(error) => break error,
                }
            };
            if !is_covered && state.wildcards.may_miss(topic) {
                denied = state.cover(new.name);
                is_covered = true;
                continue;
            }
            let queues = state.queues.fed_by(topic);
            let mut to_topic = ToTopic {
                topic,
                sequence: state.sequencer.run(self.epoch),
                retentions: &mut state.retentions,
                queues,
                rights,
            };
            let before = to_topic.topic.log.end().sequence;
            let stopped = self.append_run(&mut to_topic, next.take(), &mut publications, outcome);
            outcome.owed = outcome.owed.max(to_topic.sequence.owed());
            let appended = to_topic.topic.log.end().sequence - before;
            for subscription in &denied {
                to_topic.topic.account.dropped.add(appended);
                subscription.session.dropped(appended);
            }
            self.announce(to_topic.topic, outcome, aftermath);
            state.ages.note(to_topic.topic);
            match stopped {
                None => return true,
                Some(Stopped::Refused(error)) => break error,
                Some(Stopped::MemoryFull(publication)) => {
                    if let Err(error) = self.make_room(state, new, publication.size()) {
                        break error;
                    }
                    next = Some(publication);
                }
            }
        };
        outcome.results.push(Err(error));
        if let Some(topic) = state.topics.find_mut(name) {
            state.ages.note(topic);
        }
        false
    }

    /// Appends publications to a topic until one is refused or has no room; `first` has room.
    fn append_run(
        &self,
        to: &mut ToTopic<'_>,
        first: Option<Publication>,
        rest: &mut impl Iterator<Item = Publication>,
        outcome: &mut Outcome,
    ) -> Option<Stopped> {
        let ToTopic {
            topic,
            sequence,
            retentions,
            queues,
            rights,
        } = to;
        let subscriptions = topic.cursors().len() + topic.queues.len() + queues.len();
        let mut has_room = first.is_some();
        let mut stopped = None;
        let mut tab = self.memory.tab();
        for publication in first.into_iter().chain(rest) {
            let size = publication.size();
            if !self.is_within_memory(tab.held(), size) && !std::mem::take(&mut has_room) {
                stopped = Some(Stopped::MemoryFull(publication));
                break;
            }
            has_room = false;
            if let Err(error) = self.check_fed(topic, queues, &publication, *rights) {
                stopped = Some(Stopped::Refused(error));
                break;
            }
            tab.take(size);
            let is_retained = publication.is_retained();
            let position = sequence.next();
            let entry = publication.into_entry(position, topic.log.end(), &topic.account);
            let in_topic = entry.sequence();
            sequence.record(&entry);
            topic.append(entry, queues, &mut outcome.ready);
            if is_retained {
                topic.retain_last(retentions);
            }
            if !topic.account.is_own {
                self.published.add(size);
            }
            outcome.results.push(Ok(Published {
                id: sequence.id(position),
                sequence: in_topic,
                subscriptions,
            }));
        }
        tab.settle();
        stopped
    }

    /// Checks whether all queues that a topic feeds can keep a message, or may drop their own. A publisher must not get
    /// an acknowledgement for a message that is lost because of the content of other queues.
    #[inline]
    fn check_fed(
        &self,
        topic: &Topic,
        queues: &[Arc<Queue>],
        publication: &Publication,
        rights: Rights,
    ) -> Result<(), PublishError> {
        if (topic.queues.is_empty() && queues.is_empty()) || rights == Rights::Checked {
            return Ok(());
        }
        let room = self.store.room_in_all(Load::of(publication));
        if room == Room::Enough {
            return Ok(());
        }
        let entry = publication.entry();
        let mut all = topic.queues.values().chain(queues);
        if !all.any(|queue| queue.would_lose(entry)) {
            return Ok(());
        }
        let pool = Pool::QueueBytes;
        self.pools().count_refused(pool);
        let limit = self.pools().limit(pool);
        Err(PoolError::Full { pool, limit }.into())
    }

    /// Makes room for an entry of this size: first its own topic is reduced to its last image, then other topics lose
    /// their messages.
    #[cold]
    fn make_room(
        &self,
        state: &mut BrokerState,
        new: New<'_>,
        size: u64,
    ) -> Result<(), PublishError> {
        if self.check_memory(size).is_ok() {
            return Ok(());
        }
        if let Some(topic) = new.topic()
            && let Some(topic) = state.topics.find_mut(topic.as_str())
        {
            let mut released = Released::new();
            topic.log.keep_last(&mut released);
            // The memory is needed now.
            drop(released);
        }
        if !new.is_checked() {
            self.free_oldest(state, new.topic(), size);
            self.give_up_own_image(state, new.topic(), size);
            return self.check_memory(size);
        }
        Ok(())
    }

    /// Removes a topic's last image if the message that replaces it needs this room.
    fn give_up_own_image(&self, state: &mut BrokerState, topic: Option<&TopicName>, size: u64) {
        let Some(topic) = topic.and_then(|name| state.topics.find_mut(name.as_str())) else {
            return;
        };
        let others = self
            .memory
            .bytes()
            .saturating_sub(topic.log.history_bytes());
        let is_lacking = self.check_memory(size).is_err() && self.is_within_memory(others, size);
        if is_lacking && !topic.retains_last() {
            let mut released = Released::new();
            topic.log.clear(&mut released);
        }
    }

    /// Removes messages of other topics than this one, until there is this much room.
    pub(crate) fn free_oldest(
        &self,
        state: &mut BrokerState,
        except: Option<&TopicName>,
        size: u64,
    ) {
        let limit = self.limits.memory_bytes;
        if size <= limit {
            state.free_oldest(Wanted {
                memory: &self.memory,
                most_held: limit - size,
                except,
            });
        }
    }

    /// Announces the appended messages to the cursors, and notes those with too much lag.
    fn announce(&self, topic: &mut Topic, outcome: &mut Outcome, aftermath: &mut Aftermath) {
        let limits = &self.limits;
        topic.log.trim(
            limits.history_entries,
            limits.history_bytes,
            &mut aftermath.released,
        );
        let end = topic.log.end();
        Cursor::appended();
        for cursor in topic.cursors() {
            let session = &cursor.subscription.session;
            if cursor.claim() && session.queue(Readable::Cursor(Arc::clone(cursor))) {
                outcome.ready.sessions.push(Arc::clone(session));
            }
            if cursor.is_overdue(end, limits.lag()) {
                let cursor = Arc::clone(cursor);
                aftermath.overdue.push(Overdue { cursor, end });
            }
        }
    }

    /// Appends a run of publications to one queue. Returns false if one was refused and the rest is left.
    fn append_to_queue(
        &self,
        state: &mut BrokerState,
        run: Run<'_>,
        new: New<'_>,
        publications: impl Iterator<Item = Publication>,
    ) -> bool {
        let Run {
            rights, outcome, ..
        } = run;
        let name = new.name;
        let found = match state.queues.named.find(name.as_str()) {
            Some(queue) => Some(queue),
            None => {
                if let Err(error) = self.admit(state, new) {
                    outcome.results.push(Err(error));
                    return false;
                }
                state.queues.named.find(name.as_str())
            }
        };
        let Some(queue) = found.map(Arc::clone) else {
            self.pass_into_nothing(state.sequencer.newest(), publications, outcome);
            return true;
        };
        let mut queue_state = queue.lock();
        let subscriptions = queue_state.consumer_count();
        for publication in publications {
            let size = publication.size();
            let room = || self.check_queue(&queue, &queue_state, &publication);
            let admitted = match rights {
                Rights::Checked => Ok(()),
                Rights::Dead => room(),
                Rights::Anybody | Rights::Broker => self
                    .check_memory(size)
                    .or_else(|_| self.make_room(state, new, size))
                    .and_then(|()| room()),
            };
            if let Err(error) = admitted {
                outcome.results.push(Err(error));
                return false;
            }
            let end = queue_state.end;
            let account = queue_state.account.get_or_insert_with(|| {
                Account::new(DestinationKind::Queue, name.clone(), &self.memory)
            });
            self.memory.take(size);
            let mut sequence = state.sequencer.run(self.epoch);
            let position = sequence.next();
            let entry = publication.into_entry(position, end, account);
            sequence.record(&entry);
            outcome.owed = outcome.owed.max(sequence.owed());
            queue_state.end = entry.end();
            queue.enqueue(&mut queue_state, &entry, &mut outcome.ready);
            self.published.add(size);
            outcome.results.push(Ok(Published {
                id: sequence.id(position),
                sequence: end.sequence,
                subscriptions,
            }));
        }
        true
    }

    /// Checks the room of a queue for a message. If all queues together are full, the message is
    /// accepted only if a consumer takes it at once.
    fn check_queue(
        &self,
        queue: &Queue,
        queue_state: &State,
        publication: &Publication,
    ) -> Result<(), PublishError> {
        let room = queue.room(Load::of(publication));
        if room.is_full_for_all() {
            if queue.may_hand_over(queue_state, publication.entry()) {
                return Ok(());
            }
            self.pools().count_refused(Pool::QueueBytes);
        }
        match queue.name() {
            Some(name) => check_room(name, room),
            None => Ok(()),
        }
    }

    /// Counts publications to deleted temporary destinations. Publishing there succeeds, and the message is discarded:
    /// the sender of a late reply is not at fault.
    fn pass_into_nothing(
        &self,
        position: u64,
        publications: impl Iterator<Item = Publication>,
        outcome: &mut Outcome,
    ) {
        for _ in publications {
            self.undeliverable.add(1);
            outcome.results.push(Ok(Published {
                id: self.id(position),
                sequence: 0,
                subscriptions: 0,
            }));
        }
    }
}

/// Checks whether publications with these rights may be sent there.
pub(crate) fn check_rights(
    rights: Rights,
    kind: DestinationKind,
    name: &TopicName,
) -> Result<(), PublishError> {
    let is_allowed = match rights {
        Rights::Anybody | Rights::Checked => !is_brokers_own(kind, name),
        Rights::Broker => is_brokers_own(kind, name),
        Rights::Dead => true,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(PublishError::Reserved(name.clone()))
    }
}

pub(crate) fn check_room(queue: &TopicName, room: Room) -> Result<(), PublishError> {
    match room {
        Room::Enough => Ok(()),
        Room::Full(of, limit) => Err(PublishError::QueueFull {
            name: queue.clone(),
            of,
            limit,
        }),
        Room::ShareUsed(error) => Err(error.into()),
    }
}

//! Scheduled messages: they are admitted and recorded when they are published, and delivered when their time comes.
//!
//! A delivery is a publication like any other, by the original publisher. In the journal it is one transaction with the
//! progress or the end of the schedule, so a message is neither lost nor put into a queue twice in a crash.

use std::{
    sync::Arc,
    task::{Poll, Waker},
};

use crate::{
    broker::Broker,
    broker::publish::{AfterLock, Destination, PublishContext, Publisher},
    broker::restore::RestoredMessage,
    journal::LastingQueue,
    memory::account::{Account, End},
    memory::limits::NAMES,
    memory::share::{Client, Pool},
    message::entry::{
        DestinationKind, Entry, Header, Provenance, Publication, SharedEntry, Spelling,
    },
    message::id::MessageId,
    name::TopicName,
    outcome::{Outcome, PublishError, Published},
    queue::{Load, ScheduledBytes},
    schedule::{InvalidSchedule, NextDelivery, Schedule},
    state::BrokerState,
    state::scheduled::{ScheduledCharges, ScheduledMessage},
    sync::lock_state,
};

/// A message that waits for its time.
#[derive(Debug, Clone)]
pub struct ScheduledFigures {
    /// The id, which is also in the header `scheduledJobId` of each delivery.
    pub id: MessageId,
    /// The message.
    pub entry: SharedEntry,
    /// Its schedule.
    pub schedule: Schedule,
    /// The time of the next delivery in Unix milliseconds, or of the next attempt after one that was refused.
    pub next_ms: u64,
    /// Number of deliveries that remain; `None` without an end.
    pub remaining: Option<u32>,
    /// The reason why the last attempt was refused.
    pub refusal: Option<Box<str>>,
}

/// The place of a message in the list of scheduled messages, which is in the order of their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ScheduledPlace {
    /// The time of the next delivery in Unix milliseconds.
    pub next_ms: u64,
    /// The position.
    pub position: u64,
}

/// A part of the list of scheduled messages.
#[derive(Debug, Clone, Default)]
pub struct ScheduledPage {
    /// The messages.
    pub messages: Vec<ScheduledFigures>,
    /// The place after which the list continues; `None` at its end.
    pub next: Option<ScheduledPlace>,
    /// Number of all scheduled messages.
    pub total: usize,
}

/// The result of [`Broker::deliver_due`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueWork {
    /// More is due: the caller calls again, after it has carried out the outcome and let others work.
    More,
    /// Nothing more is due: the caller waits for [`Broker::poll_alarm`].
    Done,
}

impl Broker {
    /// Delivers scheduled messages whose time has come, at most 128, and lets consumers have the messages of queues that waited
    /// for their redelivery. `outcome` is extended, except for its results.
    ///
    /// A message whose destination refuses it is tried again after a second, and then after twice the time, up to a minute.
    pub fn deliver_due(&self, now_ms: u64, outcome: &mut Outcome) -> DueWork {
        self.store.alarm.clear();
        if !self.store.release_delayed(now_ms, &mut outcome.ready) {
            return DueWork::More;
        }
        for _ in 0..DUE_AT_ONCE {
            let mut sent = Outcome::default();
            let is_done = self.deliver_first_due(now_ms, &mut sent);
            let is_journal_full = sent.is_journal_full;
            outcome.add(sent);
            if is_done == DueWork::Done {
                return DueWork::Done;
            }
            if is_journal_full {
                break;
            }
        }
        DueWork::More
    }

    /// Returns the time of the next work for [`Broker::deliver_due`] in Unix milliseconds, if it is before `known_ms`. Otherwise
    /// wakes `waker` when there is an earlier time. One task can wait. The waker must not call the broker.
    pub fn poll_alarm(&self, known_ms: u64, waker: &Waker) -> Poll<u64> {
        self.store.alarm.poll_earlier(known_ms, waker)
    }

    /// Returns scheduled messages after a place, in the order of their times. `is_wanted` selects them by their destination; at
    /// most `most` are returned, and at most 1,000 examined.
    #[must_use]
    pub fn scheduled(
        &self,
        after: ScheduledPlace,
        most: usize,
        is_wanted: impl Fn(DestinationKind, &TopicName) -> bool,
    ) -> ScheduledPage {
        let state = lock_state(&self.state);
        let found = state.scheduled.after((after.next_ms, after.position));
        let mut found = found.peekable();
        let mut page = ScheduledPage {
            total: state.scheduled.len(),
            ..ScheduledPage::default()
        };
        let (mut examined, mut last) = (0, None);
        while page.messages.len() < most
            && examined < NAMES
            && let Some(one) = found.next()
        {
            examined += 1;
            last = Some(ScheduledPlace {
                next_ms: one.attempt_ms,
                position: one.entry.position(),
            });
            if is_wanted(one.entry.kind(), one.entry.topic()) {
                page.messages.push(self.scheduled_figures(one));
            }
        }
        page.next = last.filter(|_| found.peek().is_some());
        page
    }

    /// Returns a scheduled message.
    #[must_use]
    pub fn scheduled_message(&self, id: MessageId) -> Option<ScheduledFigures> {
        if !self.is_known(id) {
            return None;
        }
        let state = lock_state(&self.state);
        let found = state.scheduled.find(id.position)?;
        Some(self.scheduled_figures(found))
    }

    /// Cancels a scheduled message. Returns false if there is none with this id: it may have been delivered.
    pub fn cancel_scheduled(&self, id: MessageId) -> bool {
        if !self.is_known(id) {
            return false;
        }
        let mut state = lock_state(&self.state);
        let Some(message) = state.scheduled.take(id.position) else {
            return false;
        };
        state.record_scheduled_end(&message.entry);
        state.scheduled.remove(message);
        true
    }

    /// Adds a scheduled message, if the limits allow it. Returns false if it was refused.
    pub(crate) fn append_scheduled(
        &self,
        state: &mut BrokerState,
        context: PublishContext<'_>,
        publication: Publication,
        schedule: Schedule,
    ) -> bool {
        let PublishContext {
            publisher,
            client,
            outcome,
            ..
        } = context;
        let size = publication.size();
        let admitted = match publisher {
            Publisher::Transaction => Ok(()),
            Publisher::Client | Publisher::Broker | Publisher::DeadLetter => {
                let destination = Destination {
                    kind: publication.kind(),
                    name: publication.topic(),
                    size,
                    publisher,
                    client,
                };
                self.make_room(state, destination, size)
                    .and_then(|()| {
                        self.check_scheduled(
                            &schedule,
                            ScheduledLoad::of(size + schedule.size()),
                            client,
                        )
                    })
                    .and_then(|()| state.check_scheduled_journal(size))
            }
        };
        let due_ms = schedule.due_ms(0);
        let due_ms = admitted.and_then(|()| Ok(due_ms.ok_or(InvalidSchedule::Never)?));
        let due_ms = match due_ms {
            Ok(due_ms) => due_ms,
            Err(error) => {
                outcome.results.push(Err(error));
                return false;
            }
        };
        let charges = self.charge_scheduled(size + schedule.size(), client);
        let (kind, name) = (publication.kind(), publication.topic().clone());
        let account = state.scheduled.account(kind, &name, &self.memory);
        self.memory.take(size);
        let position = state.sequencer.next();
        let entry = publication.into_entry(position, NO_LOG, &account);
        state.record_scheduled(&entry, &account, &schedule, outcome);
        let first = NextDelivery {
            progress: 0,
            due_ms,
        };
        let message = ScheduledMessage::new(entry, schedule, first, charges);
        let attempt_ms = state.scheduled.add(message);
        self.store.alarm.set(attempt_ms);
        outcome.results.push(Ok(Published {
            id: self.id(position),
            sequence: 0,
            subscriptions: 0,
        }));
        true
    }

    /// Checks the bounds on a schedule, and the pools, for scheduled messages of one client.
    pub(crate) fn check_scheduled(
        &self,
        schedule: &Schedule,
        more: ScheduledLoad,
        client: &Arc<Client>,
    ) -> Result<(), PublishError> {
        schedule.check(self.limits.max_delay_ms)?;
        let pools = self.pools();
        let free = |pool| pools.limit(pool).saturating_sub(pools.taken(pool));
        client.check(Pool::Scheduled, more.messages, free(Pool::Scheduled))?;
        let bytes = Load {
            entries: more.messages,
            bytes: more.bytes,
            paged_bytes: 0,
        };
        let (pool, free) = (Pool::QueueBytes, self.store.free());
        Ok(client.check(pool, bytes.cost(), free)?)
    }

    fn charge_scheduled(&self, bytes: u64, client: &Arc<Client>) -> ScheduledCharges {
        ScheduledCharges {
            place: client.charge(Pool::Scheduled, 1),
            bytes: Some(ScheduledBytes::new(&self.store, bytes, client)),
        }
    }

    /// Delivers the first message that is due.
    fn deliver_first_due(&self, now_ms: u64, outcome: &mut Outcome) -> DueWork {
        self.relieve(outcome);
        let mut after_lock = AfterLock::default();
        let mut guard = lock_state(&self.state);
        let state = &mut *guard;
        let Some(mut message) = state.scheduled.take_due(now_ms) else {
            if let Some(first_ms) = state.scheduled.first_ms() {
                self.store.alarm.set(first_ms);
            }
            return DueWork::Done;
        };
        let client = Arc::clone(message.charges.place.client());
        drop(message.charges.bytes.take());
        let transaction = state.sequencer.begin_transaction();
        let context = PublishContext {
            publisher: Publisher::Client,
            client: &client,
            outcome,
            after_lock: &mut after_lock,
        };
        let mut batch = vec![self.occurrence(&message, now_ms)];
        self.append_batch(state, &mut batch, context);
        match outcome.results.last() {
            Some(Err(error)) => {
                message.note_refusal(error, now_ms);
                self.put_back(state, message);
            }
            Some(Ok(_)) | None => {
                if let Some(message) = state.go_on(message, now_ms) {
                    self.put_back(state, message);
                }
            }
        }
        if let Some(transaction) = transaction {
            transaction.end(outcome);
        }
        self.finish(guard, after_lock, outcome);
        DueWork::More
    }

    /// Puts a message back until its next attempt.
    fn put_back(&self, state: &mut BrokerState, mut message: ScheduledMessage) {
        let bytes = message.entry.size() + message.schedule.size();
        let client = message.charges.place.client();
        message.charges.bytes = Some(ScheduledBytes::new(&self.store, bytes, client));
        self.store.alarm.set(state.scheduled.put_back(message));
    }

    /// Returns the publication for a delivery, or, at a minute of a CRON entry, the message that begins a repetition.
    fn occurrence(&self, message: &ScheduledMessage, now_ms: u64) -> Publication {
        let entry = &*message.entry;
        match message.schedule.at_minute(message.due_ms) {
            Some(schedule) => copy(entry, now_ms, None).scheduled(schedule),
            None => {
                let id = self.id_of(entry).to_string();
                copy(entry, now_ms, Some(id))
            }
        }
    }

    fn scheduled_figures(&self, message: &ScheduledMessage) -> ScheduledFigures {
        ScheduledFigures {
            id: self.id_of(&message.entry),
            entry: SharedEntry::clone(&message.entry),
            schedule: message.schedule.clone(),
            next_ms: message.attempt_ms,
            remaining: message.schedule.remaining(message.progress),
            refusal: message.refusal.clone(),
        }
    }

    /// Restores a scheduled message of an earlier run. It is charged to no client.
    pub(crate) fn restore_scheduled(
        &self,
        message: RestoredMessage,
        schedule: Schedule,
        progress: u32,
        account: &Arc<Account>,
    ) {
        // A message without a further delivery has been settled.
        let Some(due_ms) = schedule.due_ms(progress) else {
            return;
        };
        let publication = message.publication;
        let size = publication.size();
        self.memory.take(size);
        let charges = self.charge_scheduled(size + schedule.size(), self.own());
        let entry = publication.into_entry(message.position, NO_LOG, account);
        let mut state = lock_state(&self.state);
        let next = NextDelivery { progress, due_ms };
        let message = ScheduledMessage::new(entry, schedule, next, charges);
        let attempt_ms = state.scheduled.add(message);
        self.store.alarm.set(attempt_ms);
    }
}

/// Messages and bytes that are to be scheduled.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScheduledLoad {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl ScheduledLoad {
    /// Returns one message of this size.
    pub(crate) const fn of(bytes: u64) -> Self {
        Self { messages: 1, bytes }
    }
}

impl ScheduledMessage {
    fn note_refusal(&mut self, error: &PublishError, now_ms: u64) {
        let wait_ms = (FIRST_RETRY_MS << self.refusals.min(6)).min(LAST_RETRY_MS);
        self.attempt_ms = now_ms.saturating_add(wait_ms);
        self.refusals = self.refusals.saturating_add(1);
        self.refusal = Some(error.to_string().into());
    }
}

impl BrokerState {
    /// Records the progress or the end of a message that was delivered. Returns the message if there is a next delivery.
    fn go_on(&mut self, mut message: ScheduledMessage, now_ms: u64) -> Option<ScheduledMessage> {
        let next = message
            .schedule
            .next(message.progress, message.due_ms, now_ms);
        let Some(next) = next else {
            self.record_scheduled_end(&message.entry);
            self.scheduled.remove(message);
            return None;
        };
        message.plan(next);
        if let (Some(journal), Some(queue)) = (self.sequencer.journal(), self.scheduled.journal_id)
        {
            journal.set_deliveries(queue, message.entry.position(), next.progress);
        }
        Some(message)
    }

    /// Checks that the journal can record a scheduled message.
    pub(crate) fn check_scheduled_journal(&self, bytes: u64) -> Result<(), PublishError> {
        match self.sequencer.journal() {
            Some(journal) => Ok(journal.check(bytes)?),
            None => Ok(()),
        }
    }

    /// Records a scheduled message, persistent or not: a message that waits for hours is meant to survive a restart.
    fn record_scheduled(
        &mut self,
        entry: &SharedEntry,
        account: &Account,
        schedule: &Schedule,
        outcome: &mut Outcome,
    ) {
        let Some(journal) = self.sequencer.journal().map(Arc::clone) else {
            return;
        };
        let created = || journal.create_queue(&LastingQueue::Scheduled);
        let queue = *self.scheduled.journal_id.get_or_insert_with(created);
        self.sequencer
            .record_scheduled(entry, account, (queue, schedule), outcome);
    }

    fn record_scheduled_end(&self, entry: &Entry) {
        if let (Some(journal), Some(queue)) = (self.sequencer.journal(), self.scheduled.journal_id)
        {
            journal.settle(queue, &[entry.position()]);
        }
    }
}

/// Returns a message with the content of a scheduled one, published at `now_ms`. Its time to live begins now, as in ActiveMQ.
fn copy(entry: &Entry, now_ms: u64, id: Option<String>) -> Publication {
    let time_to_live = entry
        .expires_ms()
        .map(|at| at.saturating_sub(entry.timestamp_ms()));
    let expires_ms = time_to_live.map(|ms| now_ms.saturating_add(ms));
    let expiry = entry.fields().expiry.get();
    let headers = entry.headers().iter().enumerate();
    let headers = headers.map(|(index, header)| match expires_ms {
        Some(at_ms) if expiry == Some(index) => Header {
            name: header.name.clone(),
            value: at_ms.to_string().into(),
        },
        _ => header.clone(),
    });
    let id = id.map(|id| Header {
        name: JOB_ID.into(),
        value: id.into(),
    });
    let source = Provenance {
        producer: entry.shared_producer(),
        timestamp_ms: now_ms,
        marks: entry.marks(),
    };
    let mut publication =
        Publication::to(entry.kind(), entry.topic().clone(), source, entry.body())
            .with_headers(entry.shared_content_type(), headers.chain(id).collect())
            .with_fields(entry.fields())
            .expiring(expires_ms.unwrap_or(0))
            .spelled(match entry.spelling() {
                Spelling::Unknown => Spelling::Unknown,
                Spelling::Usual => Spelling::Usual,
                Spelling::Other(text) => Spelling::Other(text.into()),
            });
    if entry.closes_group() {
        publication = publication.closing_group();
    }
    if entry.is_retained_publication() {
        publication = publication.retained();
    }
    match entry.is_persistent() {
        true => publication.persistent(),
        false => publication,
    }
}

/// A scheduled message is in no log.
const NO_LOG: End = End {
    sequence: 0,
    offset: 0,
};
/// The header with the id of the scheduled message; the name is ActiveMQ's.
const JOB_ID: &str = "scheduledJobId";
/// Messages that one call delivers.
const DUE_AT_ONCE: usize = 128;
/// The time until the next attempt after one that was refused: it doubles from the first to the last.
const FIRST_RETRY_MS: u64 = 1_000;
const LAST_RETRY_MS: u64 = 60_000;

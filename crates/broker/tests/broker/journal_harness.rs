//! A journal in memory, from which a test restores a broker as after a restart, also from a part of its changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use broker::{
    Broker, CompleteTopics, DestinationKind, Entry, Epoch, Fields, Header, Journal, JournalError,
    JournalMessage, LastingQueue, Limits, LoadedMessage, MissingMessages, NameIds, Outcome,
    PageRequest, Positions, Provenance, Publication, Restore, RestoredEnd, RestoredMessage,
    RestoredPlace, Schedule, SharedEntry, TopicEnd, TopicFilter, TopicIds, TopicName,
};

use crate::harness::{EPOCH, as_filter, as_name};

/// A journal that keeps what it has recorded.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<Recorded>,
    /// The durable topics.
    durable: Option<TopicFilter>,
    /// Requests that were not answered yet.
    requests: Mutex<Vec<PageRequest>>,
}

/// The recorded state, as a store would have it.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The changes in order, in short form.
    pub changes: Vec<String>,
    pub refuses: Option<JournalError>,
    /// The calls in order, from which the state can be made again.
    log: Vec<Logged>,
    /// The greatest position of a message.
    newest_position: u64,
    last_id: u32,
    names: BTreeMap<u32, (DestinationKind, TopicName)>,
    queues: BTreeMap<u32, SavedQueue>,
    retained: BTreeMap<u32, Copy>,
    topics: BTreeMap<u32, TopicEnd>,
    /// The durable topics of the last run, with the positions from which on they are durable.
    durable: Vec<(TopicFilter, u64)>,
    /// Durable topics have lost all their messages up to this position.
    emptied: u64,
}

/// A copy of a message, which does not keep the broker's own one in memory.
#[derive(Debug, Clone)]
struct Copy {
    name: u32,
    kind: DestinationKind,
    topic: TopicName,
    provenance: Provenance,
    headers: Box<[Header]>,
    fields: Fields,
    closes_group: bool,
    expires_ms: u64,
    is_persistent: bool,
    is_dead_letter: bool,
    body: Vec<u8>,
    position: u64,
    sequence: u64,
    previous: Option<u64>,
    schedule: Option<Schedule>,
}

/// A call of the journal that changes the recorded state.
#[derive(Debug, Clone)]
enum Logged {
    Begin,
    End,
    /// A run of the broker has begun, with these durable topics and this next position.
    Start(Option<TopicFilter>, u64),
    CreateName(u32, DestinationKind, TopicName),
    RemoveName(u32),
    CreateQueue(u32, Source),
    Pause(u32, bool),
    RemoveQueue(u32),
    RemoveHistory(u32),
    Append {
        copy: Copy,
        queues: Vec<u32>,
        is_retained: bool,
    },
    Settle(u32, Vec<u64>),
    Deliveries(u32, u64, u32),
    RemoveRetained(u32),
    Emptied(u64),
    TopicEnd(u32, TopicEnd),
}

#[derive(Debug, Clone)]
struct SavedQueue {
    source: Source,
    waiting: BTreeMap<u64, (Copy, u32)>,
    is_paused: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Named(TopicName),
    Durable(broker::DurableName, String, Option<String>),
    Shared(broker::SharedName),
    Scheduled,
    History,
}

impl MemoryJournal {
    pub fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // A broker that is dropped while a test panics uses it too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of calls so far.
    pub fn calls(&self) -> usize {
        self.recorded().log.len()
    }

    /// Returns a journal with the first `calls` calls only, as after a crash before the others were written. A
    /// transaction without an end is left out.
    pub fn prefix(&self, calls: usize) -> Arc<Self> {
        let recorded = self.recorded();
        let log = &recorded.log[..calls];
        let open = log.iter().rposition(|one| matches!(one, Logged::Begin));
        let is_ended = |at: &usize| log[*at..].iter().any(|one| matches!(one, Logged::End));
        let whole = open.filter(|at| !is_ended(at)).unwrap_or(calls);
        let mut copy = Recorded::default();
        log[..whole].iter().for_each(|one| copy.add(one.clone()));
        Arc::new(Self {
            state: Mutex::new(copy),
            durable: self.durable.clone(),
            requests: Mutex::default(),
        })
    }

    /// Returns a journal with the same changes, for a run with these durable topics.
    pub fn with_durable(&self, filter: Option<&str>) -> Arc<Self> {
        let copy = self.prefix(self.calls());
        let state = Mutex::new(std::mem::take(&mut *copy.recorded()));
        let durable = filter.map(as_filter);
        Arc::new(Self {
            state,
            durable,
            requests: Mutex::default(),
        })
    }

    /// Returns an empty journal for a run with these durable topics.
    pub fn durable(filter: &str) -> Arc<Self> {
        Self::default().with_durable(Some(filter))
    }

    /// Returns the greatest position that was recorded.
    pub fn newest_position(&self) -> u64 {
        self.recorded().newest_position
    }

    /// Returns the durable subscriptions that were recorded, with their filters and selectors.
    pub fn durables(&self) -> Vec<(broker::DurableName, String, Option<String>)> {
        let recorded = self.recorded();
        let sources = recorded.queues.values().map(|queue| queue.source.clone());
        sources
            .filter_map(|source| match source {
                Source::Durable(name, filter, selector) => Some((name, filter, selector)),
                _ => None,
            })
            .collect()
    }

    pub fn broker(self: &Arc<Self>, limits: Limits) -> Broker {
        self.recorded().add(Logged::Start(self.durable.clone(), 1));
        Broker::with_journal(EPOCH, limits, Arc::<Self>::clone(self))
    }

    /// Returns a broker as after a crash of the one that has used this journal, which must not be used any more. Its next
    /// position is `next`.
    pub fn restart_after_crash(self: &Arc<Self>, limits: Limits, next: u64) -> Broker {
        self.restart_with(limits, next, |_| ()).0
    }

    /// Does the same, and restores sessions with a function.
    pub fn restart_with<T>(
        self: &Arc<Self>,
        limits: Limits,
        next: u64,
        sessions: impl FnOnce(&Broker) -> T,
    ) -> (Broker, T) {
        let epochs = [(EPOCH, 1), (EPOCH + 1, next)];
        let broker = self.restart(limits, &epochs, next, next - 1);
        let sessions = sessions(&broker);
        broker.end_restoration();
        (broker, sessions)
    }

    /// Stops a broker, and returns the one of the next run.
    pub fn restart_cleanly(self: &Arc<Self>, broker: Broker) -> Broker {
        let stopped = broker.record_all();
        let limits = broker.limits().clone();
        let next = stopped.next_position;
        let restored = self.restart(limits, &[(EPOCH, 1)], next, stopped.newest_removed);
        restored.end_restoration();
        restored
    }

    /// Returns a broker with the recorded state. The caller ends the restoration.
    pub fn restart(
        self: &Arc<Self>,
        limits: Limits,
        epochs: &[(u64, u64)],
        next: u64,
        newest_removed: u64,
    ) -> Broker {
        let positions = Positions {
            epochs: epochs
                .iter()
                .map(|&(number, first_position)| Epoch {
                    number,
                    first_position,
                })
                .collect(),
            next,
            newest_removed,
            complete: self.recorded().complete_topics(),
        };
        let mut restore = Restore::new(positions, limits, Arc::<Self>::clone(self));
        {
            let recorded = self.recorded();
            for (id, (kind, name)) in &recorded.names {
                restore.name(*id, *kind, name.clone());
            }
            for name in recorded.names.keys().copied() {
                let end = recorded.topics.get(&name).copied();
                let history = recorded.history_of(name);
                if end.is_some() || history.is_some() {
                    let messages = history.map_or_else(Vec::new, |id| recorded.messages(id));
                    let ended =
                        end.map_or_else(|| recorded.end_after_crash(name), RestoredEnd::Stopped);
                    restore.topic(TopicIds { name, history }, ended, messages);
                }
            }
            for copy in recorded.retained.values() {
                let entry = restore.message(copy.restored()).expect("its name is known");
                restore.retained(&entry);
            }
            for (id, queue) in &recorded.queues {
                match queue.source.clone() {
                    Source::Named(name) => restore.queue(*id, name),
                    Source::Durable(name, filter, selector) => {
                        let selector = selector.map(|text| text.parse().expect("a selector"));
                        restore.durable(*id, name, as_filter(&filter), selector);
                    }
                    Source::Shared(name) => restore.shared(*id, name),
                    Source::Scheduled => {
                        restore.scheduled_queue(*id);
                        for (copy, progress) in queue.waiting.values() {
                            let schedule = copy.schedule.clone().expect("a schedule");
                            assert!(restore.scheduled(copy.restored(), schedule, *progress));
                        }
                        continue;
                    }
                    Source::History => continue,
                }
                if queue.is_paused {
                    restore.paused(*id);
                }
                for (copy, deliveries) in queue.waiting.values() {
                    if !restore.has_room(copy.bytes()) {
                        restore.paged(copy.place(*id, *deliveries));
                        continue;
                    }
                    let entry = restore.message(copy.restored()).expect("its name is known");
                    restore.waiting(*id, &entry, *deliveries);
                }
            }
        }
        let start = Logged::Start(self.durable.clone(), next);
        self.recorded().add(start);
        restore.finish()
    }

    fn requests(&self) -> MutexGuard<'_, Vec<PageRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of requests that were not answered.
    pub fn open_requests(&self) -> usize {
        self.requests().len()
    }

    /// Answers one of the requests.
    pub fn answer(&self, broker: &Broker, at: usize, now_ms: u64) {
        let taken = self.answer_with(broker, at, now_ms, |_| true);
        taken.expect("the journal has all messages of the queue");
    }

    /// Answers the oldest request without the message at a position.
    pub fn answer_without(&self, broker: &Broker, missing: u64) -> Result<(), MissingMessages> {
        self.answer_with(broker, 0, 0, |position| position != missing)
    }

    fn answer_with(
        &self,
        broker: &Broker,
        at: usize,
        now_ms: u64,
        is_there: impl Fn(u64) -> bool,
    ) -> Result<(), MissingMessages> {
        let request = self.requests().remove(at);
        let copies: Vec<Copy> = {
            let recorded = self.recorded();
            let queue = recorded.queues.get(&request.queue());
            let waiting = queue.map(|queue| &queue.waiting);
            let positions = request.positions().iter();
            let positions = positions.filter(|position| is_there(**position));
            let found = positions.filter_map(|position| waiting?.get(position));
            found.map(|(copy, _)| copy.clone()).collect()
        };
        // Without the lock: a publication may reuse an entry, and with it drop what the journal is told about.
        let messages = copies.iter().map(Copy::loaded).collect();
        let mut outcome = Outcome::default();
        let taken = broker.page_in(&request, messages, now_ms, &mut outcome);
        outcome.ready.deliver();
        taken
    }

    /// Answers requests until there are none.
    pub fn answer_all(&self, broker: &Broker, now_ms: u64) {
        while self.open_requests() > 0 {
            self.answer(broker, 0, now_ms);
        }
    }

    /// Reports everything as durable.
    pub fn complete(&self, broker: &Broker) {
        broker.completion().complete(self.newest());
    }

    /// Returns all messages of a queue as an administrator sees them, after all other requests were answered: a message
    /// that goes to a consumer during a browse may be missing.
    pub fn browse(&self, broker: &Broker, name: &str, now_ms: u64) -> Option<Vec<SharedEntry>> {
        self.answer_all(broker, now_ms);
        let name = &as_name(name);
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let browsed = broker.browse(name, after, 7)?;
            let mut last = browsed.entries.last().map(|entry| entry.position());
            found.extend(browsed.entries);
            if let Some(mut paged) = browsed.paged {
                self.answer_all(broker, now_ms);
                let Poll::Ready(entries) = paged.poll(Waker::noop()) else {
                    panic!("all requests are answered");
                };
                found.extend(entries);
                last = Some(paged.last());
            }
            match last {
                Some(last) => after = last,
                None => return Some(found),
            }
        }
    }

    fn change(&self, text: String, call: Logged) -> MutexGuard<'_, Recorded> {
        let mut recorded = self.recorded();
        recorded.changes.push(text);
        recorded.add(call);
        recorded
    }
}

impl Copy {
    fn of(message: &JournalMessage<'_>) -> Self {
        let entry: &Entry = message.entry;
        Self {
            name: message.name,
            kind: entry.kind(),
            topic: entry.topic().clone(),
            provenance: Provenance {
                producer: entry.producer().into(),
                timestamp_ms: entry.timestamp_ms(),
                marks: entry.marks(),
            },
            headers: entry.headers().into(),
            fields: entry.fields(),
            closes_group: entry.closes_group(),
            expires_ms: entry.expires_ms().unwrap_or(0),
            is_persistent: entry.is_persistent(),
            is_dead_letter: entry.is_dead_letter(),
            body: entry.body().to_vec(),
            position: entry.position(),
            sequence: entry.sequence(),
            previous: message.previous,
            schedule: message.schedule.cloned(),
        }
    }

    fn publication(&self) -> Publication {
        let provenance = self.provenance.clone();
        let mut publication =
            Publication::to(self.kind, self.topic.clone(), provenance, &self.body)
                .with_headers(None, self.headers.clone())
                .with_fields(self.fields)
                .expiring(self.expires_ms);
        if self.closes_group {
            publication = publication.closing_group();
        }
        if self.is_dead_letter {
            publication = publication.dead_letter();
        }
        match self.is_persistent {
            true => publication.persistent(),
            false => publication,
        }
    }

    fn loaded(&self) -> LoadedMessage {
        LoadedMessage {
            position: self.position,
            sequence: self.sequence,
            publication: self.publication(),
        }
    }

    /// Returns the place of the message in a queue. The sizes of restored messages are approximate.
    fn place(&self, queue: u32, deliveries: u32) -> RestoredPlace {
        RestoredPlace {
            queue,
            name: self.name,
            position: self.position,
            bytes: self.bytes() as u32,
            deliveries,
            expires_ms: (self.expires_ms > 0).then_some(self.expires_ms),
            sequence: Some(self.sequence),
        }
    }

    fn bytes(&self) -> u64 {
        200 + self.body.len() as u64
    }

    fn restored(&self) -> RestoredMessage {
        RestoredMessage {
            publication: self.publication(),
            name: self.name,
            position: self.position,
            sequence: self.sequence,
            previous: self.previous,
        }
    }
}

impl Recorded {
    fn fresh_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns the history that has messages of this name.
    fn history_of(&self, name: u32) -> Option<u32> {
        let mut histories = self.queues.iter().filter(|(_, queue)| {
            let first = queue.waiting.values().next();
            matches!(queue.source, Source::History)
                && first.is_some_and(|(one, _)| one.name == name)
        });
        histories.next().map(|(id, _)| *id)
    }

    /// Returns the end of a topic whose last run has ended in a crash.
    fn end_after_crash(&self, name: u32) -> RestoredEnd {
        let name = &self.names[&name].1;
        let matching = self.durable.iter().filter(|one| one.0.matches(name));
        let since = matching.map(|(_, since)| *since).min();
        since.map_or(RestoredEnd::Lost, RestoredEnd::CompleteSince)
    }

    fn complete_topics(&self) -> Vec<CompleteTopics> {
        let complete = self.durable.iter().map(|(filter, since)| CompleteTopics {
            filter: filter.clone(),
            after: self.emptied.max(since - 1),
        });
        complete.collect()
    }

    /// Returns the number of messages in all queues and histories.
    pub fn waiting(&self) -> usize {
        self.queues.values().map(|queue| queue.waiting.len()).sum()
    }

    fn messages(&self, queue: u32) -> Vec<RestoredMessage> {
        let waiting = self.queues[&queue].waiting.values();
        waiting.map(|(copy, _)| copy.restored()).collect()
    }

    fn ticket(&self) -> u64 {
        self.changes.len() as u64
    }
}

impl Recorded {
    fn add(&mut self, call: Logged) {
        self.apply(&call);
        self.log.push(call);
    }

    fn apply(&mut self, call: &Logged) {
        match call {
            Logged::Begin | Logged::End => {}
            Logged::Start(durable, next) => {
                self.topics.clear();
                let durable = durable.as_ref();
                let covering = self.durable.iter();
                let covering =
                    covering.filter(|(old, _)| durable.is_some_and(|new| old.covers(new)));
                let since = covering.map(|(_, since)| *since).min().unwrap_or(*next);
                self.durable
                    .retain(|(filter, _)| durable.is_some_and(|one| one.covers(filter)));
                let known = self.durable.iter().map(|(filter, _)| filter);
                if let Some(new) = durable.filter(|new| known.clone().all(|one| one != *new)) {
                    self.durable.push((new.clone(), since));
                }
            }
            Logged::CreateName(id, kind, name) => {
                self.last_id = self.last_id.max(*id);
                self.names.insert(*id, (*kind, name.clone()));
            }
            Logged::RemoveName(id) => drop(self.names.remove(id)),
            Logged::CreateQueue(id, source) => {
                self.last_id = self.last_id.max(*id);
                let saved = SavedQueue {
                    source: source.clone(),
                    waiting: BTreeMap::new(),
                    is_paused: false,
                };
                self.queues.insert(*id, saved);
            }
            Logged::Pause(id, is_paused) => {
                let queue = self.queues.get_mut(id).expect("it was created");
                queue.is_paused = *is_paused;
            }
            Logged::RemoveQueue(id) => {
                self.queues.remove(id).expect("it was created");
            }
            // In some tests, the broker of the run before removes it too.
            Logged::RemoveHistory(id) => drop(self.queues.remove(id)),
            Logged::Append {
                copy,
                queues,
                is_retained,
            } => {
                assert!(self.names.contains_key(&copy.name));
                for queue in queues {
                    let queue = self.queues.get_mut(queue).expect("it was created");
                    queue.waiting.insert(copy.position, (copy.clone(), 0));
                }
                if *is_retained {
                    self.retained.insert(copy.name, copy.clone());
                }
                self.newest_position = self.newest_position.max(copy.position);
            }
            Logged::Settle(queue, positions) => {
                if let Some(queue) = self.queues.get_mut(queue) {
                    for position in positions {
                        queue.waiting.remove(position);
                    }
                }
            }
            Logged::Deliveries(queue, position, deliveries) => {
                let queue = self.queues.get_mut(queue);
                if let Some((_, count)) = queue.and_then(|queue| queue.waiting.get_mut(position)) {
                    *count = *deliveries;
                }
            }
            Logged::RemoveRetained(name) => drop(self.retained.remove(name)),
            Logged::Emptied(position) => self.emptied = self.emptied.max(*position),
            Logged::TopicEnd(name, end) => drop(self.topics.insert(*name, *end)),
        }
    }
}

impl NameIds for MemoryJournal {
    fn create_name(&self, kind: DestinationKind, name: &TopicName) -> u32 {
        let mut recorded = self.recorded();
        let id = recorded.fresh_id();
        recorded.add(Logged::CreateName(id, kind, name.clone()));
        id
    }

    fn remove_name(&self, name: u32) {
        self.recorded().add(Logged::RemoveName(name));
    }

    fn create_history(&self, _: &TopicName) -> u32 {
        let mut recorded = self.recorded();
        let id = recorded.fresh_id();
        recorded.add(Logged::CreateQueue(id, Source::History));
        id
    }

    fn remove_history(&self, history: u32) {
        self.recorded().add(Logged::RemoveHistory(history));
    }

    fn forget(&self, history: u32, position: u64) {
        self.recorded().add(Logged::Settle(history, vec![position]));
    }
}

impl Journal for MemoryJournal {
    fn check(&self, _: u64) -> Result<(), JournalError> {
        self.recorded().refuses.clone().map_or(Ok(()), Err)
    }

    fn keeps_history(&self, topic: &TopicName) -> bool {
        let durable = self.durable.as_ref();
        durable.is_some_and(|filter| filter.matches(topic))
    }

    fn is_full(&self) -> bool {
        false
    }

    fn newest(&self) -> u64 {
        self.recorded().ticket()
    }

    fn wake(&self) {}

    fn begin_transaction(&self) {
        drop(self.change("begin".to_owned(), Logged::Begin));
    }

    fn end_transaction(&self) -> u64 {
        self.change("end".to_owned(), Logged::End).ticket()
    }

    fn create_queue(&self, queue: &LastingQueue<'_>) -> u32 {
        let (text, source) = match queue {
            LastingQueue::Named(name) => (name.to_string(), Source::Named((*name).clone())),
            LastingQueue::Durable {
                name,
                filter,
                selector,
            } => {
                let selector = selector.map(ToString::to_string);
                let source = Source::Durable((*name).clone(), filter.to_string(), selector);
                (format!("durable {}", name.subscription), source)
            }
            LastingQueue::Shared(name) => (
                format!("shared {}", name.group),
                Source::Shared((*name).clone()),
            ),
            LastingQueue::Scheduled => ("scheduled".to_owned(), Source::Scheduled),
        };
        let id = self.recorded().fresh_id();
        drop(self.change(format!("create {text}"), Logged::CreateQueue(id, source)));
        id
    }

    fn set_paused(&self, queue: u32, name: &TopicName, is_paused: bool) {
        let text = match is_paused {
            true => format!("pause {name}"),
            false => format!("resume {name}"),
        };
        drop(self.change(text, Logged::Pause(queue, is_paused)));
    }

    fn remove_queue(&self, queue: u32) {
        drop(self.change("remove".to_owned(), Logged::RemoveQueue(queue)));
    }

    fn append(&self, message: &JournalMessage<'_>) -> u64 {
        let entry = message.entry;
        let body = String::from_utf8_lossy(entry.body());
        let text = format!("append {body} to {}", message.queues.len());
        let append = Logged::Append {
            copy: Copy::of(message),
            queues: message.queues.to_vec(),
            is_retained: message.is_retained,
        };
        self.change(text, append).ticket()
    }

    fn settle(&self, queue: u32, positions: &[u64]) {
        let settle = Logged::Settle(queue, positions.to_vec());
        drop(self.change(format!("settle {positions:?}"), settle));
    }

    fn set_deliveries(&self, queue: u32, position: u64, deliveries: u32) {
        let text = format!("deliveries {position} {deliveries}");
        drop(self.change(text, Logged::Deliveries(queue, position, deliveries)));
    }

    fn remove_retained(&self, name: u32) {
        let text = "remove retained".to_owned();
        drop(self.change(text, Logged::RemoveRetained(name)));
    }

    fn set_emptied(&self, position: u64) {
        self.recorded().add(Logged::Emptied(position));
    }

    fn set_topic_end(&self, name: u32, end: TopicEnd) {
        self.recorded().add(Logged::TopicEnd(name, end));
    }

    fn load(&self, request: PageRequest) {
        self.requests().push(request);
    }
}

//! The operations of the broker, one file for each group. See [`Broker`] for the order in which they are called.
//!
//! One lock guards the state. Under it a batch gets its positions, is appended, and is announced to the cursors that
//! cover it; nothing is encoded, written or woken there, and readers never take it. So there is one total order over all
//! topics, and one number, the position, resumes any subscription.

pub(crate) mod administration;
pub(crate) mod consume;
pub(crate) mod consumer_end;
pub(crate) mod dead_letters;
pub(crate) mod detach;
pub(crate) mod history;
pub(crate) mod listing;
pub(crate) mod overdue;
pub(crate) mod page_in;
pub(crate) mod pause;
pub(crate) mod policies;
pub(crate) mod publish;
pub(crate) mod queue_actions;
pub(crate) mod recheck;
pub(crate) mod republication;
pub(crate) mod restore;
pub(crate) mod resubscribe;
pub(crate) mod retained;
pub(crate) mod scheduled;
pub(crate) mod settle;
pub(crate) mod steps;
pub(crate) mod stop;
pub(crate) mod subscription_listing;
pub(crate) mod survey;
pub(crate) mod temporary;
pub(crate) mod tidy;
pub(crate) mod transaction;
pub(crate) mod tree;

use std::{
    sync::{Arc, Weak, atomic::AtomicUsize},
    task::{Poll, Waker},
};

use crate::{
    broker::restore::{Epoch, Positions},
    completion::Completion,
    figures::{Count, Figures, RefusalCounts, Totals, Volume},
    journal::{Journal, JournalError},
    memory::account::Memory,
    memory::limits::Limits,
    memory::share::{Client, Pool, PoolFigures, Pools},
    message::entry::{DestinationKind, Entry, SharedEntry},
    message::id::MessageId,
    name::TopicName,
    outcome::{Outcome, SubscribeError},
    queue::Store,
    session::reader::Reader,
    session::subscription::{StartOptions, Subscribe, Subscription, SubscriptionId},
    session::visible_position::VisiblePosition,
    session::{Blocked, FirstRetained, Peer, Readable, Session},
    state::removed::RemovedTopics,
    state::{BrokerState, SessionEntry},
    sync::{StateMutex, lock_state, pass_on},
    topic::cursor::Start,
    topic::log::Released,
};

/// Topics, queues, sessions, and the order between them. Shared by all threads.
///
/// The functions in the order in which a connection calls them:
///
/// | step | functions | file |
/// |---|---|---|
/// | begin | [`attach_for`](Self::attach_for) returns the [`Reader`] of a new session | `broker/mod.rs` |
/// | subscribe to topics | [`subscribe`](Self::subscribe), [`resubscribe`](Self::resubscribe), [`unsubscribe`](Self::unsubscribe) | `broker/mod.rs`, `resubscribe.rs` |
/// | consume from queues | [`consume`](Self::consume), [`unsubscribe_when_settled`](Self::unsubscribe_when_settled), [`delete_durable`](Self::delete_durable), [`create_temporary`](Self::create_temporary) | `consume.rs`, `consumer_end.rs`, `temporary.rs` |
/// | publish | [`publish_for`](Self::publish_for); the broker's own topics: [`publish_reserved`](Self::publish_reserved) | `publish.rs` |
/// | carry out the [`Outcome`] | deliver to its `ready` sessions, publish its `notices`, wait for its `blocked` subscriptions ([`poll_unblocked`](Self::poll_unblocked)), and hold replies until `owed` is complete ([`completion`](Self::completion)) | the caller |
/// | read | [`Reader::drain`], by one thread at a time for each session | `session/reader.rs` |
/// | settle | [`settle`](Self::settle); in a transaction [`stage`](Self::stage), [`unstage`](Self::unstage), [`commit`](Self::commit) | `settle.rs`, `transaction.rs` |
/// | between connections | [`pause`](Self::pause), [`resume`](Self::resume) | `pause.rs` |
/// | end | [`detach`](Self::detach), or in steps [`begin_detach`](Self::begin_detach) and [`continue_detach`](Self::continue_detach) | `detach.rs` |
/// | when the journal has read messages | [`page_in`](Self::page_in) | `page_in.rs` |
/// | when its time comes | [`deliver_due`](Self::deliver_due), [`poll_alarm`](Self::poll_alarm) | `scheduled.rs` |
/// | once a second | [`expire`](Self::expire), [`tidy`](Self::tidy) | `dead_letters.rs`, `tidy.rs` |
/// | show | [`figures`](Self::figures), [`topic_page`](Self::topic_page), [`queues`](Self::queues), [`queue_consumers`](Self::queue_consumers), [`session_figures`](Self::session_figures), [`session_subscriptions`](Self::session_subscriptions), [`last_image`](Self::last_image), [`retained`](Self::retained), [`history`](Self::history), [`children`](Self::children), [`survey`](Self::survey) | `listing.rs`, `retained.rs`, `history.rs`, `tree.rs`, `survey.rs` |
/// | set the rules of topics and queues | [`set_policies`](Self::set_policies), [`queue_rules`](Self::queue_rules) | `policies.rs` |
/// | administer | [`clear`](Self::clear), [`purge`](Self::purge), [`remove_queue`](Self::remove_queue) | `administration.rs` |
/// | show and cancel scheduled messages | [`scheduled`](Self::scheduled), [`scheduled_message`](Self::scheduled_message), [`cancel_scheduled`](Self::cancel_scheduled) | `scheduled.rs` |
/// | act on the messages of a queue | [`walk_waiting`](Self::walk_waiting), [`next_waiting`](Self::next_waiting), [`act`](Self::act), [`delete_waiting`](Self::delete_waiting), [`set_queue_paused`](Self::set_queue_paused) | `queue_actions.rs` |
///
/// No function blocks on I/O or calls a [`Peer`] with a lock held. Every function that takes an [`Outcome`] adds to it; the
/// caller carries it out after the call.
#[derive(Debug)]
pub struct Broker {
    /// The epochs of the journal, oldest first; not empty.
    epochs: Vec<Epoch>,
    pub(crate) limits: Limits,
    pub(crate) state: Arc<StateMutex<BrokerState>>,
    pub(crate) visible_position: Arc<VisiblePosition>,
    completion: Arc<Completion>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) store: Arc<Store>,
    pools: Arc<Pools>,
    /// The client to which the broker's own topics and queues are charged.
    own: Arc<Client>,
    totals: Arc<Totals>,
    pub(crate) published: Volume,
    pub(crate) refusals: RefusalCounts,
    pub(crate) disconnected: Count,
    pub(crate) undeliverable: Count,
    /// Subscriptions that may cover advisory topics.
    pub(crate) watchers: AtomicUsize,
}

impl Broker {
    /// Returns an empty broker. `epoch` is unique for each run; see [`MessageId::epoch`].
    #[must_use]
    pub fn new(epoch: u64, limits: Limits) -> Self {
        Self::build(vec![first_epoch(epoch)], limits, None)
    }

    /// Returns an empty broker that records changes in this journal. The journal reports through
    /// [`Broker::completion`] which changes are durable.
    #[must_use]
    pub fn with_journal(epoch: u64, limits: Limits, journal: Arc<dyn Journal>) -> Self {
        Self::build(vec![first_epoch(epoch)], limits, Some(journal))
    }

    /// Returns an empty broker that continues after the positions of earlier runs.
    pub(crate) fn continuing(
        positions: Positions,
        limits: Limits,
        journal: Arc<dyn Journal>,
    ) -> Self {
        let mut epochs = positions.epochs;
        if epochs.is_empty() {
            epochs.push(first_epoch(0));
        }
        let broker = Self::build(epochs, limits, Some(journal));
        let newest = positions.next.saturating_sub(1);
        broker.store.note_restored(newest);
        let mut state = lock_state(&broker.state);
        state.sequencer.continue_after(newest);
        state.removed =
            RemovedTopics::of_earlier_runs(positions.newest_removed, positions.complete);
        broker.visible_position.advance(newest);
        drop(state);
        broker
    }

    fn build(epochs: Vec<Epoch>, limits: Limits, journal: Option<Arc<dyn Journal>>) -> Self {
        let memory = Arc::default();
        let pools = Pools::new(|pool| limits.pool(pool));
        let totals = Arc::<Totals>::default();
        let completion = Arc::new(match &journal {
            Some(_) => Completion::pending(),
            None => Completion::immediate(),
        });
        Self {
            epochs,
            store: Store::new(&limits, &totals, journal.clone(), &completion),
            own: pools.own_client(),
            pools,
            completion,
            state: Arc::new(StateMutex::new(BrokerState::new(&memory, &limits, journal))),
            limits,
            visible_position: Arc::new(VisiblePosition::new()),
            memory,
            totals,
            published: Volume::default(),
            refusals: RefusalCounts::default(),
            disconnected: Count::default(),
            undeliverable: Count::default(),
            watchers: AtomicUsize::new(0),
        }
    }

    /// Returns the ticket of the journal up to which everything is durable. Without a journal everything counts as durable.
    #[must_use]
    pub fn completion(&self) -> &Arc<Completion> {
        &self.completion
    }

    /// Returns the ticket of everything that was recorded up to now, for a reply that promises more than a publication: that a
    /// settlement or a subscription survives a restart. `None` without a journal.
    #[must_use]
    pub fn newest_ticket(&self) -> Option<u64> {
        self.store.newest_ticket()
    }

    /// Checks whether something new that survives a restart, such as a session, can be recorded now.
    ///
    /// # Errors
    /// The journal's reason.
    pub fn check_new(&self) -> Result<(), JournalError> {
        match &self.store.journal {
            Some(journal) => journal.check(0),
            None => Ok(()),
        }
    }

    pub(crate) fn has_journal(&self) -> bool {
        self.store.journal.is_some()
    }

    /// Returns the bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the id of an entry of this run.
    #[must_use]
    pub fn id_of(&self, entry: &Entry) -> MessageId {
        self.id(entry.position())
    }

    /// Returns the start of a subscription that has received everything up to `id`.
    #[must_use]
    pub fn start_after(&self, id: MessageId) -> Start {
        match self.is_known(id) {
            true => Start::AfterPosition(id.position),
            false => Start::Lost,
        }
    }

    /// Returns true if the id was given by this run, or by an earlier one and its message was not lost in a crash.
    pub(crate) fn is_known(&self, id: MessageId) -> bool {
        let Some(at) = self
            .epochs
            .iter()
            .position(|epoch| epoch.number == id.epoch)
        else {
            return false;
        };
        let next = self.epochs.get(at + 1);
        next.is_none_or(|next| id.position < next.first_position)
    }

    /// Returns the pools that all clients share.
    #[must_use]
    pub fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }

    /// Returns the figures of the pools.
    #[must_use]
    pub fn pool_figures(&self) -> Vec<PoolFigures> {
        let mut figures = self.pools.figures();
        for one in &mut figures {
            if one.pool == Pool::QueueBytes {
                // A message in several queues counts once, and is charged to each.
                one.taken = self.store.bytes_in_all();
            }
        }
        figures
    }

    /// Returns the client to which the broker's own topics and queues are charged.
    pub(crate) fn own(&self) -> &Arc<Client> {
        &self.own
    }

    /// Does the same as [`Broker::attach_for`] for a session without shares.
    #[must_use]
    pub fn attach(&self, name: Arc<str>, peer: Weak<dyn Peer>) -> Reader {
        self.attach_for(&self.own, name, peer)
    }

    /// Attaches a session of a client, to which the session's objects are charged. `peer` is notified of messages to
    /// read. [`Broker::detach`] ends the session.
    #[must_use]
    pub fn attach_for(&self, client: &Arc<Client>, name: Arc<str>, peer: Weak<dyn Peer>) -> Reader {
        let mut state = lock_state(&self.state);
        let id = state.fresh_id();
        let (client, totals) = (Arc::clone(client), Arc::clone(&self.totals));
        let session = Arc::new(Session::new(id, name, peer, client, totals));
        session.set_read_up_to(state.sequencer.newest());
        state.sessions.insert(
            id,
            SessionEntry {
                session: Arc::clone(&session),
                subscriptions: Vec::new(),
                exact: 0,
                consumers: 0,
                consumers_joined: 0,
                temporaries: Vec::new(),
            },
        );
        let visible_position = Arc::clone(&self.visible_position);
        Reader::new(session, visible_position)
    }

    /// Subscribes a session to topics.
    ///
    /// [`Outcome::ready`] contains the session if there are messages to read at once.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if a limit is reached; nothing is changed then.
    pub fn subscribe(
        &self,
        session: &Arc<Session>,
        subscribe: Subscribe<'_>,
        outcome: &mut Outcome,
    ) -> Result<SubscriptionId, SubscribeError> {
        let start_options = StartOptions {
            start: subscribe.start,
            retained: subscribe.retained,
        };
        let mut state = lock_state(&self.state);
        state.check_topics(session, subscribe.filter, &self.limits)?;
        session.client().check_subscription(subscribe.filter)?;
        let id = SubscriptionId(state.fresh_id());
        let retained = subscribe.retained.range(state.sequencer.newest());
        let subscription = Subscription::new(id, Arc::clone(session), subscribe);
        let subscription = Arc::new(subscription);
        let readable = match subscription.filter.exact() {
            Some(name) => {
                let cursor = state.subscribe_to_one(&name, &subscription, start_options);
                cursor.into_iter().map(Readable::Cursor).collect()
            }
            None => {
                let shared = Arc::downgrade(&self.state);
                state.subscribe_and_collect(&subscription, start_options, &shared)
            }
        };
        // In one step, so that an active reader sees all of the history in order, or none.
        let filter = &subscription.filter;
        let retained = retained.map(|range| FirstRetained { id, filter, range });
        if session.push_first_readable(readable, retained) {
            outcome.ready.sessions.push(Arc::clone(session));
        }
        drop(state);
        self.watch(DestinationKind::Topic, &subscription.filter, true);
        self.notice_subscription(&subscription, true, outcome);
        Ok(id)
    }

    /// Ends a subscription: it gets no more messages, and its unacknowledged messages go to others. `outcome` is
    /// extended. Unknown ids are ignored.
    pub fn unsubscribe(
        &self,
        session: &Session,
        id: SubscriptionId,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if let Some(consumer) = session.remove_consumer(id) {
            self.end_only_consumer(&consumer, outcome);
            self.dead_letter(now_ms, outcome);
            return;
        }
        let mut state = lock_state(&self.state);
        let Some(attached) = state.sessions.get_mut(&session.id) else {
            return;
        };
        let Some(at) = attached.subscriptions.iter().position(|own| own.id == id) else {
            return;
        };
        let subscription = attached.subscriptions.remove(at);
        attached.exact -= usize::from(!subscription.has_wildcards());
        drop(state);
        self.watch(DestinationKind::Topic, &subscription.filter, false);
        while !self.go_on_cancelling(&subscription) {}
        session.end_retained(id);
        self.notice_subscription(&subscription, false, outcome);
        session.wake_publishers();
    }

    /// Returns the newest entry of a topic.
    #[must_use]
    pub fn last_image(&self, name: &TopicName) -> Option<SharedEntry> {
        let state = lock_state(&self.state);
        state.topics.find(name.as_str())?.log.last().cloned()
    }

    /// Returns whether a topic has subscribers, or would have some if it were created.
    #[must_use]
    pub fn has_subscribers(&self, name: &TopicName) -> bool {
        let state = lock_state(&self.state);
        match state.topics.find(name.as_str()) {
            Some(topic) if topic.exact_subscriptions() > 0 => true,
            _ => state.is_dormant(name) || state.covering(name) > 0,
        }
    }

    /// Deletes everything that a topic keeps, including the last image and the retained message. Returns false if there
    /// is no such topic. Subscribers stay, and still get their unread messages.
    pub fn clear(&self, name: &TopicName) -> bool {
        let mut released = Released::new();
        let mut state = lock_state(&self.state);
        let BrokerState {
            topics,
            retained_index,
            sequencer,
            ..
        } = &mut *state;
        let Some(topic) = topics.find_mut(name.as_str()) else {
            return state.is_dormant(name);
        };
        topic.clear_log(sequencer, &mut released);
        let retained = topic.take_retained(retained_index);
        retained
            .iter()
            .for_each(|entry| sequencer.record_removed(entry));
        state.remove_if_idle(name);
        true
    }

    /// Returns the figures of the whole broker.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let refusals = self.refusals.figures();
        let state = lock_state(&self.state);
        Figures {
            sessions: state.sessions.len(),
            subscriptions: state.subscriptions,
            topics: state.topic_count(),
            retained: state.retained_index.count(),
            emptied: state.ages.emptied(),
            aged_out: state.ages.removed(),
            queues: state.queues.named.len(),
            published: self.published.entries(),
            published_bytes: self.published.bytes(),
            refused: refusals.total(),
            refusals,
            delivered: self.totals.delivered.total(),
            dropped: self.totals.dropped.total(),
            dropped_for_lag: self.totals.dropped_for_lag.total(),
            dropped_with_topic: self.totals.dropped_with_topic.total(),
            dropped_without_cursor: self.totals.dropped_without_cursor.total(),
            queue_results: self.totals.queue_results.figures(),
            disconnected: self.disconnected.total(),
            undeliverable: self.undeliverable.total(),
            held_bytes: self.memory.bytes(),
        }
    }

    /// Ready when all of `blocked` are within their bounds; otherwise `waker` is woken when one of them has read.
    pub fn poll_unblocked(&self, blocked: &mut Blocked, waker: &Waker) -> Poll<()> {
        blocked.poll_unblocked(&self.limits, waker)
    }

    /// Returns the id of the newest message of all topics and queues. Its position is 0 before the first message.
    #[must_use]
    pub fn newest_id(&self) -> MessageId {
        let newest = lock_state(&self.state).sequencer.newest();
        self.id(newest)
    }

    /// Returns the id of the message at a position.
    #[must_use]
    pub fn id(&self, position: u64) -> MessageId {
        let newest = |epochs: &[Epoch]| {
            let known = epochs.iter().rev();
            let mut known = known.skip_while(|epoch| epoch.first_position > position);
            known.next().map_or(0, |epoch| epoch.number)
        };
        let epoch = match &self.epochs[..] {
            [only] => only.number,
            epochs => newest(epochs),
        };
        MessageId { epoch, position }
    }

    /// Ends a subscription, or continues this: at most a part of its cursors is removed while the lock is held. Returns
    /// false if there are more.
    pub(crate) fn go_on_cancelling(&self, subscription: &Subscription) -> bool {
        let mut left = Vec::new();
        let mut state = lock_state(&self.state);
        let is_done = state.cancel(subscription, &mut left);
        pass_on(state);
        // A reader that is not being drained still refers to them, and they to the log.
        for cursor in left {
            cursor.close();
        }
        is_done
    }
}

fn first_epoch(number: u64) -> Epoch {
    Epoch {
        number,
        first_position: 1,
    }
}

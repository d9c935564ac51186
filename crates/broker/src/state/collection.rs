//! The first messages of a new subscription with wildcards: last images, history, retained messages.
//!
//! The topics are examined in steps, between which other threads get the broker's lock: the first step is part of
//! subscribing, the others are part of the session's own reading. The session reads nothing until the last step, so
//! that its messages are in the order of positions. If a message is published to a topic in the meantime, the topic
//! first gets the subscription's cursor, at the start that the subscription requested.

use std::sync::{Arc, Weak};

use crate::{
    memory::limits::{ITEMS, NAMES},
    message::entry::SharedEntry,
    name::TopicName,
    name::index::Walk,
    session::Readable,
    session::collection::Collect,
    session::subscription::{Retained, StartOptions, Subscription},
    state::BrokerState,
    sync::{Mutex, StateMutex, lock, lock_state, pass_on},
    topic::cursor::{Cursor, Start},
};

/// The topics still to be examined for a subscription.
#[derive(Debug)]
struct Collection {
    state: Weak<StateMutex<BrokerState>>,
    subscription: Arc<Subscription>,
    start_options: StartOptions,
    /// The newest position when the collection started.
    position: u64,
    walk: Mutex<Walk>,
}

impl Collection {
    /// Starts to examine the topics for a subscription. Returns `None` if it has no first messages.
    ///
    /// Must be called without releasing the lock between this call and the addition of the subscription.
    fn begin(
        subscription: &Arc<Subscription>,
        start_options: StartOptions,
        position: u64,
        state: &Weak<StateMutex<BrokerState>>,
    ) -> Option<Self> {
        if start_options == StartOptions::default() {
            return None;
        }
        subscription.begin_collection(start_options);
        Some(Self::new(subscription, start_options, position, state))
    }

    fn new(
        subscription: &Arc<Subscription>,
        start_options: StartOptions,
        position: u64,
        state: &Weak<StateMutex<BrokerState>>,
    ) -> Self {
        Self {
            state: Weak::clone(state),
            subscription: Arc::clone(subscription),
            start_options,
            position,
            walk: Mutex::new(Walk::new(&subscription.filter, None)),
        }
    }

    /// Returns the topics of the next step.
    fn next_topics(&self, state: &BrokerState, walk: &mut Walk) -> Vec<TopicName> {
        let mut found = Vec::new();
        let mut add = |name: &TopicName| {
            found.push(name.clone());
            found.len() < ITEMS
        };
        if self.start_options.start == Start::New {
            let names = state.retained_index.names();
            names.visit(walk, NAMES, |name, ()| add(name));
        } else {
            state.names.visit(walk, NAMES, |name, _| add(name));
        }
        found
    }
}

impl Collect for Collection {
    fn subscription(&self) -> &Arc<Subscription> {
        &self.subscription
    }

    fn step(&self, readable: &mut Vec<Arc<Cursor>>) -> bool {
        let Some(state) = self.state.upgrade() else {
            return true;
        };
        let mut state = lock_state(&state);
        let is_done = state.collect(self, readable);
        pass_on(state);
        is_done
    }
}

impl BrokerState {
    /// Adds a subscription with wildcards. Returns its sources of first messages: its cursors, or the rest of the
    /// collection.
    pub(crate) fn subscribe_and_collect(
        &mut self,
        subscription: &Arc<Subscription>,
        start_options: StartOptions,
        state: &Weak<StateMutex<BrokerState>>,
    ) -> Vec<Readable> {
        let collection =
            Collection::begin(subscription, start_options, self.sequencer.newest(), state);
        self.subscribe_to_many(subscription);
        collection.map_or_else(Vec::new, |collection| self.begin_collecting(collection))
    }

    /// Lets a wildcard subscription read the retained messages of its topics before all others. Returns the sources
    /// like [`BrokerState::subscribe_and_collect`].
    pub(crate) fn collect_retained(
        &mut self,
        subscription: &Arc<Subscription>,
        state: &Weak<StateMutex<BrokerState>>,
    ) -> Vec<Readable> {
        let wanted = StartOptions {
            start: Start::New,
            retained: Retained::First,
        };
        let collection = Collection::new(subscription, wanted, self.sequencer.newest(), state);
        self.begin_collecting(collection)
    }

    fn begin_collecting(&mut self, collection: Collection) -> Vec<Readable> {
        let mut cursors = Vec::new();
        let is_done = self.collect(&collection, &mut cursors);
        let mut readable: Vec<_> = cursors.into_iter().map(Readable::Cursor).collect();
        if !is_done {
            readable.push(Readable::Collection(Arc::new(collection)));
        }
        readable
    }

    /// Examines the next topics. Claims the cursors that have messages to read, and adds them to `readable`. Returns
    /// true after the last topic.
    fn collect(&mut self, collection: &Collection, readable: &mut Vec<Arc<Cursor>>) -> bool {
        let subscription = collection.subscription.current();
        if subscription.is_cancelled() {
            return true;
        }
        let mut walk = lock(&collection.walk);
        for name in collection.next_topics(self, &mut walk) {
            readable.extend(self.collect_from(&name, &subscription, collection));
        }
        if walk.is_done() {
            subscription.finish_collection();
        }
        walk.is_done()
    }

    fn collect_from(
        &mut self,
        name: &TopicName,
        subscription: &Arc<Subscription>,
        collection: &Collection,
    ) -> Option<Arc<Cursor>> {
        if !subscription.session.may_subscribe(name) {
            return None;
        }
        let start_options = collection.start_options;
        if !self.can_wait(start_options.start) {
            // Only an open topic can report that messages may be missing.
            self.open_dormant(name);
        }
        let has_room = self.has_room_for_cursor(subscription);
        let topic = self.topics.find_mut(name.as_str())?;
        if topic.has_cursor(subscription.id) {
            // The cursor exists: a publication to the topic created it, or it belongs to the subscription that this one
            // replaces.
            let is_replacing = subscription.generation > 0;
            let is_older = |entry: &SharedEntry| entry.position() <= collection.position;
            let has_older = topic.retained().is_some_and(is_older);
            return (is_replacing && has_older)
                .then(|| topic.take_over(subscription, subscription.id, start_options.retained))
                .flatten();
        }
        if topic.cursor_start(start_options).is_empty() {
            return None;
        }
        if !has_room {
            subscription.note_missed(name);
            return None;
        }
        topic.join(subscription, start_options)
    }
}

//! Publications to topics: each entry gets its position, is appended, and is announced to the cursors.

use std::sync::Arc;

use super::{
    AfterLock, PublishContext,
    admit::{Destination, Publisher},
};
use crate::{
    broker::Broker,
    broker::overdue::Overdue,
    journal::Journal,
    message::entry::Publication,
    outcome::{Outcome, PublishError, Published},
    policy::Policy,
    queue::Queue,
    sequence::{LastingPlaces, Sequencer},
    session::Readable,
    session::subscription::SkipReason,
    state::BrokerState,
    topic::Topic,
    topic::cursor::Cursor,
    topic::retained::RetainedIndex,
};

/// The topic to which a run of publications is appended.
struct TopicRun<'a> {
    topic: &'a mut Topic,
    sequencer: &'a mut Sequencer,
    retained_index: &'a mut RetainedIndex,
    /// Queues that the topic feeds through bindings with wildcards.
    queues: Vec<Arc<Queue>>,
    publisher: Publisher,
}

/// The reason why the rest of a run is not appended.
enum RunStop {
    Refused(PublishError),
    /// No memory is left for this publication.
    MemoryFull(Publication),
}

impl Broker {
    /// Appends a run of publications to one topic and announces them. Returns false if a publication was refused; the
    /// later ones are then still in `publications`.
    pub(super) fn append_to_topic(
        &self,
        state: &mut BrokerState,
        context: PublishContext<'_>,
        destination: Destination<'_>,
        publications: impl Iterator<Item = Publication>,
    ) -> bool {
        let PublishContext {
            publisher,
            outcome,
            after_lock,
            ..
        } = context;
        let name = destination.name.as_str();
        let mut publications = publications;
        // A publication for which room was made.
        let mut next = None;
        let mut was_created = false;
        let mut is_covered = false;
        let mut without_cursor = Vec::new();
        let error = loop {
            let Some(topic) = state.topics.find_mut(name) else {
                if was_created {
                    let left = next.into_iter().chain(publications);
                    self.count_undeliverable(state.sequencer.newest(), left, outcome);
                    return true;
                }
                was_created = true;
                match self.admit(state, destination) {
                    Ok(()) => continue,
                    Err(error) => break error,
                }
            };
            if !is_covered && state.wildcards.may_lack_cursors(topic) {
                without_cursor = state.add_missing_cursors(destination.name);
                is_covered = true;
                continue;
            }
            let queues = state.queues.fed_by(topic);
            let mut topic_run = TopicRun {
                topic,
                sequencer: &mut state.sequencer,
                retained_index: &mut state.retained_index,
                queues,
                publisher,
            };
            let before = topic_run.topic.log.end().sequence;
            let stopped = self.append_run(&mut topic_run, next.take(), &mut publications, outcome);
            let appended = topic_run.topic.log.end().sequence - before;
            for subscription in &without_cursor {
                topic_run.topic.account.dropped.add(appended);
                subscription.count_skipped(SkipReason::CursorLimit, appended);
            }
            self.announce(topic_run.topic, outcome, after_lock);
            state.ages.update(topic_run.topic);
            match stopped {
                None => return true,
                Some(RunStop::Refused(error)) => break error,
                Some(RunStop::MemoryFull(publication)) => {
                    if let Err(error) = self.make_room(state, destination, publication.size()) {
                        break error;
                    }
                    next = Some(publication);
                }
            }
        };
        outcome.results.push(Err(error));
        if let Some(topic) = state.topics.find_mut(name) {
            state.ages.update(topic);
        }
        false
    }

    /// Appends publications to a topic until one is refused or no memory is left. The caller has made room for `first`,
    /// so its size is not checked.
    fn append_run(
        &self,
        to: &mut TopicRun<'_>,
        first: Option<Publication>,
        rest: &mut impl Iterator<Item = Publication>,
        outcome: &mut Outcome,
    ) -> Option<RunStop> {
        let TopicRun {
            topic,
            sequencer,
            retained_index,
            queues,
            publisher,
        } = to;
        let subscriptions = topic.cursors().len() + topic.queues.len() + queues.len();
        let mut has_room = first.is_some();
        let policy = topic.policy.as_deref();
        let time_to_live_ms = policy.and_then(|policy| policy.time_to_live_ms);
        let mut stopped = None;
        let mut reservation = self.memory.reserve();
        for publication in first.into_iter().chain(rest) {
            let size = publication.size();
            if !self.is_within_memory(reservation.held(), size) && !std::mem::take(&mut has_room) {
                stopped = Some(RunStop::MemoryFull(publication));
                break;
            }
            has_room = false;
            if let Err(error) = self.check_fed_queues(topic, queues, &publication, *publisher) {
                stopped = Some(RunStop::Refused(error));
                break;
            }
            let places = match sequencer.journal() {
                Some(journal) => lasting_places(topic, queues, &publication, journal),
                None => LastingPlaces::default(),
            };
            if *publisher == Publisher::Client
                && let Err(error) = sequencer.check(&places, size)
            {
                stopped = Some(RunStop::Refused(error));
                break;
            }
            reservation.take(size);
            let is_retained = publication.is_retained();
            let position = sequencer.next();
            let publication = match places.is_in_history() {
                true => publication.in_history(),
                false => publication,
            };
            let publication = match time_to_live_ms {
                Some(ms) => publication.living_at_most(ms),
                None => publication,
            };
            let entry = publication.into_entry(position, topic.log.end(), &topic.account);
            let sequence_in_topic = entry.sequence();
            sequencer.record(&entry, &topic.account, &places, outcome);
            topic.append(entry, queues, &mut outcome.ready);
            if is_retained {
                topic.retain_last(retained_index);
                if topic.retained().is_none() {
                    sequencer.record_removed_retained(&topic.account, outcome);
                }
            }
            if !topic.account.is_own {
                self.published.add(size);
            }
            outcome.results.push(Ok(Published {
                id: self.id(position),
                sequence: sequence_in_topic,
                subscriptions,
            }));
        }
        reservation.settle();
        stopped
    }

    /// Announces the appended entries to the cursors, and collects the cursors with too much lag.
    fn announce(&self, topic: &mut Topic, outcome: &mut Outcome, after_lock: &mut AfterLock) {
        let limits = &self.limits;
        let (entries, bytes) = Policy::history(topic.policy.as_deref(), limits);
        topic.log.trim(entries, bytes, &mut after_lock.released);
        let end = topic.log.end();
        Cursor::fence_before_claims();
        for cursor in topic.cursors() {
            let session = &cursor.subscription.session;
            if cursor.claim() && session.push_readable(Readable::Cursor(Arc::clone(cursor))) {
                outcome.ready.sessions.push(Arc::clone(session));
            }
            if cursor.is_overdue(end, limits.lag()) {
                let cursor = Arc::clone(cursor);
                after_lock.overdue.push(Overdue { cursor, end });
            }
        }
    }
}

/// Returns the places of a message to a topic that survive a restart; `queues` are those that the topic feeds through
/// bindings with wildcards. A message to a durable topic, or for a lasting session, has a place in the topic's history.
fn lasting_places(
    topic: &Topic,
    queues: &[Arc<Queue>],
    publication: &Publication,
    journal: &Arc<dyn Journal>,
) -> LastingPlaces {
    let is_persistent = publication.is_persistent();
    let places = match is_persistent {
        true => {
            let fed = topic.queues.values().chain(queues);
            let fed = fed.filter(|queue| queue.wants(publication.entry()));
            LastingPlaces::in_queues(fed.filter_map(|queue| queue.journal_id()))
        }
        false => LastingPlaces::default(),
    };
    let history = || topic.account.history_id(|| journal.clone());
    let places = match topic.is_durable {
        true => places.and_history(history(), Some(topic.log.newest_position())),
        false if is_persistent && topic.has_lasting_session() => {
            places.and_history(history(), None)
        }
        false => places,
    };
    // A retained publication without a body removes the retained message: see `Topic::retain_last`.
    places.and_retained(publication.is_retained() && !publication.entry().body().is_empty())
}

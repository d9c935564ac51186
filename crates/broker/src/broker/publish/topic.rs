//! Publications to topics: each entry gets its position, is appended, and is announced to the cursors.

use std::sync::Arc;

use super::{
    Aftermath, Run,
    admit::{New, Rights},
};
use crate::{
    broker::Broker,
    broker::overdue::Overdue,
    message::entry::Publication,
    outcome::{Outcome, PublishError, Published},
    queue::Queue,
    sequence::Sequence,
    session::Readable,
    state::BrokerState,
    topic::Topic,
    topic::cursor::Cursor,
    topic::retained::Retentions,
};

/// The topic to which a run of publications is appended.
struct ToTopic<'a> {
    topic: &'a mut Topic,
    sequence: Sequence<'a>,
    retentions: &'a mut Retentions,
    /// Queues that the topic feeds through bindings with wildcards.
    queues: Vec<Arc<Queue>>,
    rights: Rights,
}

/// The reason why the rest of a run is not appended.
enum Stopped {
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
                    self.count_undeliverable(state.sequencer.newest(), left, outcome);
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

    /// Appends publications to a topic until one is refused or no memory is left. The caller has made room for `first`,
    /// so its size is not checked.
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

    /// Announces the appended entries to the cursors, and collects the cursors with too much lag.
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
}

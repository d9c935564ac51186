//! Publishing: under the lock a batch is admitted, appended and announced; after it the rules of those who
//! lie too far behind are applied.

use std::sync::Arc;

use crate::{
    broker::Broker,
    cursor::{Cursor, Overflow},
    entry::Publication,
    limits::Lag,
    log::{End, Released},
    name::TopicName,
    order::Order,
    outcome::{Outcome, PublishError, Published, Ready},
    sync::lock,
};

/// A cursor found too far behind the end its log had then.
struct Overdue {
    cursor: Arc<Cursor>,
    end: End,
}

/// What appending a run of publications to one topic needs besides the topic.
struct Run<'a> {
    broker: &'a Broker,
    results: &'a mut Vec<Result<Published, PublishError>>,
    released: &'a mut Released,
    ready: &'a mut Ready,
    overdue: &'a mut Vec<Overdue>,
}

impl Broker {
    /// Publishes a batch in its order, and clears it. `outcome` is overwritten.
    ///
    /// The broker has the messages when this returns, up to the first that it refuses: the results end with
    /// the refusal, and what is behind it is not taken. The caller owes the sessions in
    /// [`Outcome::ready`] a delivery.
    pub fn publish(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_where(batch, outcome, |name| !name.is_reserved());
    }

    /// Publishes to the broker's own topics.
    pub fn publish_reserved(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_where(batch, outcome, TopicName::is_reserved);
    }

    fn publish_where(
        &self,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
        allowed: impl Fn(&TopicName) -> bool,
    ) {
        outcome.clear();
        self.relieve(outcome);
        let mut released = Released::new();
        let mut overdue = Vec::new();
        let mut order = lock(&self.order);
        let mut publications = batch.drain(..).peekable();
        while let Some(first) = publications.next() {
            let name = first.topic().clone();
            let admitted = if allowed(&name) {
                self.admit(&mut order, &first)
            } else {
                Err(PublishError::Reserved(name.clone()))
            };
            if let Err(error) = admitted {
                outcome.results.push(Err(error));
                break;
            }
            let run = Run {
                broker: self,
                results: &mut outcome.results,
                released: &mut released,
                ready: &mut outcome.ready,
                overdue: &mut overdue,
            };
            let rest = std::iter::from_fn(|| publications.next_if(|next| *next.topic() == name));
            if !order.append(run, &name, std::iter::once(first).chain(rest)) {
                break;
            }
        }
        drop(publications);
        self.horizon.advance(order.position);
        drop(order);
        drop(released);
        self.horizon.schedule_early(&mut outcome.ready.sessions);
        self.count(&outcome.results);
        for Overdue { cursor, end } in overdue {
            self.settle(&cursor, end, self.limits.lag(), outcome);
        }
    }

    fn count(&self, results: &[Result<Published, PublishError>]) {
        let refused = results.iter().filter(|result| result.is_err()).count();
        self.refused.add(refused as u64);
    }

    /// Whether there is a topic for this publication, or may be one.
    fn admit(&self, order: &mut Order, publication: &Publication) -> Result<(), PublishError> {
        let name = publication.topic();
        if order.topics.find(name.as_str()).is_some() {
            return Ok(());
        }
        // A new topic has no history to reduce: there is room now, or there is none.
        self.check_memory(publication)?;
        order.admit(name, &self.limits)
    }

    fn check_memory(&self, publication: &Publication) -> Result<(), PublishError> {
        let held = self.memory.bytes();
        let limit = self.limits.memory_bytes;
        if held + publication.size() > limit {
            Err(PublishError::MemoryFull { held, limit })
        } else {
            Ok(())
        }
    }

    /// Where memory is nearly full: applies the rules of all who lie behind what their topics keep anyway,
    /// so that one who does not read does not use up everybody's room.
    ///
    /// It looks at every cursor, so it is not done again before a part of the memory was published anew.
    fn relieve(&self, outcome: &mut Outcome) {
        let limit = self.limits.memory_bytes;
        if self.memory.bytes() < limit - limit / RELIEF_PART {
            return;
        }
        let mut order = lock(&self.order);
        let published = self.published.bytes();
        if order
            .relieved
            .is_some_and(|then| published < then + limit / RELIEF_PART)
        {
            return;
        }
        order.relieved = Some(published);
        let mut lagging = Vec::new();
        order
            .topics
            .for_each(|topic| lagging.extend(topic.lagging()));
        drop(order);
        for (cursor, end, kept) in lagging {
            self.settle(&cursor, end, kept, outcome);
        }
    }

    /// Applies the rule of a cursor that was found further behind `end` than `allowed`.
    fn settle(&self, cursor: &Arc<Cursor>, end: End, allowed: Lag, outcome: &mut Outcome) {
        let session = &cursor.subscription.session;
        match cursor.subscription.overflow {
            _ if session.is_ended() => cursor.close(),
            Overflow::DropOldest | Overflow::Latest => cursor.skip(end, allowed),
            Overflow::Disconnect => {
                if session.end() {
                    self.disconnected.add(1);
                    outcome.ready.add_once(session);
                }
                cursor.close();
            }
            Overflow::Block => outcome.blocked.add(Arc::clone(cursor)),
        }
    }
}

impl Order {
    /// Appends a run of publications to one topic and announces them; false when one was refused, and the
    /// rest left.
    fn append(
        &mut self,
        run: Run<'_>,
        name: &TopicName,
        publications: impl Iterator<Item = Publication>,
    ) -> bool {
        let broker = run.broker;
        let limits = &broker.limits;
        let Some(topic) = self.topics.find_mut(name.as_str()) else {
            return false;
        };
        let mut is_whole = true;
        let subscriptions = topic.cursors().len();
        for publication in publications {
            if broker.check_memory(&publication).is_err() {
                topic.log.keep_last(run.released);
                // What can be had is needed now.
                run.released.clear();
            }
            if let Err(error) = broker.check_memory(&publication) {
                run.results.push(Err(error));
                is_whole = false;
                break;
            }
            self.position += 1;
            let size = publication.size();
            let sequence = topic.append(publication, self.position, &broker.memory);
            if !name.is_reserved() {
                broker.published.add(size);
            }
            run.results.push(Ok(Published {
                id: broker.id(self.position),
                sequence,
                subscriptions,
            }));
        }
        topic
            .log
            .trim(limits.history_entries, limits.history_bytes, run.released);
        let end = topic.log.end();
        Cursor::appended();
        for cursor in topic.cursors() {
            let session = &cursor.subscription.session;
            if cursor.claim() && session.queue(Arc::clone(cursor)) {
                run.ready.sessions.push(Arc::clone(session));
            }
            if cursor.is_overdue(end, limits.lag()) {
                let cursor = Arc::clone(cursor);
                run.overdue.push(Overdue { cursor, end });
            }
        }
        is_whole
    }
}

/// Memory is nearly full when all but this part of it is taken.
const RELIEF_PART: u64 = 8;

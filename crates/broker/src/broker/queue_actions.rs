//! Actions of an operator on the messages of a queue: move, copy, retry and delete; and the pause of its delivery.
//!
//! An operator walks over the messages that wait, in parts, and acts on each of them alone. So no lock is held for long, and
//! messages that consumers hold are left alone. A moved message is published to its destination and settled in its queue
//! in one transaction of the journal. If its destination refuses it, it stays in its place.

use std::sync::Arc;

use crate::{
    broker::Broker,
    broker::dead_letters::revived,
    broker::publish::Publisher,
    broker::republication::Republication,
    memory::share::Client,
    message::entry::{DestinationKind, Publication, SharedEntry},
    message::id::MessageId,
    name::{TopicName, is_temporary},
    outcome::{Outcome, PublishError},
    queue::{WaitingPart, WaitingWalk},
    sync::lock_state,
};

/// An action on a waiting message that publishes it to another destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAction {
    /// Publishes it to this destination, and removes it from its queue.
    Move(DestinationKind, TopicName),
    /// Publishes it to this destination; it stays in its queue.
    Copy(DestinationKind, TopicName),
    /// Publishes a dead letter to its original destination, without the headers about its failure, and removes it from its
    /// queue.
    Retry,
}

/// A request for an action on one message.
#[derive(Debug, Clone, Copy)]
pub struct ActionRequest<'a> {
    /// The action.
    pub action: &'a MessageAction,
    /// The client to which a new queue or topic is charged.
    pub client: &'a Arc<Client>,
    /// The time in Unix milliseconds.
    pub now_ms: u64,
}

/// The result of an action on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acted {
    /// The action was carried out: the id of the message at its destination.
    Done(MessageId),
    /// The message does not wait any more: a consumer has it, or it has left the queue.
    Gone,
}

/// The reason why an action was refused. The message stays in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The destination refuses the message.
    #[error("{0}")]
    Publish(#[from] PublishError),
    /// The destination is temporary.
    #[error("{0} is temporary: it belongs to a connection, and may end at any time")]
    Temporary(TopicName),
    /// The message is not a dead letter, whatever its headers say.
    #[error(
        "the message is not a dead letter of this broker, so its original destination is not known"
    )]
    NoOrigin,
}

impl Broker {
    /// Begins a walk over the messages that wait in a queue now, after a position; `only` are the positions of the wanted
    /// messages, `None` for all.
    #[must_use]
    pub fn walk_waiting(
        &self,
        name: &TopicName,
        after: u64,
        only: Option<Vec<u64>>,
    ) -> Option<WaitingWalk> {
        let state = lock_state(&self.state);
        let queue = Arc::clone(state.queues.named.find(name.as_str())?);
        Some(WaitingWalk::new(
            queue,
            after,
            state.sequencer.newest(),
            only,
        ))
    }

    /// Returns the next messages of a walk.
    pub fn next_waiting(&self, walk: &mut WaitingWalk) -> WaitingPart {
        walk.next_part()
    }

    /// Returns the positions of the next messages of a walk, at most `most`; none at the end. Nothing is read from the
    /// journal.
    pub fn next_positions(&self, walk: &mut WaitingWalk, most: usize) -> Vec<u64> {
        walk.next_positions(most)
    }

    /// Acts on a message that [`Broker::next_waiting`] has returned. The message at its destination is new: it has a new id,
    /// no deliveries, and at a topic the time of the request. `outcome` is extended, except for its results.
    ///
    /// # Errors
    /// The destination refuses the message; nothing is changed then.
    pub fn act(
        &self,
        walk: &WaitingWalk,
        entry: &SharedEntry,
        request: ActionRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<Acted, ActionError> {
        let ActionRequest {
            action,
            client,
            now_ms,
        } = request;
        let publication = action.publication(entry, now_ms)?;
        if is_temporary(publication.topic()) {
            return Err(ActionError::Temporary(publication.topic().clone()));
        }
        let queue = walk.queue();
        let mut sent = Outcome::default();
        if let MessageAction::Copy(..) = action {
            if !queue.has_waiting(entry.position()) {
                return Ok(Acted::Gone);
            }
            self.publish_for(client, &mut vec![publication], &mut sent);
            return acted(sent, outcome);
        }
        let Some(message) = queue.take_waiting(entry) else {
            return Ok(Acted::Gone);
        };
        let settle = || queue.record_settled(&message.entry);
        self.publish_replacement(Publisher::Client, client, publication, settle, &mut sent);
        let result = acted(sent, outcome);
        match &result {
            Ok(Acted::Done(_)) => queue.finish_taken(&message),
            Ok(Acted::Gone) | Err(_) => {
                queue.return_taken(message);
                queue.distribute_again(&mut outcome.ready);
            }
        }
        result
    }

    /// Deletes messages of a walk that still wait, at these positions, which are ascending; at most 1,000. Returns their
    /// number.
    pub fn delete_waiting(&self, walk: &WaitingWalk, positions: &[u64]) -> usize {
        walk.queue().delete_waiting(positions)
    }

    /// Pauses the delivery from a queue to its consumers, or lets it go on. Messages that consumers have already got stay
    /// theirs. `outcome` is extended. Returns `None` if there is no such queue.
    pub fn set_queue_paused(
        &self,
        name: &TopicName,
        is_paused: bool,
        outcome: &mut Outcome,
    ) -> Option<()> {
        let state = lock_state(&self.state);
        let queue = Arc::clone(state.queues.named.find(name.as_str())?);
        let has_changed = queue.set_paused(is_paused);
        drop(state);
        if has_changed && !is_paused {
            queue.distribute_again(&mut outcome.ready);
        }
        Some(())
    }
}

/// Returns the result of a publication, and adds its effects.
fn acted(mut sent: Outcome, outcome: &mut Outcome) -> Result<Acted, ActionError> {
    let result = sent.results.pop();
    outcome.add(sent);
    match result {
        Some(Err(error)) => Err(error.into()),
        Some(Ok(published)) => Ok(Acted::Done(published.id)),
        None => Ok(Acted::Gone),
    }
}

impl MessageAction {
    /// Returns the message for the destination.
    fn publication(&self, entry: &SharedEntry, now_ms: u64) -> Result<Publication, ActionError> {
        let (kind, name) = match self {
            Self::Retry => return revived(entry, now_ms).ok_or(ActionError::NoOrigin),
            Self::Move(kind, name) | Self::Copy(kind, name) => (*kind, name.clone()),
        };
        let message = Republication {
            entry,
            kind,
            name,
            timestamp_ms: match kind {
                DestinationKind::Queue => entry.timestamp_ms(),
                // The times of a topic's messages are in their order.
                DestinationKind::Topic => now_ms,
            },
        };
        let expires_ms = entry.expires_ms().unwrap_or(0);
        let publication = message.publication(|_| true, []).expiring(expires_ms);
        // A dead letter in another queue can still be retried.
        Ok(match (kind, entry.is_dead_letter()) {
            (DestinationKind::Queue, true) => publication.dead_letter(),
            _ => publication,
        })
    }
}

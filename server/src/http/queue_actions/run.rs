//! The work of one request: walks over the waiting messages in parts, and acts on those that match.
//!
//! The work ends early if the client closes its connection. Even then the published messages are delivered and the action is
//! in the audit log, because both happen when the work is dropped.

use std::{future::poll_fn, sync::Arc, time::Duration};

use access::Right;
use broker::{
    Acted, ActionRequest, MessageAction, Outcome, QueueFigures, SharedEntry, TopicName,
    WaitingPart, WaitingWalk,
};
use tokio::time::Instant;

use super::{
    Done, Verb,
    request::{Selected, Sender},
};
use crate::{
    clock,
    context::{durable, unblocked},
    fairness,
    http::{problem::Problem, publish::wait_for_rate},
};

/// A request that is carried out.
pub struct Run<'a> {
    sender: &'a Sender,
    verb: Verb,
    queue: &'a TopicName,
    /// The action; `None` if messages are deleted.
    action: Option<MessageAction>,
    selected: Selected,
    walk: WaitingWalk,
    /// The figures of the queue at the start.
    before: QueueFigures,
    deadline: Instant,
    outcome: Outcome,
    matched: u64,
    done: u64,
    /// The position of the newest message on which the action was carried out.
    newest_done: Option<u64>,
    examined: u64,
    examined_bytes: usize,
    /// The reason why it acts on no more messages.
    stopped: Option<String>,
    /// The reason why a message was left out, while others go on.
    left_out: Option<String>,
}

/// The result for one message.
enum Step {
    Done,
    /// It does not wait any more.
    Gone,
    /// It stays: its sender may not do this, or the request has come to its end.
    LeftOut,
}

impl<'a> Run<'a> {
    /// # Errors
    /// There is no such queue.
    pub(super) fn new(
        sender: &'a Sender,
        verb: Verb,
        queue: &'a TopicName,
        action: Option<MessageAction>,
        mut selected: Selected,
    ) -> Result<Self, Problem> {
        let broker = &sender.server.broker;
        let no_queue = || Problem::no_queue(queue);
        let before = broker.queue(queue).ok_or_else(no_queue)?;
        let only = selected.only.take();
        let is_whole = only.is_none();
        let walk = broker.walk_waiting(queue, selected.after, only);
        let mut run = Self {
            sender,
            verb,
            queue,
            action,
            selected,
            walk: walk.ok_or_else(no_queue)?,
            before,
            deadline: Instant::now() + MAX_TIME,
            outcome: Outcome::default(),
            matched: 0,
            done: 0,
            newest_done: None,
            examined: 0,
            examined_bytes: 0,
            stopped: None,
            left_out: None,
        };
        if is_whole && !run.needs_content() && run.selected.after == 0 {
            run.matched = run.before.waiting;
        }
        Ok(run)
    }

    /// Returns true if it depends on the content of a message whether it matches.
    fn needs_content(&self) -> bool {
        self.selected.selector.is_some() || self.action == Some(MessageAction::Retry)
    }

    /// Returns true if the number of messages that match is known without a search.
    fn is_count_known(&self) -> bool {
        self.matched > 0 && self.examined == 0
    }

    fn matches(&self, entry: &SharedEntry) -> bool {
        let selector = self.selected.selector.as_ref();
        selector.is_none_or(|selector| selector.matches(&**entry))
            && (self.action != Some(MessageAction::Retry) || entry.dead_letter_origin().is_some())
    }

    /// Returns the number of messages that match.
    pub async fn count(mut self) -> Done {
        let next = match (self.is_count_known(), self.needs_content()) {
            (true, _) => None,
            (false, false) => {
                self.count_positions().await;
                None
            }
            (false, true) => {
                let mut next = None;
                while let Some(entries) = self.next_part().await {
                    let matching = entries.iter().filter(|entry| self.matches(entry));
                    self.matched += matching.count() as u64;
                    next = self.place_of_break();
                    if next.is_some() {
                        break;
                    }
                }
                next
            }
        };
        Done {
            matched: self.matched,
            held: self.before.unacknowledged,
            next,
            ..Done::default()
        }
    }

    /// Carries out the action, and waits until the disk has confirmed it.
    pub async fn carry_out(mut self) -> Done {
        let is_count_known = self.is_count_known();
        let next = match (&self.action, self.needs_content()) {
            (None, false) => {
                self.delete_positions(is_count_known).await;
                None
            }
            _ => self.act_on_all(is_count_known).await,
        };
        let server = &self.sender.server;
        durable(&server.broker, self.outcome.owed.take()).await;
        if self.action.is_none() {
            server.background_context().wait_until_durable().await;
        }
        let remaining = self.matched.saturating_sub(self.done);
        Done {
            matched: self.matched.max(self.done),
            done: Some(self.done),
            remaining: Some(remaining),
            held: self.before.unacknowledged,
            next: self.place_to_continue(next, remaining),
            stopped: self.stopped.take().or(self.left_out.take()),
        }
    }

    /// Returns the id after which to continue. `next` is the end of what was examined, if that is not the whole queue;
    /// there may be messages before it that remain. Copied messages stay in the queue, and must not be copied again.
    fn place_to_continue(&self, next: Option<String>, remaining: u64) -> Option<String> {
        let must_continue = next.is_some() || matches!(self.action, Some(MessageAction::Copy(..)));
        match self.newest_done {
            Some(position) if must_continue && remaining > 0 => {
                Some(self.sender.server.broker.id(position).to_string())
            }
            _ => next,
        }
    }

    /// Acts on the messages that match, and counts the others. Returns the id after which to continue.
    async fn act_on_all(&mut self, is_count_known: bool) -> Option<String> {
        while let Some(entries) = self.next_part().await {
            for entry in &entries {
                if !self.matches(entry) {
                    continue;
                }
                self.matched += u64::from(!is_count_known);
                if !self.is_over() {
                    self.act_on(entry, is_count_known).await;
                }
            }
            self.carry_out_outcome().await;
            if self.is_over() && is_count_known {
                return None;
            }
            if let Some(next) = self.place_of_break() {
                return Some(next);
            }
        }
        self.note_end(is_count_known);
        None
    }

    /// Notes that all messages have been met: those of a known number that are missing went to consumers.
    fn note_end(&mut self, is_count_known: bool) {
        if is_count_known && !self.is_over() {
            self.matched = self.done;
        }
    }

    fn is_over(&self) -> bool {
        self.done >= self.selected.limit || self.stopped.is_some()
    }

    async fn act_on(&mut self, entry: &SharedEntry, is_count_known: bool) {
        let result = match self.action.clone() {
            None => Ok(self.delete(entry)),
            Some(action) => self.publish(entry, &action).await,
        };
        match result {
            Ok(Step::Done) => {
                self.done += 1;
                self.newest_done = Some(entry.position());
            }
            Ok(Step::Gone) => self.matched -= u64::from(!is_count_known),
            Ok(Step::LeftOut) => {}
            Err(reason) => self.stopped = Some(reason),
        }
    }

    fn delete(&self, entry: &SharedEntry) -> Step {
        let broker = &self.sender.server.broker;
        match broker.delete_waiting(&self.walk, &[entry.position()]) {
            0 => Step::Gone,
            _ => Step::Done,
        }
    }

    /// Publishes a message to its destination, with the rights and within the rate of the sender.
    ///
    /// # Errors
    /// The reason why this and the other messages stay.
    async fn publish(
        &mut self,
        entry: &SharedEntry,
        action: &MessageAction,
    ) -> Result<Step, String> {
        let Sender {
            server,
            rights,
            client,
        } = self.sender;
        if *action == MessageAction::Retry && !self.may_send_to_origin(entry) {
            return Ok(Step::LeftOut);
        }
        if let Some(account) = rights.principal().account() {
            if account.wait_time().is_some() {
                // Subscribers do not wait with this request.
                self.carry_out_outcome().await;
                if self.is_over() {
                    return Ok(Step::LeftOut);
                }
                wait_for_rate(account).await.map_err(Problem::into_detail)?;
            }
            let admitted = account.admit(1, entry.body().len());
            admitted.map_err(|exceeded| exceeded.to_string())?;
        }
        let result = {
            let permit = server.gate.pass();
            let _open = permit.ok_or("the server is stopping")?;
            let request = ActionRequest {
                action,
                client,
                now_ms: clock::unix_ms(),
            };
            server
                .broker
                .act(&self.walk, entry, request, &mut self.outcome)
        };
        match result.map_err(|error| error.to_string())? {
            Acted::Gone => Ok(Step::Gone),
            Acted::Done(_) => {
                if let Some(account) = rights.principal().account() {
                    account.count_published(1, entry.body().len() as u64);
                }
                Ok(Step::Done)
            }
        }
    }

    /// Returns whether the sender may publish to the original destination of a dead letter. Only the first missing right is
    /// reported.
    fn may_send_to_origin(&mut self, entry: &SharedEntry) -> bool {
        let Some((kind, origin)) = entry.dead_letter_origin() else {
            return false;
        };
        let (rights, right) = (&self.sender.rights, Right::to_publish(kind));
        if rights.principal().check(right, kind, &origin).is_ok() {
            return true;
        }
        if self.left_out.is_none() {
            let checked = rights.check(right, kind, &origin);
            self.left_out = checked.err().map(Problem::into_detail);
        }
        false
    }

    /// Delivers what was published, and waits for the disk and for subscribers if publishers have to.
    async fn carry_out_outcome(&mut self) {
        let server = &self.sender.server;
        server.carry_out(&mut self.outcome);
        if std::mem::take(&mut self.outcome.is_journal_full) {
            durable(&server.broker, self.outcome.owed).await;
        }
        let is_late = !unblocked(&server.broker, &mut self.outcome.blocked, self.deadline).await;
        if (is_late || Instant::now() >= self.deadline) && !self.is_over() {
            let seconds = MAX_TIME.as_secs();
            self.stopped = Some(format!("the request has taken {seconds} seconds"));
        }
        fairness::yield_if_due().await;
    }

    /// Returns the next messages, from memory or from the disk.
    async fn next_part(&mut self) -> Option<Vec<SharedEntry>> {
        let broker = Arc::clone(&self.sender.server.broker);
        let entries = match broker.next_waiting(&mut self.walk) {
            WaitingPart::End => return None,
            WaitingPart::Messages(entries) => entries,
            WaitingPart::Paged(mut paged) => poll_fn(|context| paged.poll(context.waker())).await,
        };
        self.examined += entries.len() as u64;
        self.examined_bytes += entries.iter().map(|one| one.body().len()).sum::<usize>();
        fairness::yield_if_due().await;
        Some(entries)
    }

    /// Returns the id after which to continue, if the request has examined enough messages.
    fn place_of_break(&self) -> Option<String> {
        let is_enough = self.examined >= MAX_EXAMINED || self.examined_bytes >= MAX_EXAMINED_BYTES;
        let broker = &self.sender.server.broker;
        is_enough.then(|| broker.id(self.walk.after()).to_string())
    }

    async fn count_positions(&mut self) {
        let broker = Arc::clone(&self.sender.server.broker);
        loop {
            let positions = broker.next_positions(&mut self.walk, POSITIONS_AT_ONCE);
            if positions.is_empty() {
                return;
            }
            self.matched += positions.len() as u64;
            fairness::yield_if_due().await;
        }
    }

    /// Deletes messages without reading their content.
    async fn delete_positions(&mut self, is_count_known: bool) {
        let broker = Arc::clone(&self.sender.server.broker);
        while self.done < self.selected.limit {
            let left = usize::try_from(self.selected.limit - self.done).unwrap_or(usize::MAX);
            let most = left.min(POSITIONS_AT_ONCE);
            let positions = broker.next_positions(&mut self.walk, most);
            if positions.is_empty() {
                return self.note_end(is_count_known);
            }
            let deleted = broker.delete_waiting(&self.walk, &positions) as u64;
            self.done += deleted;
            self.matched += if is_count_known { 0 } else { deleted };
            fairness::yield_if_due().await;
        }
        if !is_count_known {
            self.count_positions().await;
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.sender.server.carry_out(&mut self.outcome);
        if self.done > 0 {
            let (action, queue) = (self.verb.name(), self.queue.as_str());
            self.sender.rights.note_managed(action, queue);
        }
    }
}

/// Maximum time of a request, to which the last wait for the disk and for the rate of the user may add.
const MAX_TIME: Duration = Duration::from_secs(30);
/// Messages that a request examines, and the bytes of their bodies.
const MAX_EXAMINED: u64 = 100_000;
const MAX_EXAMINED_BYTES: usize = 64 << 20;
/// Messages that are counted or deleted while a queue is locked.
const POSITIONS_AT_ONCE: usize = 128;

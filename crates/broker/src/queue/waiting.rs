//! Waiting messages as an operator acts on them: found in parts, and taken out of the queue one by one.
//!
//! A message that a consumer holds is left alone. A message whose content is only in the journal is read for the caller;
//! it comes into memory when it is taken.

use std::sync::Arc;

use super::{Queue, Queued, browse::BrowseSlot, browse::PagedMessages, state::Waiting};
use crate::{message::entry::SharedEntry, message::scan_budget::Budget, outcome::Ready};

/// The progress of an operator through the messages that wait in a queue.
#[derive(Debug)]
pub struct WaitingWalk {
    queue: Arc<Queue>,
    /// The walk has passed the messages up to this position.
    after: u64,
    /// Messages after this position came later, and are left alone.
    until: u64,
    /// Only the messages at these positions, ascending; `None` for all.
    only: Option<Box<[u64]>>,
}

/// The next messages of a walk.
#[derive(Debug)]
pub enum WaitingPart {
    /// Messages in memory, oldest first.
    Messages(Vec<SharedEntry>),
    /// Messages on their way from the journal.
    Paged(PagedMessages),
    /// There are no more.
    End,
}

/// Neighbours that are all in memory, or all only in the journal.
#[derive(Default)]
struct Neighbours {
    entries: Vec<SharedEntry>,
    paged: Vec<u64>,
    last: Option<u64>,
}

impl WaitingWalk {
    /// Begins after a position. `only` are the positions of the wanted messages; `None` for all.
    pub(crate) fn new(queue: Arc<Queue>, after: u64, until: u64, only: Option<Vec<u64>>) -> Self {
        let only = only.map(|mut positions| {
            positions.sort_unstable();
            positions.dedup();
            positions.into()
        });
        Self {
            queue,
            after,
            until,
            only,
        }
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Returns the position up to which the walk has passed the messages.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Returns the position from which the walk continues. A client may begin after any position, also the greatest.
    fn next(&self) -> u64 {
        self.after.saturating_add(1)
    }

    /// Returns the next messages. Locks the queue for a part of them only.
    pub(crate) fn next_part(&mut self) -> WaitingPart {
        let mut state = self.queue.lock();
        let found = match &self.only {
            None => Neighbours::of(state.waiting_from(self.next()), self.until),
            Some(only) => {
                Neighbours::of(state.waiting_at_each(after(only, self.after)), self.until)
            }
        };
        let Some(last) = found.last else {
            return WaitingPart::End;
        };
        self.after = last;
        if found.paged.is_empty() {
            return WaitingPart::Messages(found.entries);
        }
        let slot = Arc::<BrowseSlot>::default();
        self.queue.load_for_caller(&mut state, found.paged, &slot);
        WaitingPart::Paged(PagedMessages::new(last, slot))
    }

    /// Returns the positions of the next messages, at most `most`; none at the end. Nothing is read from the journal.
    pub(crate) fn next_positions(&mut self, most: usize) -> Vec<u64> {
        let state = self.queue.lock();
        let until = self.until;
        let is_before_end = |position: &u64| *position <= until;
        let positions: Vec<u64> = match &self.only {
            None => {
                let waiting = state.waiting_from(self.next());
                let positions = waiting.map(|(position, _)| position);
                positions.take_while(is_before_end).take(most).collect()
            }
            Some(only) => {
                let waiting = state.waiting_at_each(after(only, self.after));
                let positions = waiting.map(|(position, _)| position);
                positions.take_while(is_before_end).take(most).collect()
            }
        };
        drop(state);
        self.after = positions.last().copied().unwrap_or(self.after);
        positions
    }
}

/// Returns the positions after one.
fn after(positions: &[u64], after: u64) -> &[u64] {
    &positions[positions.partition_point(|position| *position <= after)..]
}

impl Neighbours {
    fn of<'a>(waiting: impl Iterator<Item = (u64, Waiting<'a>)>, until: u64) -> Self {
        let mut found = Self::default();
        let mut bytes = 0;
        for (position, message) in waiting.take_while(|(position, _)| *position <= until) {
            bytes += match message {
                Waiting::InMemory(entry) => entry.size(),
                Waiting::Paged(bytes) => bytes,
            };
            let count = found.entries.len() + found.paged.len();
            if count > 0 && (count >= PART_MESSAGES || bytes > PART_BYTES) {
                break;
            }
            match message {
                Waiting::InMemory(entry) if found.paged.is_empty() => {
                    found.entries.push(SharedEntry::clone(entry));
                }
                Waiting::Paged(_) if found.entries.is_empty() => found.paged.push(position),
                Waiting::InMemory(_) | Waiting::Paged(_) => break,
            }
            found.last = Some(position);
        }
        found
    }
}

impl Queue {
    /// Returns true if a message waits.
    pub(crate) fn has_waiting(&self, position: u64) -> bool {
        let state = self.lock();
        state.waiting_at(position).is_some() || state.paged.get(position).is_some()
    }

    /// Takes a waiting message out of the queue, for which it still counts until [`Queue::finish_taken`] or
    /// [`Queue::return_taken`]. Returns `None` if it does not wait any more.
    pub(crate) fn take_waiting(&self, entry: &SharedEntry) -> Option<Queued> {
        let mut state = self.lock();
        self.bring_in(&mut state, entry);
        state.take(entry.position())
    }

    /// Puts a message that was taken back in its place. The caller distributes the messages of the queue.
    pub(crate) fn return_taken(self: &Arc<Self>, message: Queued) {
        self.lock().return_message(self, message);
        self.list_for_paging();
    }

    /// Notes that a message that was taken has another place now.
    pub(crate) fn finish_taken(&self, message: &Queued) {
        let mut state = self.lock();
        if message.missed.is_some() {
            state.note_gap_after(message.entry.position());
        }
        self.leave_store(&mut state, &message.entry);
        self.counts.moved.add(1);
    }

    /// Deletes waiting messages at these positions, which are ascending and not many. Returns their number.
    pub(crate) fn delete_waiting(&self, positions: &[u64]) -> usize {
        let mut state = self.lock();
        let (mut count, mut recorded) = (0, Vec::new());
        for position in positions.iter().copied() {
            let has_gap = match state.take(position) {
                Some(message) => {
                    self.leave_store(&mut state, &message.entry);
                    recorded.extend(message.entry.may_be_recorded().then_some(position));
                    message.missed.is_some()
                }
                None => match self.remove_paged(&mut state, position) {
                    Some(removed) => {
                        recorded.push(position);
                        removed.has_gap
                    }
                    None => continue,
                },
            };
            if has_gap {
                state.note_gap_after(position);
            }
            count += 1;
        }
        drop(state);
        self.record_positions_settled(recorded.into_iter());
        self.count_discarded(count as u64);
        count
    }

    /// Distributes the messages of the queue after some have returned, or its delivery goes on.
    pub(crate) fn distribute_again(self: &Arc<Self>, ready: &mut Ready) {
        self.distribute(&mut Budget::new(), ready);
    }
}

/// Bounds of a part; one message is always within them.
const PART_MESSAGES: usize = 128;
const PART_BYTES: u64 = 64 << 10;

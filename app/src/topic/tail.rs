//! The list of a topic's messages: the newest as they arrive, or an earlier part of the history. While the list is paused
//! messages are counted and the newest of them kept, so that the reader's place stays. Of long messages only the newest keep
//! their whole bodies. Pure; `topic::log` requests parts.

use std::{collections::VecDeque, sync::Arc};

use super::{entry::Entry, history::Part};

#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// By sequence, the newest last.
    lines: VecDeque<Line>,
    /// The newest of the messages that arrived while the list was paused.
    waiting: VecDeque<Arc<Entry>>,
    waiting_count: u64,
    is_paused: bool,
    /// True if messages that the broker has are missing after the last line.
    is_detached: bool,
    has_more_before: bool,
    /// The sequences between which the broker has examined the history; a selector may have left out the messages there.
    examined_from: Option<u64>,
    examined_to: Option<u64>,
    /// Messages that have arrived since the list began.
    received: u64,
    /// Messages that the broker has skipped because the page was slower than the topic.
    missed: u64,
    /// Messages of the history that the selector has left out.
    left_out: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Entry(Arc<Entry>),
    /// Messages that are not in the list, and their number.
    Gap(u64),
}

impl Line {
    pub fn entry(&self) -> Option<&Arc<Entry>> {
        match self {
            Self::Entry(entry) => Some(entry),
            Self::Gap(_) => None,
        }
    }
}

impl Tail {
    /// Starts with a part of the history. A part with the newest messages is continued by those that arrive.
    pub fn begin(&mut self, part: Part) {
        let waiting = std::mem::take(&mut self.waiting);
        let was_paused = self.is_paused;
        *self = Self {
            is_paused: was_paused,
            is_detached: part.has_more_after,
            has_more_before: part.has_more_before,
            examined_from: part.from,
            examined_to: part.to,
            left_out: part.left_out,
            received: self.received,
            missed: self.missed,
            ..Self::default()
        };
        let newest = part.entries.last().map_or(0, |entry| entry.sequence);
        self.lines.extend(part.entries.into_iter().map(Line::Entry));
        let waiting = waiting.into_iter().filter(|entry| entry.sequence > newest);
        match self.is_detached || self.is_paused {
            true => {
                self.waiting.extend(waiting);
                self.waiting_count = self.waiting.len() as u64;
            }
            false => self.lines.extend(waiting.map(Line::Entry)),
        }
        self.drop_oldest();
        self.cut_bodies(Side::Oldest);
    }

    /// Takes messages that have arrived, in order. `missed` is the number that the broker has skipped before them.
    pub fn take(&mut self, entries: impl ExactSizeIterator<Item = Arc<Entry>>, missed: u64) {
        let count = entries.len();
        self.received += count as u64;
        self.missed += missed;
        // Those that would be dropped at once are only counted.
        let surplus = count.saturating_sub(MOST_LINES);
        let kept = entries.skip(surplus);
        if self.is_paused || self.is_detached {
            self.waiting_count += count as u64 + missed;
            self.waiting.extend(kept);
            let surplus = self.waiting.len().saturating_sub(MOST_LINES);
            self.waiting.drain(..surplus);
            // The reader looks at the lines, and at these messages later.
            cut(self.waiting.iter_mut(), MOST_BODY_BYTES);
            return;
        }
        if missed > 0 {
            self.lines.push_back(Line::Gap(missed));
        }
        if surplus > 0 {
            self.lines.clear();
        }
        self.lines.extend(kept.map(Line::Entry));
        self.drop_oldest();
        self.cut_bodies(Side::Oldest);
    }

    /// Keeps the list as it is until [`resume`](Self::resume).
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Shows the messages that arrived meanwhile. Returns false if the list ends at an earlier part of the history: the newest
    /// part must be requested first, and given to [`begin`](Self::begin).
    pub fn resume(&mut self) -> bool {
        self.is_paused = false;
        if self.is_detached {
            return false;
        }
        let not_kept = self.waiting_count - self.waiting.len() as u64;
        if not_kept > 0 {
            self.lines.push_back(Line::Gap(not_kept));
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.lines.extend(waiting.into_iter().map(Line::Entry));
        self.waiting_count = 0;
        self.drop_oldest();
        self.cut_bodies(Side::Oldest);
        true
    }

    /// Takes the messages before the first line. Returns the number of lines that were removed at the end to make room; the
    /// list is then detached.
    pub fn take_older(&mut self, part: Part) -> usize {
        self.has_more_before = part.has_more_before;
        self.examined_from = part.from.or(self.examined_from);
        self.left_out += part.left_out;
        let first = self.first_sequence().unwrap_or(u64::MAX);
        for entry in part.entries.into_iter().rev() {
            if entry.sequence < first {
                self.lines.push_front(Line::Entry(entry));
            }
        }
        let surplus = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.truncate(MOST_LINES);
        if surplus > 0 {
            self.is_detached = true;
            self.examined_to = self.last_sequence();
        }
        self.cut_bodies(Side::Newest);
        surplus
    }

    /// Takes the messages after the last line of a detached list.
    pub fn take_newer(&mut self, part: Part) {
        self.examined_to = part.to.or(self.examined_to);
        self.left_out += part.left_out;
        let last = self.last_sequence().unwrap_or(0);
        let entries = part.entries.into_iter();
        let new = entries.filter(|entry| entry.sequence > last);
        self.lines.extend(new.map(Line::Entry));
        self.is_detached = part.has_more_after;
        if !self.is_detached {
            let last = self.last_sequence().unwrap_or(0);
            self.waiting.retain(|entry| entry.sequence > last);
            self.waiting_count = self.waiting.len() as u64;
        }
        self.drop_oldest();
        self.cut_bodies(Side::Oldest);
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }

    pub fn line(&self, index: usize) -> Option<&Line> {
        self.lines.get(index)
    }

    /// Returns the index of a message by its id.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        let is_found = |line: &Line| line.entry().is_some_and(|entry| entry.id == id);
        self.lines.iter().position(is_found)
    }

    pub fn first_sequence(&self) -> Option<u64> {
        let mut entries = self.lines.iter().filter_map(Line::entry);
        entries.next().map(|entry| entry.sequence)
    }

    pub fn last_sequence(&self) -> Option<u64> {
        let mut entries = self.lines.iter().rev().filter_map(Line::entry);
        entries.next().map(|entry| entry.sequence)
    }

    /// Returns the sequence before which an earlier part ends.
    pub fn first_examined(&self) -> Option<u64> {
        let examined = self.examined_from.into_iter();
        examined.chain(self.first_sequence()).min()
    }

    /// Returns the sequence after which a later part begins.
    pub fn last_examined(&self) -> Option<u64> {
        let examined = self.examined_to.into_iter();
        examined.chain(self.last_sequence()).max()
    }

    /// Returns the id of the newest message, after which a subscription starts.
    pub fn newest_id(&self) -> Option<&str> {
        let waiting = self.waiting.back();
        let listed = || self.lines.iter().rev().find_map(Line::entry);
        waiting.or_else(listed).map(|entry| &*entry.id)
    }

    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub fn is_detached(&self) -> bool {
        self.is_detached
    }

    pub fn has_more_before(&self) -> bool {
        self.has_more_before
    }

    /// Returns the number of messages that arrived while the list was paused.
    pub fn waiting(&self) -> u64 {
        self.waiting_count
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn missed(&self) -> u64 {
        self.missed
    }

    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn drop_oldest(&mut self) {
        let surplus = self.lines.len().saturating_sub(MOST_LINES);
        if surplus > 0 {
            self.lines.drain(..surplus);
            self.has_more_before = true;
            self.examined_from = self.first_sequence();
        }
    }
}

impl Tail {
    /// Cuts the bodies of messages on one side of the list, so that those on the other side, where the reader is, stay whole.
    fn cut_bodies(&mut self, side: Side) {
        let entries = self.lines.iter_mut().filter_map(|line| match line {
            Line::Entry(entry) => Some(entry),
            Line::Gap(_) => None,
        });
        match side {
            Side::Oldest => cut(entries, MOST_BODY_BYTES),
            Side::Newest => cut(entries.rev(), MOST_BODY_BYTES),
        }
    }
}

/// Cuts the first of these messages that are long, until the bodies of all have at most `most` bytes, or until all long ones
/// are cut.
fn cut<'e>(entries: impl DoubleEndedIterator<Item = &'e mut Arc<Entry>>, most: usize) {
    let mut entries: Vec<_> = entries.collect();
    let sizes = entries.iter().map(|entry| entry.body.bytes().len());
    let mut surplus = sizes.sum::<usize>().saturating_sub(most);
    for entry in &mut entries {
        if surplus == 0 {
            break;
        }
        if entry.can_be_cut() {
            let short = entry.cut();
            let gain = entry.body.bytes().len() - short.body.bytes().len();
            surplus = surplus.saturating_sub(gain);
            **entry = Arc::new(short);
        }
    }
}

/// A side of the list.
#[derive(Clone, Copy, Debug)]
enum Side {
    Oldest,
    Newest,
}

/// Maximum number of lines, and of messages that wait.
pub const MOST_LINES: usize = 5_000;
/// Bytes of the bodies of all lines, and of all messages that wait; above it long bodies are cut, and requested again when a
/// reader opens their message.
const MOST_BODY_BYTES: usize = 16 << 20;

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;

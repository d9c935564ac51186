//! Packet identifiers in order of use, each with a value.
//!
//! Identifiers are assigned one after another, so those in use form a ring that starts at the
//! oldest, and an identifier determines its index. Freed slots are removed from the front. A freed
//! slot after an older one in use remains as a gap until the older one is freed.

use std::collections::VecDeque;

use super::super::PacketId;

/// A packet of the peer has an identifier that is not in use, or not in use for this purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packet identifier {} is not in use", .0.get())]
pub struct Unknown(pub PacketId);

#[derive(Clone, Debug)]
pub(crate) struct Slots<S> {
    /// `None` is a gap; the front is never a gap.
    slots: VecDeque<Option<S>>,
    /// The identifier of the front slot, or the next identifier if there is none.
    first: PacketId,
}

/// The number of packet identifiers: two bytes, without 0.
const IDS: usize = u16::MAX as usize;

impl<S> Slots<S> {
    /// The maximum number of slots: all identifiers.
    pub(super) const MAXIMUM: usize = IDS;

    pub(super) const fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            first: PacketId::FIRST,
        }
    }

    /// Returns the number of slots, including gaps.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Assigns the next identifier. The caller ensures that there are fewer than
    /// [`MAXIMUM`](Self::MAXIMUM) slots.
    #[inline]
    pub(super) fn push(&mut self, slot: S) -> PacketId {
        let id = self.id(self.slots.len());
        self.slots.push_back(Some(slot));
        id
    }

    /// Adds an identifier of an earlier run after all others. Does nothing if it does not come after them.
    pub(super) fn restore(&mut self, id: PacketId, slot: S) -> bool {
        if self.slots.is_empty() {
            self.first = id;
        }
        let index = (usize::from(id.get()) + IDS - usize::from(self.first.get())) % IDS;
        if index < self.slots.len() {
            return false;
        }
        self.slots.resize_with(index, || None);
        self.slots.push_back(Some(slot));
        true
    }

    /// Returns the index and the value of an identifier in use.
    #[inline]
    pub(super) fn find(&mut self, id: PacketId) -> Result<(usize, &mut S), Unknown> {
        let (id_index, first) = (usize::from(id.get()), usize::from(self.first.get()));
        let index = (id_index + IDS - first) % IDS;
        match self.slots.get_mut(index) {
            Some(Some(slot)) => Ok((index, slot)),
            _ => Err(Unknown(id)),
        }
    }

    /// Frees an identifier. Returns its value and the number of slots removed at the front.
    #[inline]
    pub(super) fn free(&mut self, index: usize) -> (Option<S>, usize) {
        let slot = self.slots.get_mut(index).and_then(Option::take);
        let mut popped = 0;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            popped += 1;
        }
        self.first = after(self.first, popped);
        (slot, popped)
    }

    /// Returns the identifier and the value at an index, or None for a gap.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<(PacketId, &S)> {
        let slot = self.slots.get(index)?.as_ref()?;
        Some((self.id(index), slot))
    }

    /// Iterates in order of use.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PacketId, &S)> {
        (0..self.slots.len()).filter_map(|index| self.get(index))
    }

    pub(super) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
    }

    #[inline]
    fn id(&self, index: usize) -> PacketId {
        after(self.first, index)
    }
}

/// Counts identifiers; 1 follows 65,535.
#[inline]
fn after(id: PacketId, count: usize) -> PacketId {
    let number = (usize::from(id.get()) - 1 + count) % IDS + 1;
    // The number is between 1 and 65,535.
    PacketId::new(number as u16).unwrap_or(PacketId::FIRST)
}

//! Packet identifiers in the order of their use, each with what it stands for.
//!
//! They are given out one after another, so those in use lie in a ring behind the oldest of them, and
//! an identifier tells its place. What is done with is taken from the front; behind an older one it
//! leaves a gap until that is done with.

use std::collections::VecDeque;

use super::super::PacketId;

/// The peer speaks of a packet identifier that is not in use, or not for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packet identifier {} is not in use", .0.get())]
pub struct Unknown(pub PacketId);

#[derive(Clone, Debug)]
pub struct Slots<S> {
    /// `None` is a gap; there is none at the front.
    slots: VecDeque<Option<S>>,
    /// That of the front, or the next to be given out.
    first: PacketId,
}

/// "Packet Identifier": two bytes, without 0.
const IDS: usize = u16::MAX as usize;

impl<S> Slots<S> {
    /// As many as can be told apart.
    pub(super) const MAXIMUM: usize = IDS;

    pub(super) const fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            first: PacketId::FIRST,
        }
    }

    /// Gaps count.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Gives out the next identifier. The caller sees to it that there are less than
    /// [`MAXIMUM`](Self::MAXIMUM).
    #[inline]
    pub(super) fn push(&mut self, slot: S) -> PacketId {
        let id = self.id(self.slots.len());
        self.slots.push_back(Some(slot));
        id
    }

    /// The place of an identifier in use, and what it stands for.
    #[inline]
    pub(super) fn find(&mut self, id: PacketId) -> Result<(usize, &mut S), Unknown> {
        let (id_index, first) = (usize::from(id.get()), usize::from(self.first.get()));
        let index = (id_index + IDS - first) % IDS;
        match self.slots.get_mut(index) {
            Some(Some(slot)) => Ok((index, slot)),
            _ => Err(Unknown(id)),
        }
    }

    /// Ends the use of an identifier. Tells how many places went away at the front.
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

    /// What is at a place, unless it is a gap.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<(PacketId, &S)> {
        let slot = self.slots.get(index)?.as_ref()?;
        Some((self.id(index), slot))
    }

    /// In the order of use.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PacketId, &S)> {
        (0..self.slots.len()).filter_map(|index| self.get(index))
    }

    /// Ends the use of all identifiers, but goes on counting where it was.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = S> {
        self.first = after(self.first, self.slots.len());
        self.slots.drain(..).flatten()
    }

    pub(super) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
    }

    #[inline]
    fn id(&self, index: usize) -> PacketId {
        after(self.first, index)
    }
}

/// From 65,535 it goes on with 1.
#[inline]
fn after(id: PacketId, count: usize) -> PacketId {
    let number = (usize::from(id.get()) - 1 + count) % IDS + 1;
    // It is between 1 and 65,535.
    PacketId::new(number as u16).unwrap_or(PacketId::FIRST)
}

//! The branches of one node of a [`LevelTree`](crate::LevelTree), by level.
//!
//! Most nodes have one or two; a few have a hundred thousand. Few are kept in a list, which is smaller than
//! a table and found through as fast; many in a table.

use std::collections::HashMap;

#[derive(Debug)]
#[expect(
    clippy::box_collection,
    reason = "a node with a list stays as small as the list"
)]
pub(crate) enum Children<N> {
    Few(Vec<(Box<str>, N)>),
    Many(Box<HashMap<Box<str>, N>>),
}

/// The longest list.
const FEW: usize = 6;

impl<N> Children<N> {
    pub(crate) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(table) => table.is_empty(),
        }
    }

    pub(crate) fn find(&self, level: &str) -> Option<&N> {
        match self {
            Self::Few(list) => list
                .iter()
                .find(|(own, _)| **own == *level)
                .map(|(_, node)| node),
            Self::Many(table) => table.get(level),
        }
    }

    pub(crate) fn find_mut(&mut self, level: &str) -> Option<&mut N> {
        match self {
            Self::Few(list) => list
                .iter_mut()
                .find(|(own, _)| **own == *level)
                .map(|(_, node)| node),
            Self::Many(table) => table.get_mut(level),
        }
    }

    /// Adds a level that is not there yet.
    pub(crate) fn insert(&mut self, level: &str, node: N) {
        match self {
            Self::Few(list) if list.len() < FEW => {
                if list.is_empty() {
                    list.reserve_exact(1);
                }
                list.push((level.into(), node));
            }
            Self::Few(list) => {
                let mut table: HashMap<_, _> = list.drain(..).collect();
                table.insert(level.into(), node);
                *self = Self::Many(Box::new(table));
            }
            Self::Many(table) => {
                table.insert(level.into(), node);
            }
        }
    }

    pub(crate) fn remove(&mut self, level: &str) {
        match self {
            Self::Few(list) => {
                list.retain(|(own, _)| **own != *level);
                if list.is_empty() {
                    *self = Self::new();
                }
            }
            Self::Many(table) => {
                table.remove(level);
                // Half of what made it a table, so that one level coming and going does not move all.
                if table.len() <= FEW / 2 {
                    *self = Self::Few(table.drain().collect());
                } else if table.len() < table.capacity() / 4 {
                    table.shrink_to_fit();
                }
            }
        }
    }

    pub(crate) fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a N)) {
        match self {
            Self::Few(list) => list.iter().for_each(|(_, node)| visit(node)),
            Self::Many(table) => table.values().for_each(visit),
        }
    }

    pub(crate) fn for_each_mut<'a>(&'a mut self, mut visit: impl FnMut(&'a str, &'a mut N)) {
        match self {
            Self::Few(list) => list.iter_mut().for_each(|(level, node)| visit(level, node)),
            Self::Many(table) => table
                .iter_mut()
                .for_each(|(level, node)| visit(level, node)),
        }
    }
}

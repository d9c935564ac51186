//! The branches of one node of a [`LevelTree`](crate::LevelTree), by level.
//!
//! Most nodes have no branch or one; a few have a hundred thousand. A few branches are kept in a list, which is smaller
//! than a table and as fast; many are kept in a table.

use std::collections::HashMap;

use crate::name::short_bytes::ShortBytes;

#[derive(Debug)]
#[expect(
    clippy::box_collection,
    reason = "a node with a list stays as small as the list"
)]
pub(crate) enum Children<N> {
    /// Allocated exactly: lists are short, and there are many of them.
    OneOrMany(Box<[(ShortBytes, N)]>),
    Many(Box<HashMap<ShortBytes, N>>),
}

/// Maximum length of a list.
const FEW: usize = 6;

impl<N> Children<N> {
    pub(crate) fn new() -> Self {
        Self::OneOrMany(Box::default())
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::OneOrMany(list) => list.is_empty(),
            Self::Many(table) => table.is_empty(),
        }
    }

    /// Takes out the only branch, if there is exactly one.
    pub(crate) fn take_only(&mut self) -> Option<(ShortBytes, N)> {
        match self {
            // A table becomes a list long before it has only one branch left.
            Self::OneOrMany(list) if list.len() == 1 => std::mem::take(list).into_iter().next(),
            Self::OneOrMany(_) | Self::Many(_) => None,
        }
    }

    pub(crate) fn find(&self, level: &str) -> Option<&N> {
        match self {
            Self::OneOrMany(list) => list
                .iter()
                .find(|(own, _)| own.as_bytes() == level.as_bytes())
                .map(|(_, node)| node),
            Self::Many(table) => table.get(level.as_bytes()),
        }
    }

    pub(crate) fn find_mut(&mut self, level: &str) -> Option<&mut N> {
        match self {
            Self::OneOrMany(list) => list
                .iter_mut()
                .find(|(own, _)| own.as_bytes() == level.as_bytes())
                .map(|(_, node)| node),
            Self::Many(table) => table.get_mut(level.as_bytes()),
        }
    }

    /// Adds a level that does not exist yet.
    pub(crate) fn insert(&mut self, level: &[u8], node: N) {
        let level = ShortBytes::from(level);
        match self {
            Self::OneOrMany(list) => {
                let list = std::mem::take(list).into_vec();
                *self = Self::longer(list, (level, node));
            }
            Self::Many(table) => {
                table.insert(level, node);
            }
        }
    }

    fn longer(mut list: Vec<(ShortBytes, N)>, branch: (ShortBytes, N)) -> Self {
        if list.len() < FEW {
            list.reserve_exact(1);
            list.push(branch);
            Self::OneOrMany(list.into())
        } else {
            Self::Many(Box::new(list.into_iter().chain([branch]).collect()))
        }
    }

    pub(crate) fn remove(&mut self, level: &str) {
        match self {
            Self::OneOrMany(list) => {
                let mut others = std::mem::take(list).into_vec();
                others.retain(|(own, _)| own.as_bytes() != level.as_bytes());
                *list = others.into();
            }
            Self::Many(table) => {
                table.remove(level.as_bytes());
                // Half of the length at which a list becomes a table, so that adding and removing one level does not
                // convert each time.
                if table.len() <= FEW / 2 {
                    *self = Self::OneOrMany(table.drain().collect());
                } else if table.len() < table.capacity() / 4 {
                    table.shrink_to_fit();
                }
            }
        }
    }

    pub(crate) fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a N)) {
        match self {
            Self::OneOrMany(list) => list.iter().for_each(|(_, node)| visit(node)),
            Self::Many(table) => table.values().for_each(visit),
        }
    }

    pub(crate) fn for_each_mut<'a>(&'a mut self, mut visit: impl FnMut(&'a [u8], &'a mut N)) {
        match self {
            Self::OneOrMany(list) => list
                .iter_mut()
                .for_each(|(level, node)| visit(level.as_bytes(), node)),
            Self::Many(table) => table
                .iter_mut()
                .for_each(|(level, node)| visit(level.as_bytes(), node)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_have_the_size_of_two_words() {
        assert_eq!(size_of::<Children<u64>>(), 2 * size_of::<u64>());
    }
}

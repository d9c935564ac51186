//! A tree of levels in which the cost of a search depends on the matches, not on the size.
//!
//! It serves two tables: wildcard filters, searched with a name; and topics, searched with a filter.
//!
//! A node stands for one or more levels: consecutive levels without branches and values are stored together as the
//! node's tail. So a name costs its bytes and one or two nodes, however deep it is.

use crate::name::children::Children;
use crate::name::short_bytes::ShortBytes;
use crate::name::{TopicFilter, TopicName, Unlisted};

/// Values by dotted path. The paths are topic names or topic filters. For the tree itself wildcards are ordinary
/// levels; the two `for_each` searches interpret them.
#[derive(Debug)]
pub struct LevelTree<T> {
    root: Node<T>,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    /// The levels after the one by which the parent identifies the node, joined by `.`; empty if there are none. The
    /// value and the children are at the end of the tail.
    tail: ShortBytes,
    value: Option<T>,
    children: Children<Node<T>>,
}

impl<T> LevelTree<T> {
    /// Returns an empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self {
            root: Node::new(&[]),
            len: 0,
        }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the tree has no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the value at exactly `path`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&T> {
        let mut node = &self.root;
        let mut rest = Some(path);
        while let Some(path) = rest {
            let (level, after) = first_level(path);
            node = node.children.find(level)?;
            rest = node.behind_tail(after)?;
        }
        node.value.as_ref()
    }

    /// Returns the value at exactly `path`, mutably.
    pub fn find_mut(&mut self, path: &str) -> Option<&mut T> {
        let mut node = &mut self.root;
        let mut rest = Some(path);
        while let Some(path) = rest {
            let (level, after) = first_level(path);
            node = node.children.find_mut(level)?;
            rest = node.behind_tail(after)?;
        }
        node.value.as_mut()
    }

    /// Returns the value at `path`, created by `new` if there is none.
    pub fn find_or_insert_with(&mut self, path: &str, new: impl FnOnce() -> T) -> &mut T {
        let mut node = &mut self.root;
        let mut rest = Some(path);
        while let Some(path) = rest {
            let (level, after) = first_level(path);
            if node.children.find(level).is_none() {
                let tail = after.unwrap_or_default().as_bytes();
                node.children.insert(level.as_bytes(), Node::new(tail));
            }
            node = node
                .children
                .find_mut(level)
                .expect("it was just put there");
            node.split_where_it_differs(after);
            rest = node.behind_tail(after).expect("the tail was split");
        }
        if node.value.is_none() {
            self.len += 1;
        }
        node.value.get_or_insert_with(new)
    }

    /// Removes the value at `path`, and every branch that becomes empty.
    pub fn remove(&mut self, path: &str) -> Option<T> {
        let value = self.root.remove(Some(path))?;
        self.len -= 1;
        Some(value)
    }

    /// Visits every value, in no particular order.
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a T)) {
        self.root.for_each(&mut visit);
    }

    /// For a tree of filters: visits the values of those that match `name`.
    pub fn for_each_covering<'a>(&'a self, name: &TopicName, mut visit: impl FnMut(&'a T)) {
        let wildcards = !name.is_unlisted();
        self.root
            .for_each_covering(Some(name.as_str()), wildcards, &mut visit);
    }

    /// For a tree of names: visits the values of those that `filter` matches.
    pub fn for_each_covered<'a>(
        &'a mut self,
        filter: &TopicFilter,
        mut visit: impl FnMut(&'a mut T),
    ) {
        self.root
            .for_each_covered(Some(filter.as_str()), Unlisted::Own, &mut visit);
    }
}

impl<T> Default for LevelTree<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Node<T> {
    fn new(tail: &[u8]) -> Self {
        Self {
            tail: tail.into(),
            value: None,
            children: Children::new(),
        }
    }

    /// Returns what follows the tail in a path that goes on with `path` at this node, or `None` if the path has
    /// other levels there.
    fn behind_tail<'p>(&self, path: Option<&'p str>) -> Option<Option<&'p str>> {
        let tail = self.tail.as_bytes();
        if tail.is_empty() {
            return Some(path);
        }
        let path = path?;
        let rest = path.as_bytes().strip_prefix(tail)?;
        match rest.first() {
            None => Some(None),
            // A separator is a single byte, so the rest is valid text.
            Some(b'.') => Some(path.get(tail.len() + 1..)),
            Some(_) => None,
        }
    }

    /// Splits the tail where a path that continues with `path` differs from it.
    fn split_where_it_differs(&mut self, path: Option<&str>) {
        let tail = self.tail.as_bytes();
        let common = common_levels(tail, path.unwrap_or_default().as_bytes());
        if common == tail.len() {
            return;
        }
        let behind = if common == 0 { 0 } else { common + 1 };
        let (level, rest) = first_of_tail(&tail[behind..]);
        let below = Self {
            tail: rest.into(),
            value: self.value.take(),
            children: std::mem::replace(&mut self.children, Children::new()),
        };
        self.children.insert(level, below);
        self.tail = tail[..common].into();
    }

    /// Merges the only child into this node, if there is no value here and no other branch.
    fn merge(&mut self) {
        if self.value.is_some() {
            return;
        }
        let Some((level, child)) = self.children.take_only() else {
            return;
        };
        let parts = [
            self.tail.as_bytes(),
            level.as_bytes(),
            child.tail.as_bytes(),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.tail = parts.join(&b'.')[..].into();
        self.value = child.value;
        self.children = child.children;
    }

    fn remove(&mut self, path: Option<&str>) -> Option<T> {
        let Some(path) = path else {
            return self.value.take();
        };
        let (level, after) = first_level(path);
        let child = self.children.find_mut(level)?;
        let rest = child.behind_tail(after)?;
        let value = child.remove(rest)?;
        if child.value.is_none() && child.children.is_empty() {
            self.children.remove(level);
        } else {
            child.merge();
        }
        Some(value)
    }

    fn for_each<'a>(&'a self, visit: &mut impl FnMut(&'a T)) {
        self.value.iter().for_each(&mut *visit);
        self.children.for_each(|child| child.for_each(visit));
    }

    fn for_each_mut<'a>(&'a mut self, visit: &mut impl FnMut(&'a mut T)) {
        self.value.iter_mut().for_each(&mut *visit);
        self.children
            .for_each_mut(|_, child| child.for_each_mut(visit));
    }

    /// Starts at the end of the node's tail; `path` is the rest of the name.
    fn for_each_covering<'a>(
        &'a self,
        path: Option<&str>,
        wildcards: bool,
        visit: &mut impl FnMut(&'a T),
    ) {
        if wildcards && let Some(rest) = self.children.find(">") {
            rest.value.iter().for_each(&mut *visit);
        }
        let Some(path) = path else {
            self.value.iter().for_each(visit);
            return;
        };
        let (level, rest) = first_level(path);
        if let Some(child) = self.children.find(level) {
            child.enter_covering(rest, visit);
        }
        if wildcards && let Some(child) = self.children.find("*") {
            child.enter_covering(rest, visit);
        }
    }

    /// Starts at the beginning of the node's tail, which is part of a filter.
    fn enter_covering<'a>(&'a self, path: Option<&str>, visit: &mut impl FnMut(&'a T)) {
        match covering_tail(self.tail.as_bytes(), path) {
            Tail::Differs => {}
            Tail::HasAll => self.value.iter().for_each(visit),
            Tail::Matches(rest) => self.for_each_covering(rest, true, visit),
        }
    }

    /// Starts at the end of the node's tail; `filter` is the rest of the filter.
    fn for_each_covered<'a>(
        &'a mut self,
        filter: Option<&str>,
        unlisted: Unlisted,
        visit: &mut impl FnMut(&'a mut T),
    ) {
        let Some(filter) = filter else {
            self.value.iter_mut().for_each(visit);
            return;
        };
        let (level, rest) = first_level(filter);
        match level {
            "*" => {
                self.children.for_each_mut(|name, child| {
                    if !unlisted.has(name) {
                        child.enter_covered(rest, unlisted.below(name), visit);
                    }
                });
            }
            ">" => {
                self.value.iter_mut().for_each(&mut *visit);
                self.children
                    .for_each_mut(|name, child| match unlisted.below(name) {
                        _ if unlisted.has(name) => {}
                        Unlisted::Nothing => child.for_each_mut(visit),
                        below => child.enter_covered(Some(filter), below, visit),
                    });
            }
            // An advisory, below a wildcard.
            exact if unlisted != Unlisted::Own && unlisted.has(exact.as_bytes()) => {}
            exact => {
                if let Some(child) = self.children.find_mut(exact) {
                    child.enter_covered(rest, Unlisted::Nothing, visit);
                }
            }
        }
    }

    /// Starts at the beginning of the node's tail, which is part of a name.
    fn enter_covered<'a>(
        &'a mut self,
        filter: Option<&str>,
        mut unlisted: Unlisted,
        visit: &mut impl FnMut(&'a mut T),
    ) {
        match covered_tail(self.tail.as_bytes(), filter, &mut unlisted) {
            Tail::Differs => {}
            Tail::HasAll => self.for_each_mut(visit),
            Tail::Matches(rest) => self.for_each_covered(rest, unlisted, visit),
        }
    }
}

/// The result of comparing the levels of a tail with a text.
enum Tail<'p> {
    Differs,
    /// One of the two has `>` at some level, and everything below it is covered.
    HasAll,
    /// They match; the value is the rest of the text.
    Matches(Option<&'p str>),
}

/// Compares levels of a filter with the rest of a name.
///
/// The text between two wildcards is compared at once, because a publisher pays here for the filters of others.
fn covering_tail<'p>(tail: &[u8], mut path: Option<&'p str>) -> Tail<'p> {
    let (mut tail, has_rest) = match tail.strip_suffix(b">") {
        // `>` also covers the name itself, so the separator is not part of the comparison.
        Some(tail) => (tail.strip_suffix(b".").unwrap_or(tail), true),
        None => (tail, false),
    };
    while !tail.is_empty() {
        let star = tail.iter().position(|byte| *byte == b'*');
        let literal = &tail[..star.unwrap_or(tail.len())];
        let Some(text) = path.filter(|text| text.as_bytes().starts_with(literal)) else {
            return Tail::Differs;
        };
        // A wildcard is a whole level, and the text before it ends with a separator.
        let after = &text[literal.len()..];
        (tail, path) = match star {
            Some(at) => (first_of_tail(&tail[at..]).1, first_level(after).1),
            None if after.is_empty() => (&[][..], None),
            None => match after.strip_prefix('.') {
                Some(rest) => (&[][..], Some(rest)),
                None => return Tail::Differs,
            },
        };
    }
    match has_rest {
        true => Tail::HasAll,
        false => Tail::Matches(path),
    }
}

/// Compares levels of a name with the rest of a filter.
fn covered_tail<'p>(tail: &[u8], mut filter: Option<&'p str>, unlisted: &mut Unlisted) -> Tail<'p> {
    for name in levels_of(tail) {
        let Some(text) = filter else {
            return Tail::Differs;
        };
        let (level, rest) = first_level(text);
        let is_wildcard = level == "*" || level == ">";
        let is_unlisted = match is_wildcard {
            true => unlisted.has(name),
            // An advisory, below a wildcard.
            false => *unlisted != Unlisted::Own && unlisted.has(level.as_bytes()),
        };
        if is_unlisted || !(is_wildcard || level.as_bytes() == name) {
            return Tail::Differs;
        }
        *unlisted = match is_wildcard {
            true => unlisted.below(name),
            false => Unlisted::Nothing,
        };
        if level != ">" {
            filter = rest;
        } else if *unlisted == Unlisted::Nothing {
            return Tail::HasAll;
        }
    }
    Tail::Matches(filter)
}

/// Returns the number of bytes at the start of a tail that are levels of a path as well.
fn common_levels(tail: &[u8], path: &[u8]) -> usize {
    let mut common = 0;
    for (own, other) in levels_of(tail).zip(levels_of(path)) {
        if own != other {
            break;
        }
        let separator = usize::from(common > 0);
        common += separator + own.len();
    }
    common
}

fn levels_of(tail: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Levels are not empty, so an empty tail has none.
    tail.split(|byte| *byte == b'.')
        .filter(|level| !level.is_empty())
}

fn first_of_tail(tail: &[u8]) -> (&[u8], &[u8]) {
    match tail.iter().position(|byte| *byte == b'.') {
        Some(at) => (&tail[..at], &tail[at + 1..]),
        None => (tail, &[]),
    }
}

fn first_level(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((level, rest)) => (level, Some(rest)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<T> Node<T> {
        /// Returns the number of nodes below this one.
        fn nodes(&self) -> usize {
            let mut nodes = 0;
            self.children.for_each(|child| nodes += 1 + child.nodes());
            nodes
        }
    }

    fn tree(paths: &[&str]) -> LevelTree<usize> {
        let mut tree = LevelTree::new();
        for (number, path) in paths.iter().enumerate() {
            tree.find_or_insert_with(path, || number);
        }
        tree
    }

    /// Nodes exist only at values and branches, after any sequence of changes.
    #[test]
    fn consecutive_levels_without_branches_are_one_node() {
        let table: [(&[&str], usize); 6] = [
            (&["a"], 1),
            (&["a.b.c.d"], 1),
            (&["a.b.c.d", "x.y"], 2),
            (&["a.b.c.d", "a.b.x.y"], 3),
            (&["a.b.c.d", "a.b"], 2),
            (&["a.b.c.d", "a.bb.c.d", "a.b.c.dd"], 5),
        ];
        for (paths, nodes) in table {
            for order in [paths.to_vec(), paths.iter().rev().copied().collect()] {
                let mut tree = tree(&order);
                assert_eq!(tree.root.nodes(), nodes, "{order:?}");
                for other in ["a.b.c.z", "a.b.c", "a", "a.b.c.d.e", "q"] {
                    if tree.find(other).is_none() {
                        tree.find_or_insert_with(other, || 99);
                        assert_eq!(tree.remove(other), Some(99));
                    }
                }
                assert_eq!(tree.root.nodes(), nodes, "{order:?}");
                for (number, path) in order.iter().enumerate() {
                    assert_eq!(tree.remove(path), Some(number), "{order:?}");
                }
                assert_eq!(tree.root.nodes(), 0, "{order:?}");
            }
        }
    }

    #[test]
    fn a_part_of_a_node_is_not_a_value() {
        let mut tree = tree(&["a.b.c"]);
        for path in ["a", "a.b", "a.b.c.d", "a.b.cc", "a.bb.c", "b.c", ""] {
            assert_eq!(tree.find(path), None, "{path}");
            assert_eq!(tree.find_mut(path), None, "{path}");
            assert_eq!(tree.remove(path), None, "{path}");
        }
        assert_eq!(tree.find("a.b.c"), Some(&0));
    }

    #[test]
    fn a_node_has_the_size_of_six_words() {
        assert_eq!(size_of::<Node<Box<u8>>>(), 6 * size_of::<u64>());
    }
}

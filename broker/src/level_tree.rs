//! A tree with one step per level, so that finding what matches costs what matches.
//!
//! It serves two tables: wildcard filters, asked with a name; and topics, asked with a filter.

use crate::children::Children;
use crate::name::{TopicFilter, TopicName, Unlisted};

/// Values by dotted path. The paths are topic names or topic filters; wildcards are ordinary levels to
/// the tree itself and get their meaning from the two `for_each` questions.
#[derive(Debug)]
pub struct LevelTree<T> {
    root: Node<T>,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    value: Option<T>,
    children: Children<Node<T>>,
}

impl<T> LevelTree<T> {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self {
            root: Node::new(),
            len: 0,
        }
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value at exactly `path`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&T> {
        let mut node = &self.root;
        for level in path.split('.') {
            node = node.children.find(level)?;
        }
        node.value.as_ref()
    }

    /// The value at exactly `path`, to change.
    pub fn find_mut(&mut self, path: &str) -> Option<&mut T> {
        let mut node = &mut self.root;
        for level in path.split('.') {
            node = node.children.find_mut(level)?;
        }
        node.value.as_mut()
    }

    /// The value at `path`, made by `new` when there is none yet.
    pub fn find_or_insert_with(&mut self, path: &str, new: impl FnOnce() -> T) -> &mut T {
        let mut node = &mut self.root;
        for level in path.split('.') {
            if node.children.find(level).is_none() {
                node.children.insert(level, Node::new());
            }
            node = node
                .children
                .find_mut(level)
                .expect("it was just put there");
        }
        if node.value.is_none() {
            self.len += 1;
        }
        node.value.get_or_insert_with(new)
    }

    /// Takes the value at `path` out, and every branch that is empty then.
    pub fn remove(&mut self, path: &str) -> Option<T> {
        let value = self.root.remove(Some(path))?;
        self.len -= 1;
        Some(value)
    }

    /// Every value, in no particular order.
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a T)) {
        self.root.for_each(&mut visit);
    }

    /// Where the paths are filters: the values of those that match `name`.
    pub fn for_each_covering<'a>(&'a self, name: &TopicName, mut visit: impl FnMut(&'a T)) {
        let wildcards = !name.is_unlisted();
        self.root
            .for_each_covering(Some(name.as_str()), wildcards, &mut visit);
    }

    /// Where the paths are names: the values of those that `filter` matches.
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
    fn new() -> Self {
        Self {
            value: None,
            children: Children::new(),
        }
    }

    fn remove(&mut self, path: Option<&str>) -> Option<T> {
        let Some(path) = path else {
            return self.value.take();
        };
        let (level, rest) = first_level(path);
        let child = self.children.find_mut(level)?;
        let value = child.remove(rest)?;
        if child.value.is_none() && child.children.is_empty() {
            self.children.remove(level);
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
            child.for_each_covering(rest, true, visit);
        }
        if wildcards && let Some(child) = self.children.find("*") {
            child.for_each_covering(rest, true, visit);
        }
    }

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
                        child.for_each_covered(rest, unlisted.below(name), visit);
                    }
                });
            }
            ">" => {
                self.value.iter_mut().for_each(&mut *visit);
                self.children
                    .for_each_mut(|name, child| match unlisted.below(name) {
                        _ if unlisted.has(name) => {}
                        Unlisted::Nothing => child.for_each_mut(visit),
                        below => child.for_each_covered(Some(filter), below, visit),
                    });
            }
            // Below a wildcard, an advisory.
            exact if unlisted != Unlisted::Own && unlisted.has(exact.as_bytes()) => {}
            exact => {
                if let Some(child) = self.children.find_mut(exact) {
                    child.for_each_covered(rest, Unlisted::Nothing, visit);
                }
            }
        }
    }
}

fn first_level(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((level, rest)) => (level, Some(rest)),
        None => (path, None),
    }
}

//! Walks over the names below a node of the tree of names, in parts.
//!
//! In the order of the names, those below one child of the node are not always together: `a-b` comes between `a` and
//! `a.b`, because `-` is before `.`. A child is visited once: at its own name, or else at the first name below it.

use std::ops::Bound;

use crate::name::{TopicName, index::NameIndex};

/// The progress of a walk over the names below a node. The walk need not visit the children in one go: it can continue
/// from a text.
#[derive(Debug, Clone)]
pub struct Subtree {
    /// Empty for the root, otherwise the name of the node and a dot.
    prefix: Box<str>,
    /// The name of the node, if it is to be visited first.
    own: Option<TopicName>,
    from: Bound<Box<str>>,
    is_done: bool,
    looked: usize,
}

/// The continuation of a walk after a name.
#[derive(Debug, Clone, Copy)]
struct Then {
    skips_child: bool,
    stops: bool,
}

impl Subtree {
    /// Starts a walk over the names below a node, or over all names.
    #[must_use]
    pub fn below(node: Option<&TopicName>) -> Self {
        let prefix = node.map_or_else(Box::default, |name| format!("{name}.").into());
        Self {
            from: Bound::Included(Box::clone(&prefix)),
            prefix,
            own: None,
            is_done: false,
            looked: 0,
        }
    }

    /// Starts a walk over a name and the names below it.
    #[must_use]
    pub fn of(node: &TopicName) -> Self {
        Self {
            own: Some(node.clone()),
            ..Self::below(Some(node))
        }
    }

    /// Continues after the place that [`Subtree::place`] has returned.
    #[must_use]
    pub fn after(mut self, place: &str) -> Self {
        if place >= &*self.prefix {
            self.from = Bound::Excluded(place.into());
        }
        self
    }

    /// Returns the place after which the walk continues; None at its beginning and at its end.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match &self.from {
            // Behind the names below a child; no name is equal to this text.
            Bound::Included(text) if text.ends_with(AFTER_DOT) && !self.is_done => Some(text),
            Bound::Excluded(name) if !self.is_done => Some(name),
            _ => None,
        }
    }

    /// Returns true if all names have been visited.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns the number of names that were looked at.
    #[must_use]
    pub fn looked(&self) -> usize {
        self.looked
    }

    /// Returns the name of the child that a name below the node is or belongs to.
    #[must_use]
    pub fn child_of<'n>(&self, name: &'n TopicName) -> &'n str {
        let name = name.as_str();
        let level = name[self.prefix.len()..].find('.');
        level.map_or(name, |length| &name[..self.prefix.len() + length])
    }
}

impl<T> NameIndex<T> {
    /// Visits the next names, until `visit` returns false, or `looks` names have been looked at.
    pub(crate) fn visit_subtree(
        &self,
        walk: &mut Subtree,
        looks: usize,
        mut visit: impl FnMut(&TopicName) -> bool,
    ) {
        if let Some(own) = walk.own.take()
            && self.find(&own).is_some()
        {
            walk.looked += 1;
            if !visit(&own) {
                return;
            }
        }
        self.walk(walk, looks, |name| Then {
            skips_child: false,
            stops: !visit(name),
        });
    }

    /// Visits the next children of which `sees` accepts a name, until `visit` returns false, or `looks` names have been
    /// looked at.
    pub(crate) fn visit_children(
        &self,
        walk: &mut Subtree,
        looks: usize,
        sees: impl Fn(&TopicName) -> bool,
        mut visit: impl FnMut(&str) -> bool,
    ) {
        let parent = walk.clone();
        self.walk(walk, looks, |name| {
            let child = parent.child_of(name);
            let is_own = child.len() == name.as_str().len();
            let own = (!is_own).then(|| self.key(child)).flatten();
            let was_visited = own.is_some_and(&sees);
            let is_visited = !was_visited && sees(name);
            Then {
                skips_child: !is_own && (was_visited || is_visited),
                stops: is_visited && !visit(child),
            }
        });
    }

    fn walk(&self, walk: &mut Subtree, looks: usize, mut visit: impl FnMut(&TopicName) -> Then) {
        let end = walk.looked + looks;
        while walk.looked < end && !walk.is_done {
            let mut last = None;
            let mut then = Then {
                skips_child: false,
                stops: false,
            };
            let mut names = self.names_from(walk.from.as_ref().map(|from| &**from));
            while walk.looked < end && !then.skips_child && !then.stops {
                let next = names.next();
                let Some(name) = next.filter(|name| name.as_str().starts_with(&*walk.prefix))
                else {
                    walk.is_done = true;
                    break;
                };
                walk.looked += 1;
                then = visit(name);
                last = Some(name);
            }
            if let Some(last) = last {
                walk.from = match then.skips_child {
                    true => Bound::Included(format!("{}{AFTER_DOT}", walk.child_of(last)).into()),
                    false => Bound::Excluded(last.as_str().into()),
                };
            }
            if then.stops {
                break;
            }
        }
    }
}

/// The character after the dot. No name contains it.
const AFTER_DOT: char = '/';

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn name(text: &str) -> TopicName {
        TopicName::new(text).expect("a name")
    }

    fn index<'n>(names: impl IntoIterator<Item = &'n str>) -> NameIndex<()> {
        let mut index = NameIndex::default();
        names
            .into_iter()
            .for_each(|text| index.insert(name(text), ()));
        index
    }

    /// Returns the children in parts of this number of names and of one child, each walk continued from its place.
    fn children(
        index: &NameIndex<()>,
        node: Option<&TopicName>,
        looks: usize,
        sees: impl Fn(&TopicName) -> bool,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut walk = Subtree::below(node);
        while !walk.is_done() {
            let before = walk.looked();
            index.visit_children(&mut walk, looks, &sees, |child| {
                found.push(child.to_owned());
                false
            });
            assert!(walk.looked() - before <= looks);
            if let Some(place) = walk.place().map(str::to_owned) {
                walk = Subtree::below(node).after(&place);
            }
        }
        found
    }

    fn below(index: &NameIndex<()>, mut walk: Subtree, looks: usize) -> Vec<String> {
        let mut found = Vec::new();
        while !walk.is_done() {
            index.visit_subtree(&mut walk, looks, |name| {
                found.push(name.to_string());
                true
            });
        }
        found
    }

    const NAMES: [&str; 9] = [
        "$SYS.a", "a", "a-b", "a-b.c", "a.b", "a.b.c", "ab", "b.c.d", "b.c.e",
    ];

    #[test]
    fn each_child_is_visited_once() {
        let index = index(NAMES);
        for looks in 1..=NAMES.len() {
            for (node, wanted) in [
                (None, &["$SYS", "a", "a-b", "ab", "b"][..]),
                (Some("a"), &["a.b"]),
                (Some("a.b"), &["a.b.c"]),
                (Some("b"), &["b.c"]),
                (Some("b.c"), &["b.c.d", "b.c.e"]),
                (Some("ab"), &[]),
                (Some("x"), &[]),
            ] {
                let node = node.map(name);
                let found = children(&index, node.as_ref(), looks, |_| true);
                assert_eq!(found, wanted, "{node:?} by {looks}");
            }
        }
    }

    #[test]
    fn a_walk_of_a_node_has_its_own_name_and_those_below() {
        let index = index(NAMES);
        for looks in 1..=NAMES.len() {
            let of = |text| below(&index, Subtree::of(&name(text)), looks);
            assert_eq!(of("a"), ["a", "a.b", "a.b.c"]);
            assert_eq!(of("b"), ["b.c.d", "b.c.e"]);
            assert_eq!(of("a-b"), ["a-b", "a-b.c"]);
            assert!(of("c").is_empty());
            assert_eq!(below(&index, Subtree::below(None), looks), NAMES);
        }
    }

    proptest! {
        /// The children are the first levels of the names that are seen.
        #[test]
        fn children_equal_the_definition(
            names in btree_set("[ab][-ab.]{0,6}[ab]", 0..12),
            hidden in "[ab]",
            looks in 1usize..5,
        ) {
            let names: Vec<_> = names.iter().filter_map(|text| TopicName::new(text).ok()).collect();
            let index = index(names.iter().map(TopicName::as_str));
            let sees = |name: &TopicName| !name.as_str().ends_with(&hidden);
            for node in names.iter().map(Some).chain([None]) {
                let prefix = node.map_or(String::new(), |name| format!("{name}."));
                let seen = names.iter().filter(|name| sees(name));
                let rest = seen.filter_map(|name| name.as_str().strip_prefix(&prefix));
                let wanted: BTreeSet<_> = rest
                    .map(|rest| format!("{prefix}{}", rest.split('.').next().unwrap_or(rest)))
                    .collect();
                let found = children(&index, node, looks, sees);
                prop_assert_eq!(found.len(), wanted.len(), "{:?} {:?}", names, found);
                prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
            }
        }
    }
}

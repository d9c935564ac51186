//! Names in sorted order, for operations over all names that a filter covers: they proceed in parts, so that the
//! broker's lock is not held for long.

use std::{collections::BTreeMap, ops::Bound};

use crate::name::{TopicFilter, TopicName};

/// Values by name, in the order of the names.
#[derive(Debug)]
pub(crate) struct NameIndex<T> {
    by_name: BTreeMap<TopicName, T>,
    /// Number of names that `>` covers.
    listed: usize,
}

/// The progress of an operation through the names that a filter covers.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    filter: TopicFilter,
    /// The levels before the first wildcard: all covered names begin with this text.
    prefix: Box<str>,
    from: Bound<Box<str>>,
    is_done: bool,
}

impl<T> NameIndex<T> {
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Returns the number of names that the filter `>` covers.
    pub(crate) fn listed(&self) -> usize {
        self.listed
    }

    pub(crate) fn find(&self, name: &TopicName) -> Option<&T> {
        self.by_name.get(name)
    }

    pub(crate) fn find_mut(&mut self, name: &TopicName) -> Option<&mut T> {
        self.by_name.get_mut(name)
    }

    pub(crate) fn insert(&mut self, name: TopicName, value: T) {
        let is_listed = !name.is_unlisted();
        if self.by_name.insert(name, value).is_none() {
            self.listed += usize::from(is_listed);
        }
    }

    pub(crate) fn remove(&mut self, name: &TopicName) -> Option<T> {
        let value = self.by_name.remove(name)?;
        self.listed -= usize::from(!name.is_unlisted());
        Some(value)
    }

    /// Returns the name with this text, if it is in the index.
    pub(crate) fn key(&self, text: &str) -> Option<&TopicName> {
        self.by_name.get_key_value(text).map(|(name, _)| name)
    }

    /// Returns the names from a place on, in order.
    pub(crate) fn names_from(
        &self,
        from: Bound<&str>,
    ) -> impl Iterator<Item = &TopicName> + use<'_, T> {
        let rest = self.by_name.range::<str, _>((from, Bound::Unbounded));
        rest.map(|(name, _)| name)
    }

    /// Returns the names after `name` in order, or all names if there is none.
    pub(crate) fn after(
        &self,
        name: Option<&TopicName>,
    ) -> impl Iterator<Item = &TopicName> + use<'_, T> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.by_name.range::<TopicName, _>((from, Bound::Unbounded));
        rest.map(|(name, _)| name)
    }

    /// Visits the next names that the walk's filter covers, until `visit` returns false, or `looks` names have been
    /// looked at. A name for which `visit` returns false has been visited. Returns the number of names looked at.
    pub(crate) fn visit<'a>(
        &'a self,
        walk: &mut Walk,
        looks: usize,
        mut visit: impl FnMut(&'a TopicName, &'a T) -> bool,
    ) -> usize {
        let mut looked = 0;
        while looked < looks && !walk.is_done {
            let from = walk.from.as_ref().map(|from| &**from);
            let mut range = self.by_name.range::<str, _>((from, Bound::Unbounded));
            let mut last = None;
            let mut jump = None;
            let mut goes_on = true;
            while looked < looks && goes_on {
                let Some((name, value)) = range.next() else {
                    walk.is_done = true;
                    break;
                };
                if !name.as_str().starts_with(&*walk.prefix) {
                    walk.is_done = true;
                    break;
                }
                looked += 1;
                last = Some(name);
                if walk.filter.matches(name) {
                    goes_on = visit(name, value);
                } else if name.is_reserved() && walk.prefix.is_empty() {
                    // No name with this beginning is covered.
                    jump = Some(AFTER_RESERVED);
                    break;
                }
            }
            match (jump, last) {
                (Some(to), _) => walk.from = Bound::Included(to.into()),
                (None, Some(last)) => walk.from = Bound::Excluded(last.as_str().into()),
                (None, None) => {}
            }
            if !goes_on {
                break;
            }
        }
        looked
    }
}

impl<T> Default for NameIndex<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            listed: 0,
        }
    }
}

impl Walk {
    /// Starts at the first name that a filter covers, or after a given name.
    pub(crate) fn new(filter: &TopicFilter, after: Option<&str>) -> Self {
        let wildcard = filter.as_str().find(['*', '>']);
        let prefix = match wildcard {
            // `a.>` also covers `a`.
            Some(at) => filter.as_str()[..at].trim_end_matches('.'),
            None => filter.as_str(),
        };
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.into()),
            _ => Bound::Included(prefix.into()),
        };
        Self {
            filter: filter.clone(),
            prefix: prefix.into(),
            from,
            is_done: false,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns the name after which the walk continues, if it has started and not ended.
    pub(crate) fn after(&self) -> Option<&str> {
        match &self.from {
            Bound::Excluded(name) if !self.is_done => Some(name),
            _ => None,
        }
    }
}

/// The smallest text after all texts that begin with `$`.
const AFTER_RESERVED: &str = "%";

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NAMES: [&str; 12] = [
        "$SYS.a",
        "$SYS.b",
        "$TEMP.c.d",
        "ActiveMQ.Advisory.x",
        "a",
        "a-b",
        "a.b",
        "a.b.c",
        "a.c",
        "ab",
        "b.b",
        "c",
    ];

    fn name(text: &str) -> TopicName {
        TopicName::new(text).expect("a name")
    }

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text).expect("a filter")
    }

    fn index() -> NameIndex<usize> {
        let mut index = NameIndex::default();
        for (at, text) in NAMES.into_iter().enumerate() {
            index.insert(name(text), at);
        }
        index
    }

    #[test]
    fn a_walk_in_any_steps_visits_the_covered_names_in_order() {
        let index = index();
        for text in [
            ">",
            "*",
            "a",
            "a.>",
            "a.*",
            "*.b",
            "$SYS.>",
            "$SYS.*",
            "x.>",
            "a.b.c",
            "ActiveMQ.>",
            "*.*",
        ] {
            let filter = filter(text);
            let expected: Vec<_> = (0..NAMES.len())
                .filter(|at| filter.matches(&name(NAMES[*at])))
                .collect();
            for looks in 1..=NAMES.len() {
                let mut walk = Walk::new(&filter, None);
                let mut found = Vec::new();
                while !walk.is_done() {
                    let looked = index.visit(&mut walk, looks, |_, at| {
                        found.push(*at);
                        true
                    });
                    assert!(looked <= looks);
                }
                assert_eq!(found, expected, "{text} by {looks}");
            }
        }
    }

    #[test]
    fn a_walk_continues_after_a_name_that_need_not_exist() {
        let index = index();
        for (text, after, first) in [
            (">", "a.b", Some("a.b.c")),
            (">", "a.bb", Some("a.c")),
            ("a.>", "", Some("a")),
            ("a.>", "a.c", None),
            ("b.>", "a", Some("b.b")),
            ("a.>", "c", None),
        ] {
            let mut walk = Walk::new(&filter(text), Some(after));
            let mut found = None;
            index.visit(&mut walk, 100, |name, _| {
                found = Some(name.as_str());
                false
            });
            assert_eq!(found, first, "{text} after {after}");
        }
    }

    #[test]
    fn listed_names_are_counted() {
        let mut index = index();
        assert_eq!((index.len(), index.listed()), (12, 8));
        index.insert(name("a"), 0);
        assert_eq!((index.len(), index.listed()), (12, 8));
        for text in NAMES {
            assert!(index.remove(&name(text)).is_some());
            assert!(index.remove(&name(text)).is_none());
        }
        assert_eq!((index.len(), index.listed()), (0, 0));
    }
}

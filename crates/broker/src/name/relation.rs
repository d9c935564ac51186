//! The relation of two filters: whether one covers the other, and whether a name can match both.

use super::{ADVISORY_LEVELS, RESERVED, TopicFilter};

impl TopicFilter {
    /// Returns whether this filter matches every name that `other` matches.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.begins_with_wildcard() && other.reaches_unlisted_part() {
            return false;
        }
        let (mut ours, mut theirs) = (self.levels(), other.levels());
        loop {
            match (ours.next(), theirs.next()) {
                (Some(">"), _) | (None, None) => return true,
                (Some("*"), Some(level)) if level != ">" => {}
                (Some(one), Some(level)) if one == level => {}
                _ => return false,
            }
        }
    }

    /// Returns false if no name matches both filters.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        if (self.begins_with_wildcard() && other.is_in_unlisted_part())
            || (other.begins_with_wildcard() && self.is_in_unlisted_part())
        {
            return false;
        }
        let (mut ours, mut theirs) = (self.levels(), other.levels());
        loop {
            match (ours.next(), theirs.next()) {
                (Some(">"), _) | (_, Some(">")) | (None, None) => return true,
                (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
                (Some(one), Some(level)) if one == level => {}
                _ => return false,
            }
        }
    }

    fn levels(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('.')
    }

    fn begins_with_wildcard(&self) -> bool {
        self.as_str().starts_with(['*', '>'])
    }

    /// Returns whether the filter matches names that a wildcard in the first level does not match.
    fn reaches_unlisted_part(&self) -> bool {
        let mut levels = self.levels();
        let first = levels.next().unwrap_or_default();
        first.starts_with(RESERVED)
            || (first == ADVISORY_LEVELS[0]
                && levels
                    .next()
                    .is_some_and(|level| [ADVISORY_LEVELS[1], "*", ">"].contains(&level)))
    }

    /// Returns whether all names that the filter matches are names that a wildcard in the first level does not match.
    fn is_in_unlisted_part(&self) -> bool {
        let mut levels = self.levels();
        let first = levels.next().unwrap_or_default();
        first.starts_with(RESERVED)
            || (first == ADVISORY_LEVELS[0] && levels.next() == Some(ADVISORY_LEVELS[1]))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::TopicName;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text).expect("a legal filter")
    }

    #[test]
    fn a_filter_covers_what_it_matches() {
        let table = [
            (">", "a", true),
            (">", "a.>", true),
            (">", "$SYS.figures", false),
            ("$SYS.>", "$SYS.figures", true),
            (">", "ActiveMQ.Advisory.Connection", false),
            (">", "ActiveMQ.orders", true),
            (">", "ActiveMQ.>", false),
            ("a.>", "a", true),
            ("a.>", "a.*.c", true),
            ("a.*", "a.>", false),
            ("a.*", "a.*", true),
            ("a.*", "a.b", true),
            ("a.b", "a.*", false),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("*", ">", false),
        ];
        for (one, other, expected) in table {
            assert_eq!(
                filter(one).covers(&filter(other)),
                expected,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn filters_overlap_if_a_name_matches_both() {
        let table = [
            (">", "a.b", true),
            (">", "$SYS.figures", false),
            ("a.>", "a", true),
            ("a.*", "*.b", true),
            ("a.*", "*.b.c", false),
            ("a.b", "a.c", false),
            ("a.*.c", "a.b.>", true),
            ("*", "a.b", false),
            ("*.Advisory.>", "ActiveMQ.Advisory.>", false),
        ];
        for (one, other, expected) in table {
            assert_eq!(
                filter(one).overlaps(&filter(other)),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                filter(other).overlaps(&filter(one)),
                expected,
                "{other} {one}"
            );
        }
    }

    fn any_level(wildcards: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
        prop::sample::select([&["a", "b", "$SYS", "ActiveMQ", "Advisory"], wildcards].concat())
    }

    fn any_filter() -> impl Strategy<Value = TopicFilter> {
        (
            prop::collection::vec(any_level(&["*"]), 0..4),
            any_level(&[">", ">", "*"]),
        )
            .prop_map(|(mut levels, last)| {
                levels.push(last);
                filter(&levels.join("."))
            })
    }

    proptest! {
        #[test]
        fn relations_agree_with_the_names_that_match(
            one in any_filter(),
            other in any_filter(),
            levels in prop::collection::vec(any_level(&[]), 1..5),
        ) {
            let name = TopicName::new(&levels.join(".")).expect("a legal name");
            if one.covers(&other) && other.matches(&name) {
                prop_assert!(one.matches(&name));
            }
            if one.matches(&name) && other.matches(&name) {
                prop_assert!(one.overlaps(&other));
            }
            if one.covers(&other) {
                prop_assert!(one.overlaps(&other));
            }
        }
    }
}

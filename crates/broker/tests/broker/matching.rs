//! The level tree against a linear matcher, and parsing of formatted values.

use broker::{LevelTree, MessageId, TopicFilter, TopicName};
use proptest::{collection::vec, prelude::*, sample::select};

fn names() -> impl Strategy<Value = Vec<TopicName>> {
    // Enough names that a node sometimes has many branches.
    let level = select(vec![
        "a", "b", "c", "d", "e", "f", "g", "h", "$S", "ActiveMQ", "Advisory",
    ]);
    // Deep enough that levels without branches are split and merged again.
    let name = vec(level, 1..7)
        .prop_map(|levels| TopicName::new(&levels.join(".")).expect("levels without wildcards"));
    vec(name, 0..40)
}

fn filters() -> impl Strategy<Value = Vec<TopicFilter>> {
    let level = select(vec![
        "a", "b", "c", "d", "e", "*", "*", "*", "$S", "ActiveMQ", "Advisory",
    ]);
    let filter = (vec(level, 0..6), any::<bool>()).prop_map(|(mut levels, rest)| {
        if rest || levels.is_empty() {
            levels.push(">");
        }
        TopicFilter::new(&levels.join(".")).expect("`>` is last")
    });
    vec(filter, 0..40)
}

/// Matches level by level.
fn naive(filter: &str, name: &str) -> bool {
    let is_unlisted = name.starts_with('$') || format!("{name}.").starts_with("ActiveMQ.Advisory.");
    if is_unlisted && filter.starts_with(['*', '>']) {
        return false;
    }
    let name: Vec<_> = name.split('.').collect();
    let mut filter: Vec<_> = filter.split('.').collect();
    let rest = filter.last() == Some(&">");
    if rest {
        filter.pop();
    }
    let fits = if rest {
        name.len() >= filter.len()
    } else {
        name.len() == filter.len()
    };
    fits && filter
        .iter()
        .zip(name)
        .all(|(wanted, level)| *wanted == "*" || *wanted == level)
}

proptest! {
    #[test]
    fn a_filter_matches_like_the_naive_matcher(names in names(), filters in filters()) {
        for filter in &filters {
            for name in &names {
                let wanted = naive(filter.as_str(), name.as_str());
                prop_assert_eq!(filter.matches(name), wanted, "{} {}", filter, name);
            }
        }
    }

    #[test]
    fn the_tree_finds_the_same_as_the_naive_matcher(
        names in names(),
        filters in filters(),
        removed in vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut filters: Vec<_> = filters.iter().map(TopicFilter::as_str).collect();
        filters.sort_unstable();
        filters.dedup();
        let mut topics: Vec<_> = names.iter().map(TopicName::as_str).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut by_filter = LevelTree::new();
        let mut by_name = LevelTree::new();
        for text in &filters {
            by_filter.find_or_insert_with(text, || (*text).to_owned());
        }
        for text in &topics {
            by_name.find_or_insert_with(text, || (*text).to_owned());
        }
        for index in removed {
            if !filters.is_empty() {
                let text = filters.remove(index.index(filters.len()));
                prop_assert_eq!(by_filter.remove(text), Some(text.to_owned()));
                prop_assert_eq!(by_filter.remove(text), None);
            }
            if !topics.is_empty() {
                let text = topics.remove(index.index(topics.len()));
                prop_assert_eq!(by_name.remove(text), Some(text.to_owned()));
            }
        }
        prop_assert_eq!((by_filter.len(), by_name.len()), (filters.len(), topics.len()));
        for text in &filters {
            prop_assert_eq!(by_filter.find(text).map(String::as_str), Some(*text));
        }
        for text in &topics {
            prop_assert_eq!(by_name.find_mut(text).map(|one| one.as_str()), Some(*text));
        }
        for name in &names {
            let mut found = Vec::new();
            by_filter.for_each_covering(name, |text| found.push(text.as_str()));
            found.sort_unstable();
            let wanted: Vec<_> = filters.iter().copied().filter(|one| naive(one, name.as_str())).collect();
            prop_assert_eq!(found, wanted);
        }
        for text in &filters {
            let filter = TopicFilter::new(text).expect("a filter");
            let mut found = Vec::new();
            by_name.for_each_covered(&filter, |text| found.push(text.clone()));
            found.sort_unstable();
            let wanted: Vec<_> = topics.iter().copied().filter(|one| naive(text, one)).collect();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_formatted_message_id_parses_to_the_same_id(epoch: u64, position: u64) {
        let id = MessageId { epoch, position };
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_parsed_message_id_is_formatted_as_the_same_text(text in "[-+0-9a-fA-F]{0,12}") {
        if let Ok(id) = text.parse::<MessageId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn every_valid_name_is_a_valid_filter(text in "\\PC{0,12}") {
        if let Ok(name) = TopicName::new(&text) {
            let filter = TopicFilter::new(&text);
            prop_assert!(filter.is_ok_and(|filter| filter.exact() == Some(name)));
        }
    }
}

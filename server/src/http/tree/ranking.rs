//! The children of a node by rate or time. Only as many are kept as a page needs, however many there are.

use std::{cmp::Ordering, str::FromStr};

use broker::{TopicName, TopicTraffic};

use super::{
    Sort,
    listing::{Child, Page, Traffic},
};

/// Collects the children that come first, from the topics in the order of their names.
pub(super) struct Ranking {
    sort: Sort,
    after: Option<Rank>,
    limit: usize,
    /// The children that may get further topics. The name of each is the beginning of the next one's: in the order of the
    /// names, `a-b` comes between `a` and `a.b`.
    open: Vec<Ranked>,
    /// The children without further topics that come first; at times more than needed.
    first: Vec<Ranked>,
    total: usize,
}

struct Ranked {
    name: String,
    traffic: Traffic,
}

/// A place in a ranking: the value of a child, and its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rank {
    value: f64,
    name: String,
}

impl Ranking {
    /// Creates a ranking of which the children after a place are wanted.
    pub(super) fn new(sort: Sort, after: Option<Rank>, limit: usize) -> Self {
        Self {
            sort,
            after,
            limit,
            open: Vec::new(),
            first: Vec::new(),
            total: 0,
        }
    }

    /// Adds a topic that is the child or below it.
    pub(super) fn add(&mut self, child: &str, topic: &TopicTraffic) {
        let name = topic.name.as_str();
        while let Some(last) = self.open.pop_if(|last| !name.starts_with(&last.name)) {
            self.close(last);
        }
        let at = self.open.iter().rposition(|open| open.name == child);
        let at = at.unwrap_or_else(|| {
            self.open.push(Ranked {
                name: child.to_owned(),
                traffic: Traffic::default(),
            });
            self.open.len() - 1
        });
        self.open[at].traffic.add(topic, child);
    }

    /// Returns the children that come first. `has_more` is true if not all names were examined.
    pub(super) fn page(mut self, has_more: bool) -> Page {
        while let Some(last) = self.open.pop() {
            self.close(last);
        }
        let sort = self.sort;
        self.first
            .sort_unstable_by(|one, other| one.rank(sort).cmp(&other.rank(sort)));
        let continues = self.first.len() > self.limit;
        self.first.truncate(self.limit);
        let last = self.first.last().filter(|_| continues);
        let next = last.map(|last| last.rank(sort).to_string());
        let children = self.first.into_iter().filter_map(|ranked| {
            Some(Child {
                name: TopicName::new(&ranked.name).ok()?,
                traffic: Traffic {
                    has_more,
                    ..ranked.traffic
                },
            })
        });
        Page {
            children: children.collect(),
            total: self.total,
            total_more: has_more,
            next,
        }
    }

    /// Counts a child without further topics, and keeps it if it may come first.
    fn close(&mut self, child: Ranked) {
        self.total += 1;
        let sort = self.sort;
        let after = self.after.as_ref().map(Rank::key);
        if after.is_some_and(|after| child.rank(sort) <= after) {
            return;
        }
        self.first.push(child);
        // One more than needed shows that the ranking continues.
        let kept = self.limit + 1;
        if self.first.len() > 2 * kept {
            self.first.select_nth_unstable_by(kept - 1, |one, other| {
                one.rank(sort).cmp(&other.rank(sort))
            });
            self.first.truncate(kept);
        }
    }
}

impl Ranked {
    fn rank(&self, sort: Sort) -> Key<'_> {
        let traffic = &self.traffic;
        Key {
            value: match sort {
                Sort::Name => 0.0,
                Sort::Rate => traffic.rate.unwrap_or(0.0),
                Sort::Time => traffic.last_ms.map_or(0.0, |last_ms| last_ms as f64),
            },
            name: &self.name,
        }
    }
}

/// The order of a ranking: greater values first, then by name.
#[derive(Debug, Clone, Copy)]
struct Key<'a> {
    value: f64,
    name: &'a str,
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = other.value.total_cmp(&self.value);
        by_value.then_with(|| self.name.cmp(other.name))
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key<'_> {}

/// Formats the place as `VALUE/NAME`. A name has no slash.
impl std::fmt::Display for Key<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.value, self.name)
    }
}

impl Rank {
    fn key(&self) -> Key<'_> {
        Key {
            value: self.value,
            name: &self.name,
        }
    }
}

impl FromStr for Rank {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (value, name) = text.split_once('/').ok_or(())?;
        Ok(Self {
            value: value.parse().map_err(drop)?,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, rate: f64) -> TopicTraffic {
        TopicTraffic {
            name: TopicName::new(name).expect("a name"),
            messages: 1,
            last_ms: Some(1),
            rate: Some(rate),
        }
    }

    const TOPICS: [(&str, &str, f64); 7] = [
        ("a", "a", 1.0),
        ("a-b", "a-b", 5.0),
        ("a-b.c", "a-b", 5.0),
        ("a.b", "a", 3.0),
        ("b.c", "b", 4.0),
        ("c", "c", 7.0),
        ("d", "d", 0.5),
    ];

    fn page(after: Option<Rank>, limit: usize) -> Page {
        let mut ranking = Ranking::new(Sort::Rate, after, limit);
        for (name, child, rate) in TOPICS {
            ranking.add(child, &topic(name, rate));
        }
        ranking.page(false)
    }

    #[test]
    fn pages_of_any_length_together_are_the_whole_ranking() {
        for limit in 1..=6 {
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = page(after, limit);
                assert_eq!(page.total, 5);
                assert!(page.children.len() <= limit);
                found.extend(page.children);
                let Some(next) = page.next else { break };
                after = Some(next.parse().expect("a place"));
            }
            let found: Vec<_> = found
                .iter()
                .map(|child| (child.name.as_str(), child.traffic.topics))
                .collect();
            let wanted = [("a-b", 2), ("c", 1), ("a", 2), ("b", 1), ("d", 1)];
            assert_eq!(found, wanted, "by {limit}");
        }
    }

    #[test]
    fn other_texts_are_no_places() {
        for text in ["", "a", "1", "x/a"] {
            assert_eq!(text.parse::<Rank>(), Err(()), "{text}");
        }
    }
}

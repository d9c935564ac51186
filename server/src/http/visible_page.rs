//! A page of a list by name, with the items that a sender sees. It is collected in parts, between which other tasks run.

use broker::{Page, QueueFigures, TopicFigures, TopicName};

use crate::fairness;

/// An item of a list that is ordered by name.
pub trait Named {
    /// Returns the name.
    fn name(&self) -> &TopicName;
}

impl Named for TopicFigures {
    fn name(&self) -> &TopicName {
        &self.name
    }
}

impl Named for QueueFigures {
    fn name(&self) -> &TopicName {
        &self.name
    }
}

/// Returns the next items that `sees` accepts. Continues until there are enough, because the name after which the list
/// continues must be one of them. `part` returns at most a number of items of the list after a name.
pub async fn visible_page<T: Named>(
    mut after: Option<TopicName>,
    limit: usize,
    sees: impl Fn(&T) -> bool,
    part: impl Fn(Option<&TopicName>, usize) -> Page<T>,
) -> Page<T> {
    let mut items: Vec<T> = Vec::new();
    loop {
        let page = part(after.as_ref(), PART.min(limit - items.len()));
        items.extend(page.items.into_iter().filter(&sees));
        after = page.next;
        if after.is_none() || items.len() >= limit {
            break;
        }
        fairness::yield_if_due().await;
    }
    let last = items.last().filter(|_| after.is_some());
    let next = last.map(|item| item.name().clone());
    Page { items, next }
}

/// Number of items that are collected at once.
const PART: usize = 128;

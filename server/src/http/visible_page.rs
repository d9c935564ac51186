//! A page of a list, for a sender that sees only some of the items.

use broker::{DestinationKind, Page, QueueFigures, TopicFigures, TopicName};

use super::login::Rights;
use crate::fairness;

/// An item of a list that is ordered by name.
pub trait Named {
    /// The kind of the named things.
    const KIND: DestinationKind;

    /// Returns the name.
    fn name(&self) -> &TopicName;
}

impl Named for TopicFigures {
    const KIND: DestinationKind = DestinationKind::Topic;

    fn name(&self) -> &TopicName {
        &self.name
    }
}

impl Named for QueueFigures {
    const KIND: DestinationKind = DestinationKind::Queue;

    fn name(&self) -> &TopicName {
        &self.name
    }
}

/// Returns the next items that the sender may see. Continues until there are enough, because the name after which the list
/// continues must be one of them. `part` returns the part of the list after a name.
pub async fn visible_page<T: Named>(
    rights: &Rights,
    mut after: Option<TopicName>,
    limit: usize,
    part: impl Fn(Option<&TopicName>) -> Page<T>,
) -> Page<T> {
    let mut items: Vec<T> = Vec::new();
    loop {
        let page = part(after.as_ref());
        let found = page.items.into_iter();
        items.extend(found.filter(|item| rights.sees(T::KIND, item.name())));
        after = page.next;
        if after.is_none() || items.len() >= limit {
            break;
        }
        fairness::yield_if_due().await;
    }
    let has_more = after.is_some() || items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more);
    let next = last.map(|item| item.name().clone());
    Page { items, next }
}

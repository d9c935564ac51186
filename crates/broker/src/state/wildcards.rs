//! Subscriptions with wildcards, and the cursors that they have in topics.
//!
//! Such a subscription is found by its filter. It has a cursor only in two kinds of topics: with a publication since
//! its creation, or with earlier messages that it requested. Immediately before a publication, a topic gets the missing
//! cursors at the end of its log. A cursor created earlier would be at the same place. So subscribing and unsubscribing
//! do not visit the topics. For the same reason a cursor that has read everything may be removed.
//!
//! Subscriptions have ascending ids. A topic notes the id up to which it has all cursors, so a publication searches for
//! missing ones only if there is a newer subscription with wildcards.

use std::sync::{Arc, Weak};

use crate::{
    memory::limits::ITEMS, memory::share::Pool, name::TopicName, name::level_tree::LevelTree,
    one_or_many::OneOrMany, session::subscription::Subscription, state::BrokerState, topic::Topic,
    topic::cursor::Cursor,
};

/// Subscriptions with wildcards, by filter.
#[derive(Debug, Default)]
pub(crate) struct Wildcards {
    tree: LevelTree<OneOrMany<Arc<Subscription>>>,
    /// Id of the newest subscription.
    newest: u64,
    /// The name after which the next sweep continues.
    swept_up_to: Option<TopicName>,
    /// Cursors with unread messages whose topics were removed. Some may no longer exist.
    orphans: Vec<Weak<Cursor>>,
}

impl Wildcards {
    pub(crate) fn add(&mut self, subscription: &Arc<Subscription>) {
        self.newest = self.newest.max(subscription.id.0);
        let filter = subscription.filter.as_str();
        let others = self.tree.find_or_insert_with(filter, OneOrMany::new);
        others.push(Arc::clone(subscription));
    }

    /// Removes a subscription. Returns false if it does not exist.
    pub(crate) fn remove(&mut self, subscription: &Subscription) -> bool {
        let filter = subscription.filter.as_str();
        let Some(others) = self.tree.find_mut(filter) else {
            return false;
        };
        // Ids ascend: new subscriptions are pushed.
        let of = |other: &Arc<Subscription>| other.id;
        let at = others.as_slice().binary_search_by_key(&subscription.id, of);
        let is_found = at.is_ok_and(|at| others.remove(at).is_some());
        if others.is_empty() {
            self.tree.remove(filter);
        }
        is_found
    }

    /// Puts a subscription in the place of another one with the same id and filter.
    pub(crate) fn replace(&mut self, subscription: &Arc<Subscription>) {
        if let Some(others) = self.tree.find_mut(subscription.filter.as_str()) {
            let mut found = others.as_mut_slice().iter_mut();
            let found = found.find(|other| other.id == subscription.id);
            found
                .into_iter()
                .for_each(|one| *one = Arc::clone(subscription));
        }
    }

    /// Returns the number of subscriptions that cover a name.
    pub(crate) fn covering(&self, name: &TopicName) -> usize {
        let mut found = 0;
        self.tree
            .for_each_covering(name, |covering| found += covering.len());
        found
    }

    /// Returns true if the topic may lack cursors.
    #[inline]
    pub(crate) fn may_lack_cursors(&self, topic: &Topic) -> bool {
        topic.covered_up_to < self.newest
    }

    /// Adds the cursors of a topic that is removed, if they have unread messages.
    pub(crate) fn add_orphans(&mut self, topic: &Topic) {
        for cursor in topic.cursors().filter(|cursor| !cursor.close_if_read()) {
            if self.orphans.len() == self.orphans.capacity() {
                self.orphans.retain(|cursor| cursor.strong_count() > 0);
            }
            self.orphans.push(Arc::downgrade(cursor));
        }
    }

    /// Removes and returns some of the cursors of removed topics.
    pub(crate) fn take_orphans(&mut self) -> Vec<Weak<Cursor>> {
        let from = self.orphans.len().saturating_sub(ITEMS);
        self.orphans.split_off(from)
    }
}

impl BrokerState {
    /// Creates a cursor in a topic for each subscription with wildcards that covers it and has none there. Returns the
    /// subscriptions that get none because of the bounds on cursors.
    #[cold]
    pub(crate) fn add_missing_cursors(&mut self, name: &TopicName) -> Vec<Arc<Subscription>> {
        let mut missing = Vec::new();
        let Some(topic) = self.topics.find_mut(name.as_str()) else {
            return Vec::new();
        };
        let known = topic.covered_up_to;
        self.wildcards.tree.for_each_covering(name, |covering| {
            let newer = covering.as_slice().iter().rev();
            let newer = newer.take_while(|one| one.id.0 > known);
            // Leaving subscriptions get no more messages.
            let newer = newer.filter(|one| !one.is_cancelled() && one.session.may_subscribe(name));
            missing.extend(newer.map(Arc::clone));
        });
        let mut without_cursor = Vec::new();
        for subscription in missing {
            if topic.has_cursor(subscription.id) {
                continue;
            }
            if has_room(self.cursors, self.cursor_limit, &subscription) {
                topic.join_wildcard(&subscription);
            } else {
                without_cursor.push(subscription);
            }
        }
        topic.covered_up_to = self.wildcards.newest;
        if without_cursor.is_empty() {
            return without_cursor;
        }
        self.cover_in_place_of_others(name, without_cursor)
    }

    /// Removes cursors that have read everything: first of any subscription, then of each subscription in `missing`.
    /// Tries again to add the missing cursors. Returns the subscriptions that still get no cursor.
    fn cover_in_place_of_others(
        &mut self,
        name: &TopicName,
        missing: Vec<Arc<Subscription>>,
    ) -> Vec<Arc<Subscription>> {
        self.take_back_cursors(TOPICS_SEARCHED, Some(name));
        let mut without_cursor = Vec::new();
        for subscription in missing {
            if let Some(cursor) = subscription.take_back_next(OWN_CURSORS_SEARCHED) {
                self.drop_cursor(&cursor);
            }
            let has_room = self.has_room_for_cursor(&subscription);
            match self.topics.find_mut(name.as_str()) {
                Some(topic) if has_room => topic.join_wildcard(&subscription),
                Some(topic) => {
                    topic.covered_up_to = 0;
                    let client = subscription.session.client();
                    client.pools().count_refused(Pool::Cursors);
                    subscription.note_missed(name);
                    without_cursor.push(subscription);
                }
                None => {}
            }
        }
        without_cursor
    }

    /// Removes a cursor from its topic, after `close_if_read` has closed it.
    fn drop_cursor(&mut self, cursor: &Cursor) {
        let topic = self.topics.find_mut(cursor.topic.name.as_str());
        // The topic may have been removed and created again.
        if let Some(topic) = topic.filter(|topic| Arc::ptr_eq(&topic.account, &cursor.topic)) {
            topic.leave(cursor.subscription.id);
            topic.covered_up_to = 0;
        }
    }

    /// Removes cursors that have read everything, in the next topics except `except`, which is about to be published
    /// to. Returns true after the last topic; the next call starts with the first.
    pub(crate) fn take_back_cursors(&mut self, topics: usize, except: Option<&TopicName>) -> bool {
        let mut last = None;
        let names = self.names.after(self.wildcards.swept_up_to.as_ref());
        for name in names.take(topics) {
            last = Some(name);
            if except != Some(name)
                && let Some(topic) = self.topics.find_mut(name.as_str())
            {
                topic.take_back_cursors(ITEMS);
            }
        }
        self.wildcards.swept_up_to = last.cloned();
        self.wildcards.swept_up_to.is_none()
    }

    /// Returns true if one more cursor is within the bounds for a subscription with wildcards.
    pub(crate) fn has_room_for_cursor(&self, subscription: &Subscription) -> bool {
        has_room(self.cursors, self.cursor_limit, subscription)
    }

    /// Removes some cursors of a cancelled subscription with wildcards from their topics. Returns false if there are
    /// more.
    pub(crate) fn remove_cursors(
        &mut self,
        subscription: &Subscription,
        removed: &mut Vec<Arc<Cursor>>,
    ) -> bool {
        let cursors = subscription.take_cursors(ITEMS);
        let is_last = cursors.len() < ITEMS;
        for cursor in cursors.iter().filter_map(Weak::upgrade) {
            if let Some(topic) = self.topics.find_mut(cursor.topic.name.as_str()) {
                topic.leave(subscription.id);
            }
            removed.push(cursor);
        }
        is_last
    }
}

/// Returns whether shares and the bound on all cursors allow one more cursor for a subscription with wildcards.
/// `others` is the number of cursors of other kinds.
fn has_room(others: usize, limit: usize, subscription: &Subscription) -> bool {
    let client = subscription.session.client();
    let taken = client.pools().taken(Pool::Cursors);
    let free = (limit.saturating_sub(others) as u64).saturating_sub(taken);
    client.check_uncounted(Pool::Cursors, 1, free).is_ok()
}

/// Topics in which a publication removes cursors if there is no room for one.
const TOPICS_SEARCHED: usize = 4;
/// Cursors of a subscription that a publication examines to remove one.
const OWN_CURSORS_SEARCHED: usize = 2;

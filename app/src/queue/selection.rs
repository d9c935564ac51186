//! The messages that the reader has chosen for an action: single ones, those that match a selector, or all. Pure.

use std::collections::BTreeSet;

use super::Target;
use crate::{figures::grouped, texts};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The ids of the chosen messages, at most [`MOST_CHOSEN`].
    ids: BTreeSet<String>,
    /// The selector of the list; empty for all messages.
    selector: String,
}

impl Selection {
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// Chooses a message or takes it back. Does nothing at the maximum.
    pub fn set(&mut self, id: &str, is_chosen: bool) {
        if !is_chosen {
            self.ids.remove(id);
        } else if self.ids.len() < MOST_CHOSEN {
            self.ids.insert(id.to_owned());
        }
    }

    pub fn clear(&mut self) {
        self.ids.clear();
    }

    /// Sets the selector of the list. The chosen messages may not be in it.
    pub fn select(&mut self, selector: &str) {
        selector.trim().clone_into(&mut self.selector);
        self.ids.clear();
    }

    /// Returns the messages that an action is for.
    pub fn target(&self) -> Target {
        match (self.ids.is_empty(), self.selector.is_empty()) {
            (false, _) => Target::Ids(self.ids.iter().cloned().collect()),
            (true, false) => Target::Matching(self.selector.clone()),
            (true, true) => Target::All,
        }
    }

    /// Returns the messages that an action is for, in a sentence.
    pub fn words(&self) -> String {
        match self.target() {
            Target::Ids(ids) if ids.len() == 1 => texts::queue::FOR_ONE.get().into(),
            Target::Ids(ids) => texts::queue::FOR_CHOSEN.with(&[&grouped(ids.len() as u64)]),
            Target::Matching(_) => texts::queue::FOR_MATCHING.get().into(),
            Target::All => texts::queue::FOR_ALL.get().into(),
        }
    }
}

/// Maximum number of messages in one request of the API.
const MOST_CHOSEN: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_messages_count_before_the_selector_and_the_selector_before_all() {
        let mut selection = Selection::default();
        assert_eq!(selection.target(), Target::All);
        selection.select(" a > 1 ");
        assert_eq!(selection.target(), Target::Matching("a > 1".into()));
        selection.set("1-2", true);
        selection.set("1-1", true);
        assert_eq!(
            selection.target(),
            Target::Ids(vec!["1-1".into(), "1-2".into()])
        );
        assert_eq!(selection.words(), "For the 2 chosen messages:");
        selection.set("1-2", false);
        assert_eq!(selection.words(), "For the chosen message:");
    }

    #[test]
    fn another_selector_takes_the_choice_back() {
        let mut selection = Selection::default();
        selection.set("1-1", true);
        selection.select("");
        assert!(!selection.has("1-1"));
    }

    #[test]
    fn the_number_of_chosen_messages_is_bounded() {
        let mut selection = Selection::default();
        for number in 0..2 * MOST_CHOSEN {
            selection.set(&number.to_string(), true);
        }
        assert_eq!(selection.ids.len(), MOST_CHOSEN);
    }
}

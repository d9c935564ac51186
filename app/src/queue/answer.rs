//! The broker's answers to an order. Pure.

use super::Action;
use crate::{
    host::{text, whole},
    json,
};

/// The broker's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub matched: u64,
    pub done: u64,
    pub remaining: u64,
    /// Messages that consumers hold, which are left alone.
    pub held: u64,
    /// The reason why messages remain; empty if it is only the limit of one request.
    pub stopped: String,
    /// The id after which the next request continues; empty if the whole queue was examined.
    pub next: String,
}

impl Answer {
    /// Reads an answer; an answer without content counts nothing.
    pub fn read(document: &str) -> Self {
        let Ok(json) = json::read(document) else {
            return Self::default();
        };
        Self {
            matched: whole(&json, "matched"),
            done: whole(&json, "done"),
            remaining: whole(&json, "remaining"),
            held: whole(&json, "held"),
            stopped: text(&json, "stopped").unwrap_or_default(),
            next: text(&json, "next").unwrap_or_default(),
        }
    }

    /// Returns the id after which another request must begin, which may be empty; `None` if no other request is useful.
    /// `missing` messages of those that were counted are not done yet.
    pub fn continuation(&self, action: Action, missing: u64) -> Option<String> {
        if !self.stopped.is_empty() {
            return None;
        }
        if !self.next.is_empty() {
            return Some(self.next.clone());
        }
        // Messages that are copied stay, so another request would copy the same ones.
        let leaves = action.is_for_messages() && action != Action::Copy;
        let goes_on = leaves && self.remaining > 0 && self.done > 0 && missing > 0;
        goes_on.then(String::new)
    }
}

/// The messages that an action is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub matched: u64,
    /// Messages that consumers hold, which are left alone.
    pub held: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_have_no_content() {
        assert_eq!(Answer::read(""), Answer::default());
        let answer = Answer::read(r#"{"matched":7,"done":5,"remaining":2}"#);
        assert_eq!((answer.matched, answer.done, answer.remaining), (7, 5, 2));
    }

    #[test]
    fn an_action_goes_on_while_it_makes_progress() {
        let answer = |text: &str| Answer::read(text);
        let limited = answer(r#"{"matched":9,"done":5,"remaining":4}"#);
        assert_eq!(limited.continuation(Action::Move, 4).as_deref(), Some(""));
        assert_eq!(limited.continuation(Action::Copy, 4), None);
        assert_eq!(limited.continuation(Action::Move, 0), None);
        let cut = answer(r#"{"matched":9,"done":0,"remaining":9,"next":"1-5"}"#);
        assert_eq!(cut.continuation(Action::Copy, 9).as_deref(), Some("1-5"));
        let stopped =
            answer(r#"{"matched":9,"done":5,"remaining":4,"stopped":"full","next":"1-5"}"#);
        assert_eq!(stopped.continuation(Action::Move, 4), None);
        assert_eq!(answer("").continuation(Action::Pause, 0), None);
    }
}

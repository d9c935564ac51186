//! An action on a queue that the reader has chosen: the request, and its description before and after it. Pure.

use super::{Addresses, Counted};
use crate::{console::Kind, figures::grouped, queues::QueueFigures, quoted::quoted, texts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Move,
    Copy,
    /// Dead letters go back to where they came from.
    Retry,
    Delete,
    /// Deletes the queue.
    Remove,
    Pause,
    Resume,
}

/// The messages that an action is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Ids(Vec<String>),
    /// Those that match this selector.
    Matching(String),
    All,
}

/// An action with everything that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub queue: String,
    pub action: Action,
    pub target: Target,
    /// The destination of a move or copy.
    pub to: (Kind, String),
}

impl Action {
    /// Returns the title of the question.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => texts::queue::MOVE.get(),
            Self::Copy => texts::queue::COPY.get(),
            Self::Retry => texts::queue::RETRY.get(),
            Self::Delete => texts::queue::DELETE.get(),
            Self::Remove => texts::queue::REMOVE.get(),
            Self::Pause => texts::queue::PAUSE.get(),
            Self::Resume => texts::queue::RESUME.get(),
        }
    }

    /// Returns true if the action is for messages, which the broker counts first.
    pub fn is_for_messages(self) -> bool {
        matches!(self, Self::Move | Self::Copy | Self::Retry | Self::Delete)
    }

    pub fn has_destination(self) -> bool {
        matches!(self, Self::Move | Self::Copy)
    }

    fn path(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Copy => "copy",
            Self::Retry => "retry",
            Self::Delete => "delete-messages",
            Self::Remove => "",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl Order {
    pub fn method(&self) -> &'static str {
        match self.action {
            Action::Remove => "DELETE",
            _ => "POST",
        }
    }

    pub fn address(&self) -> String {
        let addresses = Addresses::of(&self.queue);
        match self.action {
            Action::Remove => addresses.queue(),
            action => addresses.below(action.path()),
        }
    }

    /// Returns the address of the request that only counts.
    pub fn counting_address(&self) -> String {
        format!("{}?dryRun=true", self.address())
    }

    /// Returns the body of the request as JSON; it begins after the message with the id `after`, if there is one.
    pub fn body(&self, after: &str) -> String {
        if !self.action.is_for_messages() {
            return String::new();
        }
        let mut members = Vec::new();
        if self.action.has_destination() {
            members.push(format!("\"to\":{}", quoted(&self.destination())));
        }
        match &self.target {
            Target::Ids(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| quoted(id)).collect();
                members.push(format!("\"ids\":[{}]", ids.join(",")));
            }
            Target::Matching(selector) => {
                members.push(format!("\"selector\":{}", quoted(selector)))
            }
            Target::All => {}
        }
        if !after.is_empty() {
            members.push(format!("\"after\":{}", quoted(after)));
        }
        format!("{{{}}}", members.join(","))
    }

    fn destination(&self) -> String {
        let (kind, name) = &self.to;
        kind.destination(name)
    }

    /// Returns what the action will do with the messages that were counted.
    pub fn question(&self, Counted { matched, held }: Counted) -> String {
        let messages = messages(matched);
        let (kind, name) = &self.to;
        let kind = kind.word();
        let question = match self.action {
            _ if matched == 0 => texts::queue::NOTHING.get().into(),
            Action::Move => texts::queue::WILL_MOVE.with(&[&messages, kind, name]),
            Action::Copy => texts::queue::WILL_COPY.with(&[&messages, kind, name]),
            Action::Retry => texts::queue::WILL_RETRY.with(&[&messages]),
            Action::Delete => texts::queue::WILL_DELETE.with(&[&messages]),
            Action::Remove | Action::Pause | Action::Resume => String::new(),
        };
        match held {
            0 => question,
            1 => texts::queue::ONE_HELD.with(&[&question]),
            held => texts::queue::MANY_HELD.with(&[&question, &grouped(held)]),
        }
    }

    /// Returns what an action that is not for messages will touch.
    pub fn question_about(&self, queue: &QueueFigures) -> String {
        let waiting = messages(queue.waiting);
        let consumers = match queue.consumers {
            1 => texts::queue::ONE_CONSUMER.get().to_owned(),
            count => texts::queue::MANY_CONSUMERS.with(&[&grouped(count)]),
        };
        match self.action {
            Action::Pause => texts::queue::WILL_PAUSE.with(&[&consumers, &waiting]),
            Action::Resume => texts::queue::WILL_RESUME.with(&[&waiting, &consumers]),
            Action::Remove if queue.consumers > 0 => {
                texts::queue::WILL_EMPTY.with(&[&waiting, &consumers])
            }
            Action::Remove => texts::queue::WILL_REMOVE.with(&[&waiting]),
            _ => String::new(),
        }
    }

    /// Returns the label of the button that carries the action out.
    pub fn button(&self, matched: Option<u64>) -> String {
        let count = matched.map(messages).unwrap_or_default();
        match self.action {
            Action::Move => texts::queue::MOVE_COUNT.with(&[&count]),
            Action::Copy => texts::queue::COPY_COUNT.with(&[&count]),
            Action::Retry => texts::queue::RETRY_COUNT.with(&[&count]),
            Action::Delete => texts::queue::DELETE_COUNT.with(&[&count]),
            other => other.title().into(),
        }
    }

    /// Returns what was done. `left` messages were not touched, although they were counted; `reason` may be empty.
    pub fn report(&self, done: u64, left: u64, reason: &str) -> String {
        let messages = messages(done);
        let (kind, name) = &self.to;
        let report = match self.action {
            Action::Move => texts::queue::MOVED.with(&[&messages, kind.word(), name]),
            Action::Copy => texts::queue::COPIED.with(&[&messages, kind.word(), name]),
            Action::Retry => texts::queue::SENT_BACK.with(&[&messages]),
            Action::Delete => texts::queue::DELETED.with(&[&messages]),
            Action::Remove => texts::queue::REMOVED.get().into(),
            Action::Pause => texts::queue::IS_PAUSED.get().into(),
            Action::Resume => texts::queue::GOES_ON.get().into(),
        };
        match (left, reason.is_empty()) {
            (0, true) => report,
            (left, true) => texts::queue::LEFT.with(&[&report, &grouped(left)]),
            (left, false) => texts::queue::LEFT_BECAUSE.with(&[&report, &grouped(left), reason]),
        }
    }
}

fn messages(count: u64) -> String {
    match count {
        1 => texts::queue::ONE_MESSAGE.get().into(),
        count => texts::queue::MANY_MESSAGES.with(&[&grouped(count)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(action: Action, target: Target) -> Order {
        Order {
            queue: "DLQ.a/b".into(),
            action,
            target,
            to: (Kind::Queue, "x\"y".into()),
        }
    }

    #[test]
    fn each_action_has_its_request() {
        let ids = || Target::Ids(vec!["1-1".into(), "1-2".into()]);
        let table = [
            (
                Action::Move,
                ids(),
                "POST",
                "/move",
                r#"{"to":"/queue/x\"y","ids":["1-1","1-2"]}"#,
            ),
            (
                Action::Copy,
                Target::All,
                "POST",
                "/copy",
                r#"{"to":"/queue/x\"y"}"#,
            ),
            (
                Action::Retry,
                Target::Matching("a = 'b'".into()),
                "POST",
                "/retry",
                r#"{"selector":"a = 'b'"}"#,
            ),
            (
                Action::Delete,
                Target::All,
                "POST",
                "/delete-messages",
                "{}",
            ),
            (Action::Remove, Target::All, "DELETE", "", ""),
            (Action::Pause, Target::All, "POST", "/pause", ""),
            (Action::Resume, Target::All, "POST", "/resume", ""),
        ];
        for (action, target, method, path, body) in table {
            let order = order(action, target);
            assert_eq!(order.method(), method);
            assert_eq!(order.address(), format!("api/queues/DLQ.a%2Fb{path}"));
            assert_eq!(order.body(""), body);
        }
    }

    #[test]
    fn the_question_says_how_many_messages_are_touched() {
        let question = |action, matched| {
            let counted = Counted { matched, held: 0 };
            order(action, Target::All).question(counted)
        };
        assert_eq!(
            question(Action::Move, 12),
            "This moves 12 messages to queue x\"y."
        );
        assert_eq!(
            question(Action::Delete, 1),
            "This deletes 1 message. They cannot be brought back."
        );
        assert!(question(Action::Retry, 0).starts_with("No message waits"));
        let counted = Counted {
            matched: 2,
            held: 3,
        };
        let question = order(Action::Delete, Target::All).question(counted);
        assert!(
            question.ends_with("3 messages that consumers have are left alone."),
            "{question}"
        );
    }

    #[test]
    fn the_question_about_a_queue_says_what_waits_and_who_takes_it() {
        let queue = QueueFigures {
            waiting: 5,
            consumers: 1,
            ..QueueFigures::default()
        };
        for action in [Action::Pause, Action::Resume, Action::Remove] {
            let question = order(action, Target::All).question_about(&queue);
            assert!(
                question.contains("5 messages") && question.contains("1 consumer"),
                "{question}"
            );
        }
        let alone = QueueFigures {
            consumers: 0,
            ..queue
        };
        let question = order(Action::Remove, Target::All).question_about(&alone);
        assert!(question.contains("deletes the queue"), "{question}");
    }

    #[test]
    fn the_report_says_what_was_left() {
        let order = order(Action::Delete, Target::All);
        assert_eq!(order.report(3, 0, ""), "Deleted 3 messages.");
        assert_eq!(
            order.report(1, 2, ""),
            "Deleted 1 message. 2 left as they were."
        );
        let with_reason = "Deleted 1 message. 2 left as they were: the queue is full.";
        assert_eq!(order.report(1, 2, "the queue is full"), with_reason);
    }
}

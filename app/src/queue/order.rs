//! An action on a queue that the reader has chosen: the request, and its description before and after it. Pure.

use super::{Addresses, Counted};
use crate::{console::Kind, figures::grouped, queues::QueueFigures, quoted::quoted};

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
            Self::Move => "Move messages",
            Self::Copy => "Copy messages",
            Self::Retry => "Retry dead letters",
            Self::Delete => "Delete messages",
            Self::Remove => "Delete the queue",
            Self::Pause => "Pause delivery",
            Self::Resume => "Resume delivery",
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
        format!("{}?dry-run=true", self.address())
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
        let to = format!("{} {name}", kind.name());
        let question = match self.action {
            _ if matched == 0 => "No message waits that this is for. Nothing would change.".into(),
            Action::Move => format!("This moves {messages} to {to}."),
            Action::Copy => format!("This copies {messages} to {to}. They stay here as well."),
            Action::Retry => format!("This sends {messages} back to where they came from."),
            Action::Delete => format!("This deletes {messages}. They cannot be brought back."),
            Action::Remove | Action::Pause | Action::Resume => String::new(),
        };
        match held {
            0 => question,
            1 => format!("{question} 1 message that a consumer has is left alone."),
            held => format!(
                "{question} {} messages that consumers have are left alone.",
                grouped(held)
            ),
        }
    }

    /// Returns what an action that is not for messages will touch.
    pub fn question_about(&self, queue: &QueueFigures) -> String {
        let waiting = messages(queue.waiting);
        let consumers = match queue.consumers {
            1 => "1 consumer".to_owned(),
            count => format!("{} consumers", grouped(count)),
        };
        match self.action {
            Action::Pause => format!(
                "The queue goes on to accept messages, but its {consumers} get no more of the {waiting} that wait until delivery is resumed."
            ),
            Action::Resume => {
                format!("The {waiting} that wait go to the queue’s {consumers} again.")
            }
            Action::Remove if queue.consumers > 0 => format!(
                "This deletes the {waiting} that wait. The queue itself stays while it has its {consumers}."
            ),
            Action::Remove => format!(
                "This deletes the queue and the {waiting} that wait. They cannot be brought back."
            ),
            _ => String::new(),
        }
    }

    /// Returns the label of the button that carries the action out.
    pub fn button(&self, matched: Option<u64>) -> String {
        let count = matched.map(messages).unwrap_or_default();
        match self.action {
            Action::Move => format!("Move {count}"),
            Action::Copy => format!("Copy {count}"),
            Action::Retry => format!("Retry {count}"),
            Action::Delete => format!("Delete {count}"),
            other => other.title().into(),
        }
    }

    /// Returns what was done. `left` messages were not touched, although they were counted; `reason` may be empty.
    pub fn report(&self, done: u64, left: u64, reason: &str) -> String {
        let messages = messages(done);
        let (kind, name) = &self.to;
        let report = match self.action {
            Action::Move => format!("Moved {messages} to {} {name}.", kind.name()),
            Action::Copy => format!("Copied {messages} to {} {name}.", kind.name()),
            Action::Retry => format!("Sent {messages} back."),
            Action::Delete => format!("Deleted {messages}."),
            Action::Remove => "Deleted the queue.".into(),
            Action::Pause => "Delivery is paused.".into(),
            Action::Resume => "Delivery goes on.".into(),
        };
        match (left, reason.is_empty()) {
            (0, true) => report,
            (left, true) => format!("{report} {} left as they were.", grouped(left)),
            (left, false) => format!("{report} {} left as they were: {reason}.", grouped(left)),
        }
    }
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".into(),
        count => format!("{} messages", grouped(count)),
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

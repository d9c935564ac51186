//! What the broker tells of its queues. The server writes it as JSON, the browser reads it.

use crate::{
    host::{text, whole},
    json::{self, Json},
};

/// The queues there are: the JSON of `/api/queues` and of the topic `$SYS.queues`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize))]
pub struct Queues {
    /// By name, at most as many as a page can show.
    pub queues: Vec<QueueFigures>,
    /// How many more there are.
    pub omitted: u64,
}

/// One queue. What is not said to be so now is counted since the queue was made.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "ssr",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct QueueFigures {
    pub name: String,
    /// Messages that no consumer has now.
    pub waiting: u64,
    /// Messages that consumers have now, and have not acknowledged.
    pub unacknowledged: u64,
    /// Those there are now.
    pub consumers: u64,
    /// Bytes held now for what waits and what is unacknowledged: bodies, headers, and what each message needs besides.
    pub bytes: u64,
    pub enqueued: u64,
    /// Handed to consumers, each time counted.
    pub dispatched: u64,
    pub acknowledged: u64,
    /// Handed out once more, after a consumer gave them back or left with them.
    pub redelivered: u64,
    /// Moved to a dead letter queue.
    pub dead_lettered: u64,
    /// Let go because their time was over.
    pub expired: u64,
    /// Let go for any other reason.
    pub discarded: u64,
}

pub fn read(body: &str) -> Option<Queues> {
    json::read(body)
        .ok()
        .map(|queues| Queues::from_json(&queues))
}

// A member that is missing has its default, so that pages and servers of neighbouring versions
// understand each other.

impl Queues {
    pub(crate) fn from_json(json: &Json<'_>) -> Self {
        let queues = json.member("queues").map_or(&[][..], Json::elements);
        Self {
            queues: queues.iter().map(QueueFigures::from_json).collect(),
            omitted: whole(json, "omitted"),
        }
    }
}

impl QueueFigures {
    fn from_json(json: &Json<'_>) -> Self {
        Self {
            name: text(json, "name").unwrap_or_default(),
            waiting: whole(json, "waiting"),
            unacknowledged: whole(json, "unacknowledged"),
            consumers: whole(json, "consumers"),
            bytes: whole(json, "bytes"),
            enqueued: whole(json, "enqueued"),
            dispatched: whole(json, "dispatched"),
            acknowledged: whole(json, "acknowledged"),
            redelivered: whole(json, "redelivered"),
            dead_lettered: whole(json, "deadLettered"),
            expired: whole(json, "expired"),
            discarded: whole(json, "discarded"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"{"queues":[{"name":"orders","waiting":12,"unacknowledged":3,"consumers":2,"bytes":1234,"enqueued":100,"dispatched":90,"acknowledged":85,"redelivered":1,"deadLettered":4,"expired":5,"discarded":6}],"omitted":7}"#;

    fn queues() -> Queues {
        let orders = QueueFigures {
            name: "orders".into(),
            waiting: 12,
            unacknowledged: 3,
            consumers: 2,
            bytes: 1234,
            enqueued: 100,
            dispatched: 90,
            acknowledged: 85,
            redelivered: 1,
            dead_lettered: 4,
            expired: 5,
            discarded: 6,
        };
        Queues {
            queues: vec![orders],
            omitted: 7,
        }
    }

    #[test]
    fn queues_are_read() {
        assert_eq!(read(WRITTEN), Some(queues()));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn queues_are_written_as_they_are_read() {
        let written = serde_json::to_string(&queues()).expect("JSON");
        assert_eq!(written, WRITTEN);
    }

    #[test]
    fn the_broker_may_say_more_and_less_than_is_known_here() {
        let queues = read(r#"{"queues":[{"name":"a","new":[1]},{}],"more":null}"#);
        let queues = queues.expect("queues");
        let names: Vec<_> = queues.queues.iter().map(|queue| &*queue.name).collect();
        assert_eq!((names, queues.omitted), (vec!["a", ""], 0));
    }

    #[test]
    fn what_is_not_json_is_nothing() {
        assert_eq!(read("queues"), None);
        assert_eq!(read("[]"), Some(Queues::default()));
    }
}

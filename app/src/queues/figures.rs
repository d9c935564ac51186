//! The broker's figures of its queues. The server writes them as JSON, the browser reads them.

use crate::{
    host::{text, whole},
    json::{self, Json},
};

/// All queues: the JSON of `/api/queues` and of the topic `$SYS.queues`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize))]
pub struct Queues {
    /// By name, at most as many as a page can show.
    pub queues: Vec<QueueFigures>,
    /// The number of further queues.
    pub omitted: u64,
    /// A text for people, while persistent messages are refused because of the disk.
    #[cfg_attr(feature = "ssr", serde(skip_serializing_if = "Option::is_none"))]
    pub warning: Option<String>,
}

/// One queue. Counts are since the queue was created, except where the field is described as current.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "ssr",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct QueueFigures {
    pub name: String,
    /// Current number of messages that no consumer has.
    pub waiting: u64,
    /// Current number of waiting messages that are only on disk.
    pub paged: u64,
    /// Current number of messages that consumers have and have not acknowledged.
    pub unacknowledged: u64,
    /// Current number of consumers.
    pub consumers: u64,
    /// Current bytes of waiting and unacknowledged messages: bodies, headers, and the overhead of each message.
    pub bytes: u64,
    pub enqueued: u64,
    /// Deliveries to consumers, including redeliveries.
    pub dispatched: u64,
    pub acknowledged: u64,
    /// Delivered again, after a consumer returned them or disconnected.
    pub redelivered: u64,
    /// Moved to a dead letter queue.
    pub dead_lettered: u64,
    /// Removed because they expired.
    pub expired: u64,
    /// Removed for any other reason.
    pub discarded: u64,
    /// Moved to another destination by an operator.
    pub moved: u64,
    /// An operator has paused the delivery to consumers.
    pub paused: bool,
}

pub fn read(body: &str) -> Option<Queues> {
    json::read(body)
        .ok()
        .map(|queues| Queues::from_json(&queues))
}

// A missing member gets its default, so that pages and servers of neighbouring versions understand each other.

impl Queues {
    pub(crate) fn from_json(json: &Json<'_>) -> Self {
        let queues = json.member("queues").map_or(&[][..], Json::elements);
        Self {
            queues: queues.iter().map(QueueFigures::from_json).collect(),
            omitted: whole(json, "omitted"),
            warning: text(json, "warning"),
        }
    }
}

impl QueueFigures {
    pub(crate) fn from_json(json: &Json<'_>) -> Self {
        Self {
            name: text(json, "name").unwrap_or_default(),
            waiting: whole(json, "waiting"),
            paged: whole(json, "paged"),
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
            moved: whole(json, "moved"),
            paused: matches!(json.member("paused"), Some(Json::Bool(true))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"{"queues":[{"name":"orders","waiting":12,"paged":8,"unacknowledged":3,"consumers":2,"bytes":1234,"enqueued":100,"dispatched":90,"acknowledged":85,"redelivered":1,"deadLettered":4,"expired":5,"discarded":6,"moved":9,"paused":true}],"omitted":7}"#;

    fn queues() -> Queues {
        let orders = QueueFigures {
            name: "orders".into(),
            waiting: 12,
            paged: 8,
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
            moved: 9,
            paused: true,
        };
        Queues {
            queues: vec![orders],
            omitted: 7,
            warning: None,
        }
    }

    #[test]
    fn queues_are_read() {
        assert_eq!(read(WRITTEN), Some(queues()));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_warning_survives_a_round_trip() {
        let queues = Queues {
            warning: Some("The disk is nearly full.".into()),
            ..Queues::default()
        };
        let written = serde_json::to_string(&queues).expect("JSON");
        let expected = r#"{"queues":[],"omitted":0,"warning":"The disk is nearly full."}"#;
        assert_eq!(written, expected);
        assert_eq!(read(&written), Some(queues));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn figures_of_queues_survive_a_round_trip() {
        let written = serde_json::to_string(&queues()).expect("JSON");
        assert_eq!(written, WRITTEN);
    }

    #[test]
    fn unknown_and_missing_members_are_accepted() {
        let queues = read(r#"{"queues":[{"name":"a","new":[1]},{}],"more":null}"#);
        let queues = queues.expect("queues");
        let names: Vec<_> = queues.queues.iter().map(|queue| &*queue.name).collect();
        assert_eq!((names, queues.omitted), (vec!["a", ""], 0));
    }

    #[test]
    fn a_text_that_is_not_json_gives_no_figures() {
        assert_eq!(read("queues"), None);
        assert_eq!(read("[]"), Some(Queues::default()));
    }
}

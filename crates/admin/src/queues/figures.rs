//! Queues as lines and records.

use printable::printable;
use serde::Deserialize;

use crate::{
    output::lines,
    table::{Align, Table, record},
    units,
};

/// The JSON of `/api/queues`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Queues {
    queues: Vec<Queue>,
    omitted: u64,
    pub next: Option<String>,
    warning: Option<String>,
}

/// A queue in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Queue {
    pub name: String,
    pub waiting: u64,
    paged: u64,
    unacknowledged: u64,
    pub consumers: u64,
    bytes: u64,
    enqueued: u64,
    dispatched: u64,
    acknowledged: u64,
    redelivered: u64,
    dead_lettered: u64,
    expired: u64,
    discarded: u64,
    moved: u64,
    /// True if the delivery to consumers is paused.
    paused: bool,
}

impl Queues {
    pub(super) fn render(&self) -> String {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("WAITING", Align::Right),
            ("HELD", Align::Right),
            ("SIZE", Align::Right),
            ("CONSUMERS", Align::Right),
            ("SENT", Align::Right),
            ("ACKNOWLEDGED", Align::Right),
            ("DEAD", Align::Right),
            ("STATE", Align::Left),
        ]);
        for queue in &self.queues {
            table.row([
                queue.name.clone(),
                queue.waiting.to_string(),
                queue.unacknowledged.to_string(),
                units::bytes(queue.bytes),
                queue.consumers.to_string(),
                queue.enqueued.to_string(),
                queue.acknowledged.to_string(),
                queue.dead_lettered.to_string(),
                queue.state().to_owned(),
            ]);
        }
        let mut text = lines(&table, self.queues.is_empty(), "no queues");
        if self.omitted > 0 {
            text.push_str(&format!("and {} more\n", self.omitted));
        }
        if let Some(warning) = &self.warning {
            text.push_str(&format!("{}\n", printable(warning)));
        }
        text
    }
}

impl Queue {
    /// Returns a word for what a reader must know; empty for a queue as usual.
    const fn state(&self) -> &'static str {
        if self.paused { "paused" } else { "" }
    }

    pub(super) fn record(&self) -> String {
        record(&[
            ("name", self.name.clone()),
            ("waiting", self.waiting.to_string()),
            ("on disk only", self.paged.to_string()),
            ("held by consumers", self.unacknowledged.to_string()),
            ("size", units::bytes(self.bytes)),
            ("consumers", self.consumers.to_string()),
            ("sent", self.enqueued.to_string()),
            ("deliveries", self.dispatched.to_string()),
            ("acknowledged", self.acknowledged.to_string()),
            ("redelivered", self.redelivered.to_string()),
            ("dead letters", self.dead_lettered.to_string()),
            ("expired", self.expired.to_string()),
            ("discarded", self.discarded.to_string()),
            ("moved", self.moved.to_string()),
            (
                "delivery",
                if self.paused { "paused" } else { "on" }.to_owned(),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_queues_and_warnings_follow_the_table() {
        let json =
            r#"{"queues":[{"name":"a","waiting":1}],"omitted":2,"warning":"The disk is\nfull."}"#;
        let queues: Queues = serde_json::from_str(json).expect("queues");
        let text = queues.render();
        assert!(
            text.ends_with("and 2 more\nThe disk is\\nfull.\n"),
            "{text}"
        );
        assert_eq!(Queues::default().render(), "no queues\n");
    }
}

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
    delayed: u64,
    rules: Option<Rules>,
}

/// The rules of a queue in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Rules {
    policy: Option<String>,
    time_to_live_ms: Option<u64>,
    length: u64,
    bytes: u64,
    overflow: String,
    dead_letters: String,
    max_redeliveries: u32,
    initial_redelivery_delay_ms: u64,
    redelivery_delay_ms: u64,
    back_off_multiplier: Option<f64>,
    maximum_redelivery_delay_ms: Option<u64>,
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
        let mut lines = vec![
            ("name", self.name.clone()),
            ("waiting", self.waiting.to_string()),
            ("to be redelivered", self.delayed.to_string()),
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
        ];
        if let Some(rules) = &self.rules {
            lines.extend(rules.lines());
        }
        record(&lines)
    }
}

impl Rules {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let milliseconds = |ms: Option<u64>| ms.map(|ms| format!("{ms} ms"));
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        let delays = [self.initial_redelivery_delay_ms, self.redelivery_delay_ms];
        let mut redelivery = format!("{} ms, then {} ms", delays[0], delays[1]);
        if let Some(factor) = self.back_off_multiplier {
            let most = milliseconds(self.maximum_redelivery_delay_ms);
            let most = most.map_or_else(String::new, |most| format!(", at most {most}"));
            redelivery.push_str(&format!(", each {factor} times the one before{most}"));
        }
        vec![
            ("policy", or_none(self.policy.clone())),
            ("time to live", or_none(milliseconds(self.time_to_live_ms))),
            ("maximum length", self.length.to_string()),
            ("maximum size", units::bytes(self.bytes)),
            ("when it is full", self.overflow.clone()),
            ("dead letters to", self.dead_letters.clone()),
            ("redeliveries", self.max_redeliveries.to_string()),
            ("redelivery delay", redelivery),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_shows_its_rules() {
        let json = r#"{"name":"a","delayed":2,"rules":{"policy":"a.>","length":7,"bytes":1024,"overflow":"refuse",
            "deadLetters":"discard","maxRedeliveries":3,"initialRedeliveryDelayMs":0,"redeliveryDelayMs":500,
            "backOffMultiplier":2.5,"maximumRedeliveryDelayMs":60000}}"#;
        let queue: Queue = serde_json::from_str(json).expect("a queue");
        let text = queue.record();
        for expected in [
            "a.>",
            "1.0 KiB",
            "discard",
            "0 ms, then 500 ms, each 2.5 times the one before, at most 60000 ms",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!Queue::default().record().contains("policy"));
    }

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

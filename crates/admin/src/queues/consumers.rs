//! The consumers of a queue.

use serde::Deserialize;

use super::command::{MessageList, QUEUES};
use crate::{
    output::lines,
    table::{Align, Table},
    target::Target,
    units,
};

/// Lists the consumers.
pub(super) async fn list(options: &MessageList) -> anyhow::Result<()> {
    let target = Target::new(QUEUES).part(&options.name).part("consumers");
    let render = |found: Consumers| (found.render(), found.next.map(|next| next.to_string()));
    options.show.print_list(target, &options.page, render).await
}

/// The JSON of `/api/queues/{queue}/consumers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consumers {
    consumers: Vec<Consumer>,
    next: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consumer {
    subscription: String,
    connection: Option<u64>,
    session: Option<String>,
    user: Option<String>,
    prefetch: u64,
    held: u64,
    oldest_held_ms: Option<u64>,
    selector: Option<String>,
}

impl Consumers {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("SUBSCRIPTION", Align::Right),
            ("CONNECTION", Align::Right),
            ("NAME", Align::Left),
            ("USER", Align::Left),
            ("PREFETCH", Align::Right),
            ("HELD", Align::Right),
            ("FOR", Align::Right),
            ("SELECTOR", Align::Left),
        ]);
        for consumer in &self.consumers {
            let connection = consumer.connection.map(|id| id.to_string());
            let held_for = consumer
                .oldest_held_ms
                .map(|ms| units::duration(ms / 1_000));
            table.row([
                consumer.subscription.clone(),
                connection.unwrap_or_default(),
                consumer.session.clone().unwrap_or_default(),
                consumer.user.clone().unwrap_or_default(),
                consumer.prefetch.to_string(),
                consumer.held.to_string(),
                held_for.unwrap_or_default(),
                consumer.selector.clone().unwrap_or_default(),
            ]);
        }
        lines(&table, self.consumers.is_empty(), "no consumers")
    }
}

//! The broker's figures as single topics below `$SYS/broker`, as in other MQTT brokers: plain text, published while
//! they have a subscriber. `$SYS.figures` has all figures together.

use app::Figures;
use broker::{Publication, TopicName};

use crate::{clock, server_publication};

/// Returns a message for each figure whose topic is `is_wanted`.
pub fn publications(
    figures: &Figures,
    detached_sessions: u64,
    is_wanted: impl Fn(&TopicName) -> bool,
) -> Vec<Publication> {
    let now_ms = clock::unix_ms();
    let all = listed(figures, detached_sessions).into_iter();
    all.filter_map(|(name, value)| {
        let topic = TopicName::new(&format!("$SYS.broker.{name}")).ok()?;
        is_wanted(&topic).then(|| server_publication::text(topic, &value, now_ms))
    })
    .collect()
}

/// Figures that mosquitto has too have the same names.
fn listed(figures: &Figures, detached_sessions: u64) -> Vec<(&'static str, String)> {
    let Figures {
        version,
        uptime_seconds,
        connections,
        ..
    } = figures;
    let mut listed = vec![
        ("version", format!("Carillon {version}")),
        ("uptime", format!("{uptime_seconds} seconds")),
        ("clients.connected", connections.to_string()),
        ("clients.disconnected", detached_sessions.to_string()),
        (
            "clients.total",
            (connections + detached_sessions).to_string(),
        ),
        ("subscriptions.count", figures.subscriptions.to_string()),
        ("topics.count", figures.topics.to_string()),
        ("messages.received", figures.published.to_string()),
        ("messages.sent", figures.delivered.to_string()),
        ("publish.messages.dropped", figures.dropped.to_string()),
        ("load.messages.received", rate(figures.published_per_second)),
        ("load.messages.sent", rate(figures.delivered_per_second)),
        ("store.messages.bytes", figures.bytes_held.to_string()),
    ];
    if let Some(disk) = &figures.disk {
        listed.extend([
            ("disk.bytes.free", disk.free_bytes.to_string()),
            ("disk.bytes.required", disk.required_bytes.to_string()),
            ("disk.bytes.log", disk.log_bytes.to_string()),
            (
                "disk.refuses.persistent",
                disk.refuses_persistent.to_string(),
            ),
            ("disk.syncs.count", disk.syncs.to_string()),
            ("disk.syncs.last", format!("{:.3} ms", disk.last_sync_ms)),
        ]);
    }
    listed
}

/// Formats a rate per second.
fn rate(per_second: f64) -> String {
    format!("{per_second:.2}")
}

#[cfg(test)]
mod tests {
    use app::DiskFigures;

    use super::*;

    #[test]
    fn a_figure_is_published_on_its_wanted_topic() {
        let figures = Figures {
            version: "1.2.3".to_owned(),
            connections: 5,
            ..Figures::default()
        };
        let found = publications(&figures, 2, |topic| topic.as_str().contains(".clients."));
        let topics: Vec<_> = found.iter().map(|one| one.topic().as_str()).collect();
        let clients = "$SYS.broker.clients";
        let expected =
            ["connected", "disconnected", "total"].map(|name| format!("{clients}.{name}"));
        assert_eq!(topics, expected);
    }

    #[test]
    fn the_disk_is_there_only_with_a_store() {
        let names = |figures: &Figures| {
            let found = publications(figures, 0, |topic| topic.as_str().contains(".disk."));
            found.len()
        };
        let in_memory = Figures::default();
        let stored = Figures {
            disk: Some(DiskFigures::default()),
            ..Figures::default()
        };
        assert_eq!((names(&in_memory), names(&stored)), (0, 6));
    }
}

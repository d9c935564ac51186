//! The part of `docs/src/measure/comparison.md` about messages on disk.

use super::{Figures, Limits, Participant, Plan, RunningPeer, SHAPES, SyncRate};
use crate::bench::load::median;
use crate::bench::peers::DATA_HEADING;
use crate::bench::{machine, table};

pub fn document(
    plan: &Plan,
    peers: &[RunningPeer],
    participants: &[Participant],
    limits: &Limits,
    missing: &[String],
) -> String {
    let mut versions: Vec<_> = peers.iter().filter_map(|peer| peer.version(plan)).collect();
    versions.dedup();
    let command = plan.command.trim_end();
    let mut text = format!(
        "{DATA_HEADING}\n\n\
         {}, {}; load {:.1} at the end. `{command}`: {} of {} s, all servers and the device in one run.\n\
         Payloads of 100 bytes; nothing consumes the messages: they wait in a queue (STOMP), for a session that is not \
         connected (MQTT, QoS 1)\nor in a stream (JetStream); {}.\n\n\
         ## Confirmed messages per second (CPU of the server, µs per message)\n\n",
        machine::date(),
        machine::machine(),
        machine::load(),
        table::rounds(plan.rounds),
        plan.seconds,
        versions.join(", "),
    );
    text.push_str(&rates(participants, limits));
    text.push_str(
        "\nThe first two rows are loops that write messages of the same size and wait for `fdatasync`: as many messages as \
         are in flight, and as\nmany as Carillon writes with one sync. A client with one message in flight waits for a round \
         trip and a sync.\n",
    );
    text.push_str(&round_trips(limits));
    text.push_str("\n## Syncs for each confirmed message\n\n");
    text.push_str(&syncs(participants));
    text.push_str(
        "\nCounted with strace in a run of its own. A broker with fewer syncs than groups of messages confirms what is not on \
         the medium:\nafter a power failure, confirmed messages are missing.\n\n\
         ## Time until the confirmation, p50 / p99 in ms\n\n",
    );
    text.push_str(&latencies(participants));
    for peer in missing {
        text.push_str(&format!("\nMissing: {peer}.\n"));
    }
    text
}

fn rates(participants: &[Participant], limits: &Limits) -> String {
    let mut lines = table::head(&titles());
    let of_device = |name: &str, rates: &[Vec<SyncRate>]| {
        let cells: Vec<_> = rates.iter().map(|rounds| device(rounds)).collect();
        table::line(name, &cells)
    };
    lines.push_str(&of_device(
        "write and sync, all in flight",
        &limits.in_flight,
    ));
    lines.push_str(&of_device(
        "write and sync, groups of Carillon",
        &limits.as_carillon,
    ));
    for participant in participants {
        let cells = participant.medians().map(|figures| {
            figures.map_or_else(none, |figures| {
                let wrong = match figures.unconfirmed {
                    0 => "",
                    _ => " unconfirmed messages",
                };
                let cpu = table::micros(figures.cpu_us);
                format!("{} ({cpu}){wrong}", table::count(figures.per_second))
            })
        });
        lines.push_str(&table::line(&participant.name, &cells));
    }
    lines
}

/// Renders messages per second and, in brackets, the number of messages in each write.
fn device(rounds: &[SyncRate]) -> String {
    let rate = median(rounds.iter().map(|one| one.messages_per_second()));
    match (rate, rounds.first()) {
        (Some(rate), Some(first)) => format!("{} [{}]", table::count(rate), first.messages),
        _ => none(),
    }
}

fn round_trips(limits: &Limits) -> String {
    let rate = |rounds: &[f64]| median(rounds.iter().copied()).map_or_else(none, table::count);
    format!(
        "Without any protocol, one blocking thread answers {} requests a second over loopback, and {} with a sync before \
         each answer:\nno server can confirm more with one message in flight.\n",
        rate(&limits.round_trips),
        rate(&limits.synced_round_trips),
    )
}

fn syncs(participants: &[Participant]) -> String {
    let mut lines = table::head(&titles());
    for participant in participants {
        let cells = participant
            .syncs
            .map(|syncs| syncs.map_or_else(none, ratio));
        lines.push_str(&table::line(&participant.name, &cells));
    }
    lines
}

fn ratio(syncs: f64) -> String {
    match syncs {
        0.0 => "0".to_owned(),
        0.1.. => format!("{syncs:.2}"),
        _ => format!("{syncs:.4}"),
    }
}

fn latencies(participants: &[Participant]) -> String {
    let mut lines = table::head(&titles());
    for participant in participants {
        let cells = participant.medians().map(|figures| {
            figures.map_or_else(none, |figures| {
                let [p50, p99] =
                    [figures.p50_us, figures.p99_us].map(|us| format!("{:.2}", us / 1e3));
                format!("{p50} / {p99}")
            })
        });
        lines.push_str(&table::line(&participant.name, &cells));
    }
    lines
}

impl Participant {
    fn medians(&self) -> [Option<Figures>; SHAPES.len()] {
        std::array::from_fn(|column| Figures::median(&self.results[column]))
    }
}

fn titles() -> Vec<&'static str> {
    SHAPES.iter().map(|shape| shape.title).collect()
}

fn none() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_syncs_and_limits_are_rendered_as_tables() {
        let figures = Figures {
            per_second: 4_000.0,
            cpu_us: 12.0,
            p50_us: 250.0,
            p99_us: 900.0,
            unconfirmed: 0,
        };
        let mut participant = Participant {
            peer: 0,
            endpoint: 0,
            name: "Carillon (MQTT)".to_owned(),
            results: Default::default(),
            syncs: [Some(1.0), Some(0.0), None, Some(0.0016)],
        };
        participant.results[0].push(figures);
        participant.results[1].push(Figures {
            unconfirmed: 3,
            ..figures
        });
        let mut limits = Limits::default();
        limits.in_flight[0].push(SyncRate {
            messages: 1,
            syncs_per_second: 5_000.0,
        });
        limits.round_trips.push(30_000.0);
        let participants = [participant];
        let text = rates(&participants, &limits);
        assert!(
            text.contains("| write and sync, all in flight | 5.0k [1] | – | – | – |"),
            "{text}"
        );
        assert!(
            text.ends_with(
                "| Carillon (MQTT) | 4.0k (12) | 4.0k (12) unconfirmed messages | – | – |\n"
            ),
            "{text}"
        );
        let text = syncs(&participants);
        assert!(
            text.ends_with("| Carillon (MQTT) | 1.00 | 0 | – | 0.0016 |\n"),
            "{text}"
        );
        let text = latencies(&participants);
        assert!(text.contains("| 0.25 / 0.90 |"), "{text}");
        assert!(
            round_trips(&limits).contains("answers 30k requests a second over loopback, and –")
        );
    }
}

//! The metrics as text, and the files that use their names.

use std::collections::BTreeSet;

use broker::{Outcome, Publication, TopicName};
use clap::Parser as _;
use tokio::sync::watch;

use super::{
    catalogue::{ALL, Metric},
    snapshot::StoreFigures,
    *,
};
use crate::{cli::Cli, measurements::Histogram};

/// Returns the metrics of a server that has every kind of value: queues, a certificate and a store.
fn page(format: Format) -> String {
    let (_, stopping) = watch::channel(false);
    let options = Cli::parse_from(["carillon"]).serve.server_options();
    let server = Server::new(options.expect("valid options").shared, stopping);
    for (name, messages) in [("a \"b\"\\c", 2), ("d", 1)] {
        let name = TopicName::new(name).expect("a name");
        let message = |_| Publication::to_queue(name.clone(), "p".into(), 1_000, b"body");
        let mut batch = (0..messages).map(message).collect();
        server.broker.publish(&mut batch, &mut Outcome::default());
    }
    server.measurements.set_certificate_expiry(2_000_000_000);
    let survey = Arc::new(server.broker.survey(1));
    let mut snapshot = Snapshot::take(&server, survey);
    snapshot.store = Some(StoreFigures {
        disk: app::DiskFigures::default(),
        sync: Histogram::new(&[1_000]).figures(),
        written_bytes: 0,
    });
    encode(snapshot, format).expect("a text")
}

/// Returns the names of all series.
fn series(page: &str) -> BTreeSet<&str> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect()
}

#[test]
fn a_response_has_every_metric_of_the_catalogue_in_order_with_a_value() {
    let page = page(Format::OpenMetrics);
    let described: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let listed: Vec<_> = ALL
        .iter()
        .map(|metric| {
            let unit = metric.unit.as_ref().map(|unit| unit.as_str());
            let unit = unit.map_or_else(String::new, |unit| format!("_{unit}"));
            format!("{}{unit} {}", metric.name, metric.kind.as_str())
        })
        .collect();
    assert_eq!(described, listed);
    let series = series(&page);
    for name in ALL.iter().map(|metric| metric.full_name()) {
        let has_value = series.contains(&*name) || series.contains(&*format!("{name}_bucket"));
        assert!(has_value, "{name}");
    }
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn both_formats_have_the_same_series() {
    let open_metrics = page(Format::OpenMetrics);
    let prometheus = page(Format::Prometheus);
    assert_eq!(series(&open_metrics), series(&prometheus));
    assert!(!prometheus.contains("# EOF"), "{prometheus}");
}

#[test]
fn names_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for metric in ALL {
        let Metric {
            name, labels, help, ..
        } = metric;
        let is_plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        assert!(is_plain(name), "{name}");
        assert!(labels.iter().all(|label| is_plain(label)), "{name}");
        let is_prefixed = name.starts_with("carillon_") || name.starts_with("process_");
        assert!(is_prefixed, "{name}");
        for ending in [
            "_total", "_seconds", "_bytes", "_info", "_count", "_sum", "_bucket",
        ] {
            assert!(!name.ends_with(ending), "{name}: the encoder adds it");
        }
        assert!(
            !help.ends_with('.') && !help.contains(['"', '\\', '\n']),
            "{name}"
        );
        assert!(names.insert(metric.full_name()), "{name} is listed twice");
    }
}

#[test]
fn the_name_of_a_queue_is_escaped_and_the_other_queues_are_one_sum() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let page = page(format);
        for line in [
            r#"carillon_queue_waiting_messages{queue="a \"b\"\\c"} 2"#,
            r#"carillon_queue_waiting_messages{queue="$others"} 1"#,
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
        assert!(!page.contains(r#"enqueued_messages_total{queue="$others"}"#));
    }
}

/// Returns the table of the documentation.
fn table() -> String {
    let mut table = "| name | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for metric in ALL {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        table.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            metric.full_name(),
            metric.kind.as_str(),
            labels.join(", "),
            metric.help
        ));
    }
    table
}

#[test]
fn the_documentation_has_the_table_of_all_metrics() {
    let page = include_str!("../../../docs/src/operate/metrics.md");
    let table = table();
    assert!(
        page.contains(&table),
        "docs/src/operate/metrics.md must contain this table:\n\n{table}"
    );
}

/// Returns the words of a text that are names of metrics: lines of comments are not examined.
fn names_in(text: &str) -> BTreeSet<&str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let words = lines
        .flat_map(|line| line.split(|char: char| !char.is_ascii_alphanumeric() && char != '_'));
    words
        .filter(|word| word.starts_with("carillon_") || word.starts_with("process_"))
        .collect()
}

#[test]
fn the_dashboard_and_the_alert_rules_use_only_existing_metrics() {
    let page = page(Format::OpenMetrics);
    let series = series(&page);
    for (file, text) in [
        (
            "grafana-dashboard.json",
            include_str!("../../../deploy/grafana-dashboard.json"),
        ),
        (
            "prometheus-alerts.yml",
            include_str!("../../../deploy/prometheus-alerts.yml"),
        ),
    ] {
        let used = names_in(text);
        assert!(used.len() > 5, "{file} uses metrics");
        let unknown: Vec<_> = used.difference(&series).collect();
        assert_eq!(unknown, [] as [&&str; 0], "{file}");
    }
}

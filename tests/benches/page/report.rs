//! Renders the report as tables and as JSON.

use std::time::Duration;

use serde_json::json;

use crate::account::Account;
use crate::load::{Load, Series};
use crate::options::Options;
use crate::start::Start;
use crate::window::Sample;

pub fn write(options: Options, starts: &[Start], load: &Load) -> String {
    let mut report = Report::default();
    if !starts.is_empty() {
        report.starts(starts);
    }
    report.line(&format!(
        "\n{} messages/s on each of two topics, {} s; {} sent on each; {}",
        options.rate,
        options.duration.as_secs(),
        load.sent,
        load.machine
    ));
    report.load(&load.series);
    report.accounts(&load.series);
    let series = load.series.iter().map(
        |series| json!({"page": series.page, "account": series.account, "samples": series.samples}),
    );
    let all = json!({
        "rate": options.rate,
        "seconds": options.duration.as_secs(),
        "sent": load.sent,
        "machine": load.machine,
        "starts": starts,
        "windows": series.collect::<Vec<_>>(),
    });
    report.line(&format!("\n{all}"));
    report.0
}

/// Prints one line of progress after each round.
pub fn print_progress(elapsed: Duration, options: Options, series: &[Series]) {
    let pages = series.iter().filter_map(|series| {
        let one = series.samples.last()?;
        Some(format!(
            "  {} {:.0} frames/s, task {:.0} ms, input {:.0} ms, heap {:.1} MB",
            series.page,
            one.frames * 1000.0 / one.milliseconds,
            one.longest_task,
            one.longest_input,
            one.heap_bytes / 1e6
        ))
    });
    let pages: String = pages.collect();
    let (elapsed, all) = (elapsed.as_secs(), options.duration.as_secs());
    eprintln!("{elapsed:>4} of {all} s{pages}");
}

#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn row(&mut self, name: &str, values: &[impl AsRef<str>]) {
        let values = values.iter().map(|value| format!("{:>30}", value.as_ref()));
        let values: String = values.collect();
        self.line(&format!("{name:<30}{values}"));
    }

    fn starts(&mut self, starts: &[Start]) {
        self.line(&format!(
            "{:<20} {:<7} {:>8} {:>10} {:>8} {:>14} {:>8}",
            "ms to (/rect)", "cache", "paint", "started", "live", "first message", "kB"
        ));
        for start in starts {
            self.line(&format!(
                "{:<20} {:<7} {:>8.0} {:>10.0} {:>8.0} {:>14.0} {:>8.1}",
                start.line,
                start.cache,
                start.paint,
                start.started,
                start.live,
                start.first_message,
                start.bytes / 1000.0
            ));
        }
    }

    fn load(&mut self, series: &[Series]) {
        let pages: Vec<_> = series.iter().map(|series| series.page).collect();
        self.row("", &pages);
        for (name, figure) in FIGURES {
            let values = series.iter().map(|series| figure(&series.samples));
            self.row(name, &values.collect::<Vec<_>>());
        }
    }

    /// Adds the totals of the topics. They were read after all messages had arrived: published =
    /// received + missed.
    fn accounts(&mut self, series: &[Series]) {
        let accounts: Vec<_> = series.iter().filter_map(|series| series.account).collect();
        if accounts.is_empty() {
            return;
        }
        let figures: [(&str, fn(Account) -> i64); 4] = [
            ("published on the topic", |one| one.published.cast_signed()),
            ("received and shown", |one| one.received.cast_signed()),
            ("missed: reported as skipped", |one| {
                one.missed.cast_signed()
            }),
            ("unaccounted for", Account::unaccounted),
        ];
        for (name, figure) in figures {
            let values = accounts.iter().map(|account| figure(*account).to_string());
            self.row(name, &values.collect::<Vec<_>>());
        }
    }
}

const FIGURES: [(&str, fn(&[Sample]) -> String); 17] = [
    ("frames/s", |all| per_second(all, |one| one.frames)),
    ("longest frame, ms", |all| {
        most(all, |one| one.longest_frame)
    }),
    ("tasks > 50 ms, per minute", |all| {
        format!(
            "{:.1}",
            60.0 * total(all, |one| one.long_tasks) / seconds(all)
        )
    }),
    ("longest task, ms", |all| most(all, |one| one.longest_task)),
    ("input delay, mean ms", |all| {
        let inputs = total(all, |one| one.inputs).max(1.0);
        format!("{:.1}", total(all, |one| one.input_delay) / inputs)
    }),
    ("input delay, greatest ms", |all| {
        most(all, |one| one.longest_input)
    }),
    ("timer lag, greatest ms", |all| {
        most(all, |one| one.longest_lag)
    }),
    ("event of the socket, most ms", |all| {
        most(all, |one| one.longest_event)
    }),
    ("  most bytes", |all| most(all, |one| one.largest_event)),
    ("before a frame, most ms", |all| {
        most(all, |one| one.longest_draw)
    }),
    ("main thread, µs a message", cost),
    ("main thread busy, %", |all| {
        share(all, |one| one.busy_seconds)
    }),
    ("  script, %", |all| share(all, |one| one.script_seconds)),
    ("  style and layout, %", |all| {
        share(all, |one| one.layout_seconds)
    }),
    ("heap, MB (growth per minute)", |all| {
        memory(all, |one| one.heap_bytes)
    }),
    ("WASM memory, MB (growth)", |all| {
        memory(all, |one| one.wasm_bytes)
    }),
    ("nodes", |all| last(all, |one| one.nodes)),
];

type Figure = fn(&Sample) -> f64;

fn seconds(all: &[Sample]) -> f64 {
    total(all, |one| one.milliseconds) / 1000.0
}

fn total(all: &[Sample], figure: Figure) -> f64 {
    all.iter().map(figure).sum()
}

fn per_second(all: &[Sample], figure: Figure) -> String {
    format!("{:.1}", total(all, figure) / seconds(all))
}

fn most(all: &[Sample], figure: Figure) -> String {
    format!("{:.0}", all.iter().map(figure).fold(0.0, f64::max))
}

fn last(all: &[Sample], figure: Figure) -> String {
    all.last()
        .map_or("-".into(), |one| format!("{:.0}", figure(one)))
}

/// Returns the share of the time between the first and the last sample, in per cent, for a
/// cumulative figure.
fn share(all: &[Sample], figure: Figure) -> String {
    let [first, rest @ .., last] = all else {
        return "-".into();
    };
    let between = seconds(rest) + last.milliseconds / 1000.0;
    format!("{:.1}", 100.0 * (figure(last) - figure(first)) / between)
}

/// Returns the CPU time for each received message between the first and the last sample, in
/// microseconds.
fn cost(all: &[Sample]) -> String {
    let [first, .., last] = all else {
        return "-".into();
    };
    let received = last.received - first.received;
    if received <= 0.0 {
        return "-".into();
    }
    let seconds = last.busy_seconds - first.busy_seconds;
    format!("{:.1}", 1e6 * seconds / received)
}

/// Renders a figure at the start, in the middle and at the end, in megabytes, and its growth per
/// minute: the slope of the line that fits best.
fn memory(all: &[Sample], figure: Figure) -> String {
    let megabytes = |one: &Sample| figure(one) / 1e6;
    let [first, .., last] = all else {
        return "-".into();
    };
    let middle = &all[all.len() / 2];
    let mut at = 0.0;
    let points: Vec<_> = all
        .iter()
        .map(|one| {
            at += one.milliseconds / 60_000.0;
            (at, megabytes(one))
        })
        .collect();
    let slope = slope(&points);
    let [first, middle, last] = [first, middle, last].map(megabytes);
    format!("{first:.2} {middle:.2} {last:.2} ({slope:+.3})")
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let rise: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    let run: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if run > 0.0 { rise / run } else { 0.0 }
}

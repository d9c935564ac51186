//! What was measured, as tables and as JSON.

use serde_json::json;

use crate::load::{Load, Series};
use crate::options::Options;
use crate::start::Start;
use crate::window::Sample;

pub fn print(options: Options, starts: &[Start], load: &Load) {
    print_starts(starts);
    println!(
        "\n{} messages/s on each of two topics, {} s; {} sent on each",
        options.rate,
        options.duration.as_secs(),
        load.sent
    );
    print_load(&load.series);
    let series = load.series.iter();
    let series: Vec<_> = series
        .map(|series| json!({"page": series.page, "samples": series.samples}))
        .collect();
    let all = json!({
        "rate": options.rate,
        "seconds": options.duration.as_secs(),
        "sent": load.sent,
        "starts": starts,
        "windows": series,
    });
    println!("\n{all}");
}

fn print_starts(starts: &[Start]) {
    println!(
        "{:<20} {:<7} {:>8} {:>10} {:>8} {:>14} {:>8}",
        "ms to (/rect)", "cache", "paint", "hydrated", "live", "first message", "kB"
    );
    for start in starts {
        println!(
            "{:<20} {:<7} {:>8.0} {:>10.0} {:>8.0} {:>14.0} {:>8.1}",
            start.line,
            start.cache,
            start.paint,
            start.hydrated,
            start.live,
            start.first_message,
            start.bytes / 1000.0
        );
    }
}

fn print_load(series: &[Series]) {
    let pages: Vec<_> = series.iter().map(|series| series.page).collect();
    row("", &pages);
    let figures: [(&str, fn(&[Sample]) -> String); 14] = [
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
        ("main thread busy, %", |all| {
            share(all, |one| one.busy_seconds)
        }),
        ("  script, %", |all| share(all, |one| one.script_seconds)),
        ("  style and layout, %", |all| {
            share(all, |one| one.layout_seconds)
        }),
        ("received", |all| last(all, |one| one.received)),
        ("heap, MB (growth per minute)", |all| {
            memory(all, |one| one.heap_bytes)
        }),
        ("WASM memory, MB (growth)", |all| {
            memory(all, |one| one.wasm_bytes)
        }),
        ("nodes", |all| last(all, |one| one.nodes)),
    ];
    for (name, figure) in figures {
        let values: Vec<_> = series
            .iter()
            .map(|series| figure(&series.samples))
            .collect();
        row(name, &values.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn row(name: &str, values: &[&str]) {
    let values: String = values.iter().map(|value| format!("{value:>18}")).collect();
    println!("{name:<30}{values}");
}

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

/// Of a figure that adds up from the beginning: how much of the time from the first sample to the last.
fn share(all: &[Sample], figure: Figure) -> String {
    let [first, rest @ .., last] = all else {
        return "-".into();
    };
    let between = seconds(rest) + last.milliseconds / 1000.0;
    format!("{:.1}", 100.0 * (figure(last) - figure(first)) / between)
}

/// What it was in the end, and how much it grew in a minute: the slope of the line that fits best.
fn memory(all: &[Sample], figure: Figure) -> String {
    let megabytes = |one: &Sample| figure(one) / 1e6;
    let Some(last) = all.last() else {
        return "-".into();
    };
    let mut at = 0.0;
    let points: Vec<_> = all
        .iter()
        .map(|one| {
            at += one.milliseconds / 60_000.0;
            (at, megabytes(one))
        })
        .collect();
    format!("{:.2} ({:+.3})", megabytes(last), slope(&points))
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

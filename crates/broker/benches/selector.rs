//! Measures parsing and evaluating selectors. Run it with `cargo bench -p carillon-broker --bench
//! selector`.

use std::sync::Arc;

use broker::{
    Broker, Header, Limits, Outcome, Properties, Publication, Selector, SharedEntry, TopicName,
    Value,
};
use divan::Bencher;

fn main() {
    divan::main();
}

const TYPICAL: &str =
    "type = 'car' AND colour IN ('blue', 'red') AND weight > 2500 AND model LIKE 'A-%'";

/// A comparison of strings, a comparison with a number, a pattern, and all of them together.
const SELECTORS: [&str; 4] = [
    "colour = 'blue'",
    "weight > 2500",
    "model LIKE '%123_'",
    TYPICAL,
];

#[divan::bench(args = SELECTORS)]
fn parse(text: &str) -> Selector {
    selector(text)
}

#[divan::bench(args = SELECTORS)]
fn matches(bencher: Bencher<'_, '_>, text: &str) {
    let (selector, entry) = (selector(text), entry());
    assert!(selector.matches(&*entry), "{text}");
    bencher.bench_local(|| selector.matches(&*entry));
}

/// The maximum cost of one pattern for a header of 8 KiB: patterns with each kind of part, which
/// almost match at each position.
#[divan::bench(args = ["%{long}b%", "%b{long}%", "%{short}_b%", "%a_b%", "%a%b%"])]
fn worst_case_pattern(bencher: Bencher<'_, '_>, pattern: &str) {
    let selector = selector(&format!("a LIKE '{}'", filled(pattern)));
    let header = "a".repeat(8 * 1024);
    bencher.bench_local(|| selector.matches(&Same(&header)));
}

/// The maximum cost of patterns: as many as are allowed.
#[divan::bench(args = [("%a_b%", "a"), ("%ä_b%", "ä"), ("%a{each}b%", "a"), ("%b{each}%", "a")])]
fn worst_case_patterns(bencher: Bencher<'_, '_>, (pattern, letter): (&str, &str)) {
    let test = format!("a LIKE '{}'", filled(pattern));
    let selector = selector(&vec![test; Selector::MAX_SEARCHES].join(" OR "));
    let header = letter.repeat(8 * 1024 / letter.len());
    bencher.bench_local(|| selector.matches(&Same(&header)));
}

/// Replaces the placeholders in a pattern with letters of the named length.
fn filled(pattern: &str) -> String {
    let lengths = [
        ("{long}", Selector::MAX_PATTERN_CHARS / 2 - 2),
        ("{short}", Selector::MAX_PART_CHARS - 2),
        (
            "{each}",
            Selector::MAX_PATTERN_CHARS / Selector::MAX_SEARCHES - 4,
        ),
    ];
    lengths
        .iter()
        .fold(pattern.to_owned(), |text, (name, length)| {
            text.replace(name, &"a".repeat(*length))
        })
}

/// The maximum cost of identifiers: as many as are allowed, each for the last header of the largest
/// number of headers.
#[divan::bench(args = ["h", "as-long-as-names-can-be"])]
fn worst_case_names(bencher: Bencher<'_, '_>, name: &str) {
    let last = format!("\"{name}127\"");
    let selector = selector(&vec![last; Selector::MAX_TERMS].join("OR"));
    let headers = (0..128).map(|at| (format!("{name}{at:03}"), "false".to_owned()));
    let entry = publish(headers.collect());
    bencher.bench_local(|| selector.matches(&*entry));
}

/// The maximum cost of parsing numbers: as many comparisons as are allowed, with a short number,
/// one of 8 KiB, and one that is expensive to round.
#[divan::bench(args = ["1", "long", "10000000000000000175e279"])]
fn worst_case_numbers(bencher: Bencher<'_, '_>, number: &str) {
    let tests = vec!["a>1"; Selector::MAX_TERMS / 2];
    let selector = selector(&tests.join(" OR "));
    let header = match number {
        "long" => "1".repeat(8 * 1024),
        _ => number.to_owned(),
    };
    let header = "-".to_owned() + &header;
    bencher.bench_local(|| selector.matches(&Same(&header)));
}

struct Same<'a>(&'a str);

impl Properties for Same<'_> {
    fn property(&self, _: &str) -> Option<Value<'_>> {
        Some(Value::Text(self.0))
    }
}

fn selector(text: &str) -> Selector {
    Selector::new(text).expect("a selector")
}

fn entry() -> SharedEntry {
    let headers = [
        ("content-length", "17"),
        ("type", "car"),
        ("colour", "blue"),
        ("weight", "2501.5"),
        ("model", "A-1234"),
    ];
    publish(
        headers
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
    )
}

fn publish(headers: Vec<(String, String)>) -> SharedEntry {
    let topic = TopicName::new("cars").expect("a name");
    let headers = headers.into_iter().map(|(name, value)| Header {
        name: name.into(),
        value: value.into(),
    });
    let publication = Publication::new(topic.clone(), Arc::from("session"), 0, &[])
        .with_headers(None, headers.collect());
    let broker = Broker::new(1, Limits::default());
    broker.publish(&mut vec![publication], &mut Outcome::default());
    broker.last_image(&topic).expect("just published")
}

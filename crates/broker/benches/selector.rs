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

/// The maximum cost of a body: as many searches as are allowed in a text of maximum length.
#[divan::bench(args = ["body LIKE '%a_b%'", "body REGEXP '(a|aa)+b'", "body REGEXP 'a[^a]{3}b'", "body.b LIKE '%a_b%'"])]
fn worst_case_bodies(bencher: Bencher<'_, '_>, test: &str) {
    let selector = selector(&[test; Selector::MAX_BODY_SEARCHES].join(" OR "));
    let start = "{\"b\":\"";
    let letters = "a".repeat(Selector::MAX_BODY_BYTES - start.len() - 2);
    let body = format!("{start}{letters}\"}}");
    bencher.bench_local(|| selector.matches(&Same(&body)));
}

/// The maximum cost of fields: a body of many members, and as many fields as are allowed.
#[divan::bench(args = [1, 256])]
fn worst_case_fields(bencher: Bencher<'_, '_>, fields: usize) {
    let tests: Vec<_> = (0..fields / 2 + 1)
        .map(|at| format!("body.a{at} = 'x'"))
        .collect();
    let selector = selector(&tests[..fields.div_ceil(2)].join(" OR "));
    let members: Vec<_> = (0..6_000).map(|at| format!("\"a{at}\":1")).collect();
    let body = format!("{{{}}}", members.join(","));
    assert!(body.len() <= Selector::MAX_BODY_BYTES);
    bencher.bench_local(|| selector.matches(&Same(&body)));
}

/// Compiling patterns.
#[divan::bench(args = ["error|warn", "(?i)timeout|refused|fatal", r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}"])]
fn parse_regexp(pattern: &str) -> Selector {
    selector(&format!("a REGEXP '{pattern}'"))
}

/// A field of a typical reading.
#[divan::bench]
fn matches_field(bencher: Bencher<'_, '_>) {
    let selector = selector("body.data.temp > 20");
    let body =
        r#"{"producerId":"p-17","date":"2026-01-01T00:00:00Z","data":{"unit":"C","temp":21.5}}"#;
    assert!(selector.matches(&Same(body)));
    bencher.bench_local(|| selector.matches(&Same(body)));
}

struct Same<'a>(&'a str);

impl Properties for Same<'_> {
    fn property(&self, _: &str) -> Option<Value<'_>> {
        Some(Value::Text(self.0))
    }

    fn body(&self) -> &[u8] {
        self.0.as_bytes()
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

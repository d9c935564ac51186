//! Checks `STOMP.md`, the list of the specifications' clauses: each clause names tests that exist,
//! or is left out with a reason.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use wire::stomp::{SUPPORTED, Version};

const LIST: &str = include_str!("../../STOMP.md");

/// A row of a table.
struct Clause<'a> {
    line: usize,
    versions: &'a str,
    rule: &'a str,
    shown: &'a str,
}

impl<'a> Clause<'a> {
    /// Returns the tests that the row names, as `file::test`.
    fn tests(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let quoted = self.shown.split('`').skip(1).step_by(2);
        quoted.filter(|text| text.contains("::"))
    }

    fn is_left_out(&self) -> bool {
        const DASH: &str = "— ";
        self.shown
            .strip_prefix(DASH)
            .is_some_and(|reason| reason.ends_with('.'))
    }
}

fn clauses() -> Vec<Clause<'static>> {
    let rows = (1..).zip(LIST.lines()).filter_map(|(line, text)| {
        let row = text.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<_> = row.split(" | ").collect();
        let [versions, rule, shown] = cells[..] else {
            panic!("line {line} has {} cells", cells.len());
        };
        let clause = Clause {
            line,
            versions,
            rule,
            shown,
        };
        (shown != "Shown by").then_some(clause)
    });
    rows.collect()
}

#[test]
fn every_clause_names_tests_or_a_reason_for_omission() {
    for clause in clauses() {
        let Clause { line, rule, .. } = clause;
        let is_shown = clause.tests().count() > 0;
        assert!(is_shown != clause.is_left_out(), "line {line}: {rule}");
        assert!(rule.ends_with('.'), "line {line}: {rule}");
        for version in clause.versions.split(", ") {
            let known = Version::parse(version);
            let is_spoken = known.is_some_and(|version| SUPPORTED.contains(&version));
            assert!(is_spoken, "line {line}: {version:?}");
        }
    }
}

#[test]
fn every_named_test_exists() {
    for clause in clauses() {
        for test in clause.tests() {
            assert!(exists(test), "line {}: there is no {test}", clause.line);
        }
    }
}

/// Returns true if a function with this name and a test attribute exists.
pub fn exists(test: &str) -> bool {
    let (folder, path) = match test.strip_prefix("e2e::") {
        Some(path) => ("../../tests/tests/e2e", path),
        None => ("tests/protocol", test),
    };
    let Some((module, function)) = path.split_once("::") else {
        return false;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join(folder).join(module).with_extension("rs");
    let source = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let head = format!("fn {function}(");
    let is_head = |line: &&str| line.starts_with(&head) || line.contains(&format!(" {head}"));
    let Some(at) = lines.iter().position(is_head) else {
        return false;
    };
    let above = lines[..at].iter().rev();
    above
        .take_while(|line| line.starts_with('#'))
        .any(|line| line.ends_with("test]"))
}

/// Every chapter of the specifications that has requirements for a server has a table.
#[test]
fn every_chapter_has_a_table() {
    const CHAPTERS: &[&str] = &[
        "STOMP Frames",
        "Value Encoding",
        "Body",
        "Header content-length",
        "Header content-type",
        "Header receipt",
        "Repeated Header Entries",
        "Size Limits",
        "Connection Lingering",
        "Connecting",
        "CONNECT or STOMP Frame",
        "CONNECTED Frame",
        "Protocol Negotiation",
        "Heart-beating",
        "Client Frames",
        "SEND",
        "SUBSCRIBE",
        "SUBSCRIBE id Header",
        "SUBSCRIBE ack Header",
        "UNSUBSCRIBE",
        "ACK",
        "NACK",
        "BEGIN",
        "COMMIT",
        "ABORT",
        "DISCONNECT",
        "MESSAGE",
        "RECEIPT",
        "ERROR",
        "Frames and Headers",
        "Augmented BNF",
    ];
    let mut with_table = HashSet::new();
    let mut chapter = "";
    for line in LIST.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            chapter = heading.trim_start_matches('#').trim();
        } else if line.starts_with("| 1.") {
            with_table.insert(chapter);
        }
    }
    for chapter in CHAPTERS {
        assert!(with_table.contains(chapter), "nothing of {chapter:?}");
    }
}

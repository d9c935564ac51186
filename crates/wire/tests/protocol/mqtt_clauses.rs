//! Checks `MQTT.md`, the list of the normative statements: each is listed once and names tests that
//! exist, or is left out with a reason.

use std::collections::HashSet;

use crate::clauses::exists;

const LIST: &str = include_str!("../../MQTT.md");

/// A row of a table.
struct Statement<'a> {
    line: usize,
    of_5: &'a str,
    of_3_1_1: &'a str,
    clause: &'a str,
    shown: &'a str,
}

impl<'a> Statement<'a> {
    /// Returns the tests that the row names, as `file::test`.
    fn tests(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.shown.split('`').skip(1).step_by(2)
    }

    fn is_left_out(&self) -> bool {
        self.shown.starts_with("— ") && self.shown.ends_with('.')
    }
}

fn statements() -> Vec<Statement<'static>> {
    let rows = (1..).zip(LIST.lines()).filter_map(|(line, text)| {
        let row = text.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<_> = row.split(" | ").collect();
        let [of_5, of_3_1_1, clause, shown] = cells[..] else {
            panic!("line {line} has {} cells", cells.len());
        };
        let statement = Statement {
            line,
            of_5,
            of_3_1_1,
            clause,
            shown,
        };
        (shown != "Shown by").then_some(statement)
    });
    rows.collect()
}

#[test]
fn every_statement_names_tests_or_a_reason_for_omission() {
    for statement in statements() {
        let Statement { line, clause, .. } = statement;
        let is_shown = statement.tests().count() > 0;
        assert!(is_shown != statement.is_left_out(), "line {line}: {clause}");
        assert!(clause.ends_with('.'), "line {line}: {clause}");
    }
}

#[test]
fn every_named_test_exists() {
    for statement in statements() {
        for test in statement.tests() {
            assert!(exists(test), "line {}: there is no {test}", statement.line);
        }
    }
}

/// The sections of 5.0 with the number of their last statement. [MQTT-2.2.1-1] does not exist.
const OF_5: &[(&str, u32)] = &[
    ("1.5.4", 3),
    ("1.5.5", 1),
    ("1.5.7", 1),
    ("2.1.3", 1),
    ("2.2.1", 6),
    ("2.2.2", 1),
    ("3.1.0", 2),
    ("3.1.2", 30),
    ("3.1.3", 12),
    ("3.1.4", 6),
    ("3.2.0", 2),
    ("3.2.2", 22),
    ("3.3.1", 13),
    ("3.3.2", 20),
    ("3.3.4", 10),
    ("3.4.2", 3),
    ("3.5.2", 3),
    ("3.6.1", 1),
    ("3.6.2", 3),
    ("3.7.2", 3),
    ("3.8.1", 1),
    ("3.8.3", 5),
    ("3.8.4", 8),
    ("3.9.2", 2),
    ("3.9.3", 2),
    ("3.10.1", 1),
    ("3.10.3", 2),
    ("3.10.4", 6),
    ("3.11.2", 2),
    ("3.11.3", 2),
    ("3.12.4", 1),
    ("3.14.0", 1),
    ("3.14.1", 1),
    ("3.14.2", 4),
    ("3.14.4", 3),
    ("3.15.1", 1),
    ("3.15.2", 3),
    ("4.1.0", 2),
    ("4.2.0", 1),
    ("4.3.1", 1),
    ("4.3.2", 5),
    ("4.3.3", 13),
    ("4.4.0", 2),
    ("4.5.0", 2),
    ("4.6.0", 6),
    ("4.7.0", 1),
    ("4.7.1", 2),
    ("4.7.2", 1),
    ("4.7.3", 4),
    ("4.8.2", 6),
    ("4.9.0", 3),
    ("4.12.0", 7),
    ("4.12.1", 2),
    ("4.13.1", 1),
    ("4.13.2", 1),
    ("6.0.0", 4),
];

/// The sections of 3.1.1.
const OF_3_1_1: &[(&str, u32)] = &[
    ("1.5.3", 3),
    ("2.2.2", 2),
    ("2.3.1", 7),
    ("3.1.0", 2),
    ("3.1.2", 24),
    ("3.1.3", 11),
    ("3.1.4", 5),
    ("3.2.0", 1),
    ("3.2.2", 6),
    ("3.3.1", 12),
    ("3.3.2", 3),
    ("3.3.4", 1),
    ("3.3.5", 2),
    ("3.6.1", 1),
    ("3.8.1", 1),
    ("3.8.3", 3),
    // Spelled with the dash, as in the specification.
    ("3-8.3", 4),
    ("3.8.4", 6),
    ("3.9.3", 2),
    ("3.10.1", 1),
    ("3.10.3", 2),
    ("3.10.4", 6),
    ("3.12.4", 1),
    ("3.14.1", 1),
    ("3.14.4", 3),
    ("4.1.0", 2),
    ("4.3.1", 1),
    ("4.3.2", 2),
    ("4.3.3", 2),
    ("4.4.0", 1),
    ("4.5.0", 2),
    ("4.6.0", 6),
    ("4.7.1", 3),
    ("4.7.2", 1),
    ("4.7.3", 4),
    ("4.8.0", 2),
    ("6.0.0", 4),
    ("7.0.0", 2),
    ("7.1.1", 1),
    ("7.1.2", 1),
];

fn numbers(sections: &[(&str, u32)]) -> HashSet<String> {
    let numbers = sections.iter().flat_map(|&(section, last)| {
        let first = if section == "3-8.3" { last } else { 1 };
        (first..=last).map(move |number| format!("{section}-{number}"))
    });
    numbers.collect()
}

#[test]
fn every_statement_of_5_is_listed_once() {
    let mut expected = numbers(OF_5);
    expected.remove("2.2.1-1");
    for Statement { line, of_5, .. } in statements() {
        if of_5 != "—" {
            let number = of_5.strip_prefix("MQTT-").unwrap_or(of_5);
            assert!(expected.remove(number), "line {line}: {of_5}");
        }
    }
    assert_eq!(expected, HashSet::new(), "are missing");
}

#[test]
fn every_statement_of_3_1_1_is_listed() {
    let mut expected = numbers(OF_3_1_1);
    let known = expected.clone();
    for Statement { line, of_3_1_1, .. } in statements() {
        for number in of_3_1_1.split(", ").filter(|&number| number != "—") {
            assert!(known.contains(number), "line {line}: {number}");
            expected.remove(number);
        }
    }
    assert_eq!(expected, HashSet::new(), "are missing");
}

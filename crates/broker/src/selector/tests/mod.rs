//! Tests of the selector language: tables of inputs and results, and properties of all texts.

mod bodies;
mod bounds;
mod entries;
mod grammar;
mod numbers;
mod patterns;
mod random;
mod regexps;
mod truth;

use super::*;

fn selector(text: &str) -> Selector {
    Selector::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// One property of each kind, and strings that look like other kinds. `missing` and `nothing` are
/// absent.
const PROPERTIES: &[(&str, Value<'_>)] = &[
    ("yes", Value::Boolean(true)),
    ("no", Value::Boolean(false)),
    ("five", Value::Exact(5)),
    ("half", Value::Approximate(0.5)),
    ("colour", Value::Text("blue")),
    ("Colour", Value::Text("red")),
    ("text5", Value::Text("5")),
    ("text5_0", Value::Text("5.0")),
    ("text6", Value::Text("6")),
    ("textTrue", Value::Text("True")),
    ("textFalse", Value::Text("false")),
    ("empty", Value::Text("")),
    ("content-type", Value::Text("text/plain")),
    ("say \"hi\"", Value::Text("it's")),
    ("größe", Value::Text("XL")),
    ("$a_1", Value::Exact(1)),
];

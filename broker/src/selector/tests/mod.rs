//! The language in tables, and what holds for all texts.

use super::*;

#[test]
fn smoke() {
    let properties: &[(&str, Value<'_>)] = &[
        ("colour", Value::Text("blue")),
        ("weight", Value::Text("2501")),
    ];
    for text in [
        "colour = 'blue' AND weight > 2500",
        "NOT colour LIKE 'r%' and weight between 0x10 AND -(-3000) + 1",
        "colour NOT IN ('a', 'it''s') or missing is null",
        "- -weight = +2501.0 and weight % 2 = 1 and \"weight\" / 2 = 1250.5",
    ] {
        let selector = Selector::new(text).expect(text);
        println!("{selector}");
        assert!(selector.matches(properties), "{text}");
        assert_eq!(Selector::new(&selector.to_string()), Ok(selector), "{text}");
    }
    for text in [
        "a = )",
        "a < 'x'",
        "5",
        "a b",
        "(a",
        "a = 09",
        "a = 'x",
        "a NOT 5",
        "a LIKE 'x' ESCAPE 'ab'",
        "a # b",
        "a = 9223372036854775808",
    ] {
        println!("{text}: {}", Selector::new(text).expect_err(text));
    }
}

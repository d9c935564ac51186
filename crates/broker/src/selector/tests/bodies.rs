use proptest::{collection::vec, prelude::*};
use serde_json::Value as Json;

use super::*;

/// A message with this body, and without properties.
struct WithBody<'a>(&'a [u8]);

impl Properties for WithBody<'_> {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        (name == "body").then_some(Value::Text("a header"))
    }

    fn body(&self) -> &[u8] {
        self.0
    }
}

fn matches(text: &str, body: impl AsRef<[u8]>) -> bool {
    selector(text).matches(&WithBody(body.as_ref()))
}

const READING: &str = r#" {
    "kind": "sensor", "ok": true, "none": null, "temp": 21.5, "count": 9007199254740993, "huge": 1e400,
    "big": 18446744073709551615, "text5": "5", "data": { "temp": -3, "max temp": 4, "say \"hi\"": 1, "body": "b" },
    "list": [10, { "x": "größe" }, [20, 30]], "0": "zero", "escaped": "a\n\u00e4", "key\u0041": 1, "temp": 22
} "#;

#[test]
fn fields_of_a_json_body_have_their_values() {
    let true_ones = [
        "body.kind = 'sensor'",
        "body.kind LIKE 'sen%' AND body.kind IN ('sensor', 'other')",
        "body.ok AND body.ok = TRUE",
        "body.data.temp = -3 AND body.data.temp < 0",
        "body.data.\"max temp\" + 1 = 5",
        "body.data.\"say \"\"hi\"\"\" = 1",
        "body.data.body = 'b'",
        "body.list.0 = 10",
        "body.list.1.x = 'größe'",
        "body.list.2.1 = 30 AND body.list.2.0 = 20",
        "body.0 = 'zero'",
        "body.escaped = 'a\nä'",
        "body.keyA = 1",
        // Exact beyond the digits of a double.
        "body.count = 9007199254740993 AND body.count <> 9007199254740992",
        "body.big > 9223372036854775807",
        // A string that contains a number is converted, as in headers.
        "body.text5 = 5",
        // The last of repeated members counts.
        "body.temp = 22",
        // In SQL names, case counts.
        "body.Kind IS NULL",
    ];
    for text in true_ones {
        assert!(matches(text, READING), "{text}");
    }
}

#[test]
fn the_last_repeated_member_that_has_the_field_counts() {
    let body = r#"{"a":{"b":1,"c":2},"a":{"b":3},"a":4}"#;
    for text in ["body.a.b = 3", "body.a.c = 2", "body.a = 4"] {
        assert!(matches(text, body), "{text}");
    }
}

#[test]
fn what_is_no_string_number_or_boolean_is_unknown() {
    let unknown = [
        "none",
        "missing",
        "data",
        "list",
        "data.missing",
        "kind.missing",
        "list.3",
        "list.00",
        "list.\"-1\"",
        "list.x",
        "temp.0",
        "huge",
        "data.temp.x",
    ];
    for field in unknown {
        let field = format!("body.{field}");
        assert!(matches(&format!("{field} IS NULL"), READING), "{field}");
        assert!(!matches(&format!("{field} = 1"), READING), "{field}");
        assert!(!matches(&format!("NOT {field} = 1"), READING), "{field}");
    }
}

#[test]
fn a_body_that_is_not_json_has_no_fields() {
    for body in [
        &b""[..],
        b"a",
        b"{\"a\":1",
        b"{\"a\":1} {}",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{\"a\":1,\"b\":01}",
        b"\xef\xbb\xbf{\"a\":1}",
        b"{\"a\":1,\"b\":\"\xff\"}",
        b"[1]",
        b"1",
        b"null",
    ] {
        let text = String::from_utf8_lossy(body);
        assert!(matches("body.a IS NULL", body), "{text:?}");
    }
}

#[test]
fn the_body_is_a_text() {
    let true_ones = [
        ("body = 'hello'", "hello"),
        ("body LIKE '%ll%'", "hello"),
        ("body > 20", "21.5"),
        ("body = ''", ""),
        ("body IS NOT NULL AND \"body\" = 'a header'", "x"),
        ("body IN ('x', 'y')", "x"),
    ];
    for (text, body) in true_ones {
        assert!(matches(text, body), "{text}");
    }
    assert!(matches("body IS NULL", b"\xff"));
}

#[test]
fn bodies_beyond_the_maximum_are_unknown() {
    let json = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    for (length, is_read) in [
        (Selector::MAX_BODY_BYTES, true),
        (Selector::MAX_BODY_BYTES + 1, false),
    ] {
        let body = json(length);
        assert_eq!(body.len(), length);
        assert_eq!(matches("body.a LIKE 'x%'", &body), is_read);
        assert_eq!(matches("body LIKE '{%'", &body), is_read);
        assert_eq!(matches("body IS NULL AND body.a IS NULL", &body), !is_read);
    }
}

#[test]
fn fields_that_contain_each_other_are_read_in_several_passes() {
    let text = "body.a IS NULL AND body.a.b IS NULL AND body.a.b.c = 1 AND body.a.b.c.d IS NULL";
    assert!(matches(text, r#"{"a":{"b":{"c":1}}}"#));
    assert!(matches("body.a = 5 AND body.a.b IS NULL", r#"{"a":5}"#));
    let error = Selector::new(&format!("{text} AND body.a.b.c.d.e = 1")).expect_err("five");
    assert_eq!(error.fault, SelectorFault::TooManyNestedFields);
    assert_eq!(error.column, text.len() + " AND ".len() + 1);
}

#[test]
fn the_paths_of_fields_are_checked() {
    let deep = |levels: usize| format!("body{} = 1", ".a".repeat(levels));
    assert!(Selector::new(&deep(FieldPath::MAX_LEVELS)).is_ok());
    let table = [
        ("body. = 1", SelectorFault::NoField, 6),
        ("a = 1 OR body.x. IS NULL", SelectorFault::NoField, 17),
        ("body..x = 1", SelectorFault::NoField, 6),
        ("body.\"x = 1", SelectorFault::Unclosed('"'), 1),
        (
            &deep(FieldPath::MAX_LEVELS + 1),
            SelectorFault::FieldTooDeep,
            4 + 2 * FieldPath::MAX_LEVELS + 2,
        ),
    ];
    for (text, fault, column) in table {
        let error = Selector::new(text).expect_err(text);
        assert_eq!((error.fault, error.column), (fault, column), "{text}");
    }
}

#[test]
fn paths_are_printed_and_read_the_same() {
    for (text, printed) in [
        ("body = 'x'", "body = 'x'"),
        ("\"body\" = 'x'", "\"body\" = 'x'"),
        ("Body = 'x'", "Body = 'x'"),
        ("body.a.\"b\".0 > 1", "body.a.b.0 > 1"),
        ("body.\"a b\".\"\" > 1", "body.\"a b\".\"\" > 1"),
        ("body.in IN ('a')", "body.in IN ('a')"),
        ("body.a-1 = 2", "body.a - 1 = 2"),
        ("bodyx = 1", "bodyx = 1"),
    ] {
        let selector = selector(text);
        assert_eq!(selector.to_string(), printed);
        assert_eq!(super::selector(printed), selector);
    }
    let path: FieldPath = "data.0.\"max temp\"".parse().expect("a path");
    assert_eq!(path.to_string(), "data.0.\"max temp\"");
    for (text, column) in [("", 1), ("a..b", 3), ("a b", 2), ("a-b", 2), (".a", 1)] {
        let error = text.parse::<FieldPath>().expect_err(text);
        assert_eq!(
            (error.fault, error.column),
            (SelectorFault::NoField, column),
            "{text:?}"
        );
    }
}

#[test]
fn an_export_gets_fields_as_they_are_written() {
    let mut fields = JsonFields::default();
    for path in ["temp", "data", "list.0", "none", "escaped", "big", "temp"] {
        fields.add(&path.parse().expect("a path")).expect("room");
    }
    let values = fields.read(READING);
    let texts = values.iter().map(|value| match value {
        Some(FieldValue::Number(text) | FieldValue::Structure(text)) => (*text).to_owned(),
        Some(FieldValue::Text(text)) => text.clone().into_owned(),
        other => format!("{other:?}"),
    });
    let data = r#"{ "temp": -3, "max temp": 4, "say \"hi\"": 1, "body": "b" }"#;
    let wanted = ["22", data, "10", "None", "a\nä", "18446744073709551615"];
    assert_eq!(texts.collect::<Vec<_>>(), wanted);
}

proptest! {
    /// A selector finds in the text what the parser of values finds.
    #[test]
    fn fields_agree_with_a_tree_of_values(json in json(), path in path()) {
        let body = json.to_string();
        let pointer: String = path.iter().map(|level| format!("/{}", level.replace('~', "~0").replace('/', "~1"))).collect();
        let quoted: String = path.iter().map(|level| format!(".\"{}\"", level.replace('"', "\"\""))).collect();
        let is = |text: &str| matches(&format!("no_convert_string_expressions:body{quoted} {text}"), &body);
        let found = json.pointer(&pointer);
        let is_scalar = found.is_some_and(|value| !value.is_null() && !value.is_object() && !value.is_array());
        prop_assert_eq!(is("IS NULL"), !is_scalar, "{} {}", body, pointer);
        match found {
            Some(Json::Bool(value)) => {
                let text = format!("= {value}");
                prop_assert!(is(&text));
            }
            Some(Json::String(value)) => {
                let text = format!("= '{}'", value.replace('\'', "''"));
                prop_assert!(is(&text), "{} {}", body, text);
            }
            Some(Json::Number(value)) => {
                let text = match (value.as_i64(), value.as_f64()) {
                    (Some(exact), _) => exact.to_string(),
                    (None, Some(number)) => format!("{number:?}"),
                    (None, None) => unreachable!("{value}"),
                };
                prop_assert!(is(&format!("= {text}")), "{} {}", body, text);
            }
            _ => {}
        }
    }

    /// Neither panics nor finds a field where the parser finds no JSON.
    #[test]
    fn any_text_has_fields_only_if_it_is_json(body in "[{}\\[\\]\":,a0 1e.\\\\u-]{0,24}") {
        let has_field = matches("body.a IS NOT NULL OR body.a.a IS NOT NULL OR body.0 IS NOT NULL", &body);
        if has_field {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok(), "{}", body);
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab01]{1,2}",
        1 => "[a\"'\\\\\u{e4}/~\\. \\n]{0,3}",
    ]
}

fn path() -> impl Strategy<Value = Vec<String>> {
    vec(name(), 1..4)
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[a'\"\\\\\u{e4}\\n]{0,4}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Json::from),
            3 => vec((name(), inner), 0..5).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

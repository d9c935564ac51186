//! The field of a body that a tile shows or publishes. Pure.

use std::borrow::Cow;

use crate::{
    json::{self, Json},
    number,
    quoted::quoted,
};

/// Returns the value of a field; an empty one stands for the whole body.
pub fn at<'j, 'a>(json: &'j Json<'a>, field: &str) -> Option<&'j Json<'a>> {
    match field.trim() {
        "" => Some(json),
        field => member(json, field),
    }
}

/// Returns the value of a field such as `data.temp`. A name may contain a dot, so the longest name that exists counts.
fn member<'j, 'a>(json: &'j Json<'a>, field: &str) -> Option<&'j Json<'a>> {
    match json {
        Json::Array(elements) => {
            let (index, rest) = field.split_once('.').unwrap_or((field, ""));
            let element = elements.get(index.parse::<usize>().ok()?)?;
            if rest.is_empty() {
                Some(element)
            } else {
                member(element, rest)
            }
        }
        Json::Object(members) => {
            members
                .iter()
                .find_map(|(name, value)| match field.strip_prefix(&**name)? {
                    "" => Some(value),
                    rest => member(value, rest.strip_prefix('.')?),
                })
        }
        _ => None,
    }
}

/// Returns a body with this value in its field; an empty field stands for the whole body.
pub fn written(field: &str, value: &str) -> String {
    let levels = field.trim().split('.').rev();
    let levels = levels.filter(|level| !level.is_empty());
    levels.fold(value.to_owned(), |inner, level| {
        format!("{{{}:{inner}}}", quoted(level))
    })
}

/// Returns the number of a value: numbers in quotes count, true is 1 and false is 0.
pub fn number_of(json: &Json<'_>) -> Option<f64> {
    match json {
        Json::Number(text) => Some(number::parsed(text)),
        Json::Bool(is_on) => Some(if *is_on { 1.0 } else { 0.0 }),
        Json::Text(text) => json::read(text.trim()).ok()?.number(),
        _ => None,
    }
}

/// Returns whether a value means on.
pub fn is_on(json: &Json<'_>) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(is_on) => *is_on,
        Json::Number(text) => number::parsed(text) != 0.0,
        Json::Text(text) => is_word_on(text),
        Json::Array(elements) => !elements.is_empty(),
        Json::Object(members) => !members.is_empty(),
    }
}

/// Returns whether a word means on: every word but these.
pub fn is_word_on(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    !["", "0", "off", "false", "no", "closed", "down", "offline"].contains(&&*word)
}

/// Returns a value as text: a text without quotes, anything else as JSON without white space.
pub fn text(json: &Json<'_>) -> Cow<'static, str> {
    match json {
        Json::Text(text) => text.to_string().into(),
        other => compact(other),
    }
}

fn compact(json: &Json<'_>) -> Cow<'static, str> {
    match json {
        Json::Null => "null".into(),
        Json::Bool(true) => "true".into(),
        Json::Bool(false) => "false".into(),
        Json::Number(text) => (*text).to_owned().into(),
        Json::Text(text) => quoted(text).into(),
        Json::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(compact).collect();
            format!("[{}]", elements.join(",")).into()
        }
        Json::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", quoted(name), compact(value)))
                .collect();
            format!("{{{}}}", members.join(",")).into()
        }
    }
}

/// Returns a number for a person: at most three decimals, more for small ones.
pub fn rounded(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".into();
    }
    if size >= 1e12 || (size > 0.0 && size < 1e-6) {
        return number::exponential(value, 3);
    }
    let decimals = if size >= 1.0 { 3 } else { 6 };
    let text = number::fixed(value, decimals);
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if text == "-0" {
        "0".into()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_path_and_an_empty_one_the_whole_body() {
        let json = json::read(r#"{"data":{"temp":21.5,"list":[1,{"a":2}]}}"#).expect("JSON");
        let number = |field: &str| at(&json, field).and_then(number_of);
        assert_eq!(number("data.temp"), Some(21.5));
        assert_eq!(number("data.list.1.a"), Some(2.0));
        assert_eq!(number("data.none"), None);
        assert_eq!(number("data"), None);
        let whole = json::read("7").expect("JSON");
        assert_eq!(at(&whole, "").and_then(number_of), Some(7.0));
    }

    #[test]
    fn a_value_is_written_into_its_field() {
        for (field, value, body) in [
            ("", "5", "5"),
            ("data", "5", r#"{"data":5}"#),
            ("data.temp", "true", r#"{"data":{"temp":true}}"#),
            ("a\"b", "1", r#"{"a\"b":1}"#),
        ] {
            let written = written(field, value);
            assert_eq!(written, body);
            let json = json::read(&written).expect("JSON");
            assert_eq!(at(&json, field).map(text).as_deref(), Some(value));
        }
    }

    #[test]
    fn numbers_switches_and_texts_are_understood() {
        for (body, number, on, words) in [
            ("0", Some(0.0), false, "0"),
            ("2.50", Some(2.5), true, "2.50"),
            ("true", Some(1.0), true, "true"),
            (r#""12""#, Some(12.0), true, "12"),
            (r#""OFF""#, None, false, "OFF"),
            (r#""open""#, None, true, "open"),
            ("null", None, false, "null"),
            (r#"[1, "a"]"#, None, true, r#"[1,"a"]"#),
            ("{}", None, false, "{}"),
        ] {
            let json = json::read(body).expect(body);
            assert_eq!(number_of(&json), number, "{body}");
            assert_eq!(is_on(&json), on, "{body}");
            assert_eq!(text(&json), words, "{body}");
        }
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (21.5, "21.5"),
            (100.0, "100"),
            (1_234.567_89, "1234.568"),
            (0.1 + 0.2, "0.3"),
            (0.000_012_3, "0.000012"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(rounded(value), text);
        }
        assert_eq!(rounded(2e15), "2.000e15");
    }
}

//! The payload of the demonstration's messages: JSON, `{"producerId": …, "data": …, "date": …}`.
//!
//! A page reads the members that it can show and ignores the rest. `producerId` may be missing;
//! `date` is ignored because the broker's own timestamp is always present.

use std::borrow::Cow;

use crate::{
    json::{self, Json},
    number,
};

/// The part of a message that a page can show.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    pub producer: Option<Cow<'a, str>>,
    data: Json<'a>,
}

/// The `data` of a payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Number(f64),
    Numbers(Vec<f64>),
}

/// A page's parser of a body; it returns `None` if the page cannot show the body.
pub type Reader = fn(&str) -> Option<Reading<'_>>;

/// Reads an angle in degrees: `data` is a number.
pub fn number(body: &str) -> Option<Reading<'_>> {
    reading(body, is_number)
}

/// Reads the heights of bars: `data` is an array of numbers.
pub fn numbers(body: &str) -> Option<Reading<'_>> {
    reading(body, |data| match data {
        Json::Array(elements) => elements.iter().all(is_number),
        _ => false,
    })
}

fn is_number(data: &Json<'_>) -> bool {
    matches!(data, Json::Number(_))
}

fn reading(body: &str, is_meant: fn(&Json<'_>) -> bool) -> Option<Reading<'_>> {
    let Json::Object(members) = json::read(body).ok()? else {
        return None;
    };
    let mut producer = None;
    let mut data = None;
    for (name, value) in members {
        match &*name {
            "producerId" if producer.is_none() => producer = Some(value),
            "data" if data.is_none() => data = Some(value),
            _ => {}
        }
    }
    let producer = match producer {
        None | Some(Json::Null) => None,
        Some(Json::Text(id)) => Some(id).filter(|id| !id.is_empty()),
        Some(_) => return None,
    };
    let data = data.filter(is_meant)?;
    Some(Reading { producer, data })
}

impl Reading<'_> {
    pub fn data(&self) -> Data {
        let number = |json: &Json<'_>| json.number().unwrap_or_default();
        match &self.data {
            Json::Array(elements) => Data::Numbers(elements.iter().map(number).collect()),
            json => Data::Number(number(json)),
        }
    }

    /// Returns the data as JSON: the original text without white space.
    pub fn text(&self) -> String {
        let written = |json: &Json<'_>| match json {
            Json::Number(number) => (*number).to_owned(),
            _ => String::new(),
        };
        match &self.data {
            Json::Array(elements) => listed(elements.iter().map(written)),
            json => written(json),
        }
    }
}

/// Returns the text of a custom message. `producer_id` and `date` are written without escaping: the
/// page creates them, and they contain no characters that JSON escapes.
pub fn written(producer_id: &str, data: &Data, date: &str) -> String {
    let data = match data {
        Data::Number(number) => number::plain(*number),
        Data::Numbers(numbers) => listed(numbers.iter().map(|number| number::plain(*number))),
    };
    format!(r#"{{"producerId":"{producer_id}","data":{data},"date":"{date}"}}"#)
}

fn listed(numbers: impl Iterator<Item = String>) -> String {
    format!("[{}]", numbers.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(read: Option<Reading<'_>>) -> Option<Data> {
        read.map(|reading| reading.data())
    }

    #[test]
    fn a_number_is_an_angle_whatever_its_size_and_sign() {
        for (body, angle) in [
            (
                r#"{"producerId":"me","data":90,"date":"2026-01-01T00:00:00Z"}"#,
                90.0,
            ),
            (r#"{"data":-12.5}"#, -12.5),
            (r#"{"data":3600,"more":[{"x":null}]}"#, 3600.0),
            (r#"{ "data" : 1e2 }"#, 100.0),
        ] {
            assert_eq!(data(number(body)), Some(Data::Number(angle)), "{body}");
        }
    }

    #[test]
    fn data_other_than_a_number_is_no_angle() {
        for body in [
            "",
            "90",
            "{}",
            "[]",
            "not JSON",
            r#"{"data":"90"}"#,
            r#"{"data":null}"#,
            r#"{"data":[90]}"#,
            r#"{"data":1e999}"#,
            r#"{"data":90"#,
            r#"{"data":90} x"#,
            r#"{"producerId":7,"data":90}"#,
        ] {
            assert_eq!(number(body), None, "{body}");
        }
    }

    #[test]
    fn an_array_of_numbers_of_any_length_is_bars() {
        for (body, bars) in [
            (r#"{"data":[]}"#, vec![]),
            (r#"{"data":[1,2.5,-3]}"#, vec![1.0, 2.5, -3.0]),
        ] {
            assert_eq!(data(numbers(body)), Some(Data::Numbers(bars)), "{body}");
        }
        let many = format!(r#"{{"data":[{}]}}"#, vec!["1"; 1000].join(","));
        assert_eq!(data(numbers(&many)), Some(Data::Numbers(vec![1.0; 1000])));
    }

    #[test]
    fn an_array_of_anything_else_is_no_bars() {
        for body in [
            r#"{"data":5}"#,
            r#"{"data":[1,"2"]}"#,
            r#"{"data":[null]}"#,
            r#"{"data":[[1]]}"#,
        ] {
            assert_eq!(numbers(body), None, "{body}");
        }
    }

    #[test]
    fn the_producer_is_read_if_the_payload_has_one() {
        let producer = |body| number(body).and_then(|reading| reading.producer);
        assert_eq!(
            producer(r#"{"producerId":"A1B2C3","data":1}"#).as_deref(),
            Some("A1B2C3")
        );
        assert_eq!(producer(r#"{"producerId":"","data":1}"#), None);
        assert_eq!(producer(r#"{"data":1}"#), None);
    }

    #[test]
    fn the_text_is_the_payloads_own_without_white_space() {
        for (read, text) in [
            (number(r#"{"data": 90.0 }"#), "90.0"),
            (numbers(r#"{"data":[ 1, -2.5e0,3 ]}"#), "[1,-2.5e0,3]"),
            (numbers(r#"{"data":[]}"#), "[]"),
        ] {
            assert_eq!(read.map(|reading| reading.text()).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_written_payload_is_read_back() {
        let body = written("A1B2C3", &Data::Number(350.0), "2026-01-01T00:00:00Z");
        assert_eq!(
            body,
            r#"{"producerId":"A1B2C3","data":350,"date":"2026-01-01T00:00:00Z"}"#
        );
        let bars = Data::Numbers(vec![1.0, -2.0, 0.5]);
        assert_eq!(data(numbers(&written("A1B2C3", &bars, ""))), Some(bars));
    }
}

//! A message of the reader's own, checked while it is typed.

use broker::TopicName;

use crate::json::{self, Fault};

/// Why a topic is none that a page may publish to.
pub fn topic_fault(topic: &str) -> Option<String> {
    match TopicName::new(topic) {
        Err(error) => Some(format!("Not a topic: {}.", error.fault)),
        Ok(name) if name.is_reserved() => {
            Some("Topics that begin with $ are the broker's own.".into())
        }
        Ok(_) => None,
    }
}

/// Why a body is not JSON, and where.
pub fn body_fault(body: &str) -> Option<String> {
    if body.len() > MOST_BYTES {
        return Some("Longer than 1 MiB.".into());
    }
    let Fault { what, line, column } = json::read(body).err()?;
    Some(format!(
        "Not JSON: {what}, at line {line}, column {column}."
    ))
}

pub const FIRST_TOPIC: &str = "demo.greeting";
pub const FIRST_BODY: &str = r#"{"producerId": "me", "data": "ding dong"}"#;

const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_json_passes() {
        for body in [
            "1",
            "null",
            r#""text""#,
            "[]",
            r#" {"a": [1, {"b": null}]} "#,
            FIRST_BODY,
        ] {
            assert_eq!(body_fault(body), None, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (body, place) in [
            ("", "line 1, column 1"),
            (r#"{"a":}"#, "line 1, column 6"),
            ("{\n  \"a\": 1,\n}", "line 3, column 1"),
            ("1 2", "line 1, column 3"),
        ] {
            let fault = body_fault(body).expect(body);
            assert!(
                fault.contains(place) && fault.starts_with("Not JSON: "),
                "{fault}"
            );
            assert_eq!(fault.matches("column").count(), 1, "{fault}");
        }
    }

    #[test]
    fn topics_are_legal_names_that_are_not_the_brokers() {
        assert_eq!(topic_fault(FIRST_TOPIC), None);
        for topic in ["", "a..b", "a.*", ">", "$SYS.figures"] {
            assert!(topic_fault(topic).is_some(), "{topic}");
        }
    }
}

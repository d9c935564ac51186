//! A custom message of the reader, checked while it is typed.

use broker::TopicName;

use crate::json::{self, Fault};

/// Returns the reason why a page may not publish to this name.
pub fn name_fault(name: &str) -> Option<String> {
    match TopicName::new(name) {
        Err(error) => Some(format!("Not a name: {}.", error.fault)),
        Ok(name) if name.is_reserved() => {
            Some("Names that begin with $ are the broker's own.".into())
        }
        Ok(_) => None,
    }
}

/// Returns the reason why a body is not JSON, with its position.
pub fn body_fault(body: &str) -> Option<String> {
    if body.len() > MOST_BYTES {
        return Some("Longer than 1 MiB.".into());
    }
    let Fault { what, line, column } = json::read(body).err()?;
    Some(format!(
        "Not JSON: {what}, at line {line}, column {column}."
    ))
}

pub const FIRST_NAME: &str = "demo.greeting";
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
    fn faults_are_reported_with_their_position() {
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
    fn illegal_names_and_names_of_the_broker_are_refused() {
        assert_eq!(name_fault(FIRST_NAME), None);
        for name in ["", "a..b", "a.*", ">", "$SYS.figures"] {
            assert!(name_fault(name).is_some(), "{name}");
        }
    }
}

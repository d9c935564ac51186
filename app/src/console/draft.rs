//! A custom message of the reader, checked while it is typed.

use broker::{NameFault, TopicName};

use crate::{
    json::{self, Fault},
    texts,
};

/// Returns the reason why a page may not publish to this name.
pub fn name_fault(name: &str) -> Option<String> {
    match TopicName::new(name) {
        Err(error) => Some(texts::console::NAME_FAULT.with(&[fault(error.fault)])),
        Ok(name) if name.is_reserved() => Some(texts::console::RESERVED.get().into()),
        Ok(_) => None,
    }
}

/// Returns the reason why a body is not JSON, with its position.
pub fn body_fault(body: &str) -> Option<String> {
    if body.len() > MOST_BYTES {
        return Some(texts::console::BODY_TOO_LONG.get().into());
    }
    json::read(body).err().map(Fault::words)
}

/// Returns the rule that a name breaks. Only a name, so that no rule of filters is among them.
fn fault(fault: NameFault) -> &'static str {
    let text = match fault {
        NameFault::EmptyLevel => texts::console::EMPTY_LEVEL,
        NameFault::ControlCharacter => texts::console::CONTROL_CHARACTER,
        NameFault::Slash => texts::console::SLASH,
        NameFault::TooLong => texts::console::NAME_TOO_LONG,
        NameFault::TooDeep => texts::console::TOO_DEEP,
        NameFault::WildcardInName | NameFault::PartialWildcard | NameFault::RestNotLast => {
            texts::console::WILDCARD
        }
    };
    text.get()
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
    fn rules_have_the_words_of_the_broker() {
        for rule in [
            NameFault::EmptyLevel,
            NameFault::ControlCharacter,
            NameFault::Slash,
            NameFault::WildcardInName,
            NameFault::TooLong,
            NameFault::TooDeep,
        ] {
            assert_eq!(fault(rule), rule.to_string());
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

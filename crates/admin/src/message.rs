//! Messages as lines and records.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;

use super::{
    table::{Align, Table},
    units,
};

/// A message in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Message {
    pub id: String,
    timestamp: u64,
    producer: String,
    content_type: Option<String>,
    body: Option<String>,
    body_base64: Option<String>,
}

impl Message {
    /// Returns the body as text; bytes are described by their number.
    fn body(&self) -> String {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone(),
            (None, Some(base64)) => match BASE64_STANDARD.decode(base64) {
                Ok(bytes) => format!("({} bytes, not text)", bytes.len()),
                Err(_) => String::new(),
            },
            (None, None) => String::new(),
        }
    }

    /// Returns labels and values.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("last message", self.id.clone()),
            ("published", units::time(self.timestamp)),
            ("producer", self.producer.clone()),
        ];
        fields.extend(self.content_type.clone().map(|one| ("content type", one)));
        fields.push(("body", beginning(&self.body()).to_owned()));
        fields
    }
}

/// Returns a table of messages.
pub(crate) fn table(messages: &[Message]) -> Table {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("PUBLISHED", Align::Left),
        ("PRODUCER", Align::Left),
        ("BODY", Align::Left),
    ]);
    for message in messages {
        table.row([
            message.id.clone(),
            units::time(message.timestamp),
            message.producer.clone(),
            beginning(&message.body()).to_owned(),
        ]);
    }
    table
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SHOWN_BYTES)]
}

/// Maximum number of bytes of a body in a table or record.
const MAX_SHOWN_BYTES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_text_or_described() {
        let table = [
            (r#"{"body":"hello"}"#, "hello"),
            (r#"{"bodyBase64":"iVD/"}"#, "(3 bytes, not text)"),
            ("{}", ""),
        ];
        for (json, expected) in table {
            let message: Message = serde_json::from_str(json).expect("a message");
            assert_eq!(message.body(), expected);
        }
        let long = "ä".repeat(MAX_SHOWN_BYTES);
        assert_eq!(beginning(&long).len(), MAX_SHOWN_BYTES);
    }
}

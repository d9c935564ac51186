//! Messages as rows of a table in CSV (RFC 4180): lines end with CR LF; a cell with a comma, a quote or a line break is
//! in quotes, with doubled quotes inside.
//!
//! Cells have the values as they are, also those that a spreadsheet takes for a formula, because programs read the
//! tables too.

use std::time::{Duration, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{FieldValue, JsonFields, Selector, SharedEntry};

use crate::{clock, message::Encoded};

/// The columns of a table.
pub struct Columns {
    /// The names of the columns for fields, with the index of each field.
    names: Vec<(String, usize)>,
    fields: JsonFields,
}

impl Columns {
    /// Creates the columns: those of each message, and one for each field, or for the body if there is no field.
    pub fn new(names: Vec<(String, usize)>, fields: JsonFields) -> Self {
        Self { names, fields }
    }

    /// Returns whether there are columns for fields.
    pub fn has_fields(&self) -> bool {
        !self.names.is_empty()
    }

    /// Returns the first row, with the names of the columns.
    pub fn head(&self) -> Vec<u8> {
        let mut row = b"sequence,timestamp,time,id".to_vec();
        for (name, _) in &self.names {
            row.push(b',');
            push_cell(name, &mut row);
        }
        if !self.has_fields() {
            row.extend_from_slice(b",body,bodyBase64");
        }
        row.extend_from_slice(END_OF_ROW);
        row
    }

    /// Returns the row of a message.
    pub fn row(&self, entry: &SharedEntry, id: &str) -> Row {
        let timestamp_ms = entry.timestamp_ms();
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(timestamp_ms));
        let time = time.map(clock::rfc_3339).unwrap_or_default();
        let mut start = format!("{},{timestamp_ms},{time},{id},", entry.sequence()).into_bytes();
        if self.has_fields() {
            self.push_fields(entry, &mut start);
            return Row {
                start,
                body: None,
                progress: Progress::Start,
            };
        }
        Row {
            start,
            body: Some(entry.clone()),
            progress: Progress::Start,
        }
    }

    fn push_fields(&self, entry: &SharedEntry, row: &mut Vec<u8>) {
        let body = entry.body();
        let is_read = body.len() <= Selector::MAX_BODY_BYTES;
        let text = is_read.then(|| str::from_utf8(body).ok()).flatten();
        let values = text.map(|text| self.fields.read(text)).unwrap_or_default();
        for (at, (_, index)) in self.names.iter().enumerate() {
            if at > 0 {
                row.push(b',');
            }
            match values.get(*index).and_then(Option::as_ref) {
                Some(FieldValue::Text(text)) if text.is_empty() => row.extend_from_slice(b"\"\""),
                Some(FieldValue::Text(text)) => push_cell(text, row),
                Some(FieldValue::Boolean(value)) => row.extend(value.to_string().bytes()),
                Some(FieldValue::Number(json) | FieldValue::Structure(json)) => {
                    push_cell(json, row);
                }
                None => {}
            }
        }
    }
}

/// A row that is being encoded, piece by piece, because a body may be long.
pub struct Row {
    /// The cells before the body.
    start: Vec<u8>,
    /// The message whose body is in the row.
    body: Option<SharedEntry>,
    progress: Progress,
}

#[derive(Debug, Clone, Copy)]
enum Progress {
    Start,
    /// Up to this byte of the body.
    Text(usize),
    Bytes(usize),
}

impl Row {
    /// Appends the next piece.
    pub fn encode(&mut self, out: &mut Vec<u8>) -> Encoded {
        let body = self.body.as_ref().map(|entry| entry.body());
        let Some(body) = body else {
            out.append(&mut self.start);
            out.extend_from_slice(END_OF_ROW);
            return Encoded::Complete;
        };
        self.progress = match self.progress {
            Progress::Start => {
                out.append(&mut self.start);
                match str::from_utf8(body) {
                    Ok(_) => {
                        out.push(b'"');
                        Progress::Text(0)
                    }
                    Err(_) => {
                        out.push(b',');
                        Progress::Bytes(0)
                    }
                }
            }
            Progress::Text(from) => {
                let to = body.len().min(from + PIECE_BYTES);
                push_doubled(&body[from..to], out);
                Progress::Text(to)
            }
            Progress::Bytes(from) => {
                let to = body.len().min(from + PIECE_BYTES);
                out.extend_from_slice(BASE64_STANDARD.encode(&body[from..to]).as_bytes());
                Progress::Bytes(to)
            }
        };
        match self.progress {
            Progress::Text(to) if to == body.len() => out.extend_from_slice(b"\","),
            Progress::Bytes(to) if to == body.len() => {}
            _ => return Encoded::More,
        }
        out.extend_from_slice(END_OF_ROW);
        Encoded::Complete
    }
}

/// Appends a cell, in quotes if they are required.
fn push_cell(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['"', ',', '\r', '\n']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    push_doubled(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends the content of a cell in quotes.
fn push_doubled(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
}

const END_OF_ROW: &[u8] = b"\r\n";
/// Bytes of a body that are encoded at once: a multiple of three, for base 64.
const PIECE_BYTES: usize = 6 << 10;

#[cfg(test)]
mod tests {
    use broker::{Broker, Limits, Outcome, Publication, TopicName};

    use super::*;

    fn entry(body: &[u8]) -> SharedEntry {
        let broker = Broker::new(1, Limits::default());
        let topic = TopicName::new("a").expect("a name");
        let publication = Publication::new(topic.clone(), "p".into(), 86_400_001, body);
        broker.publish(&mut vec![publication], &mut Outcome::default());
        broker.last_image(&topic).expect("a message")
    }

    fn columns(fields: &[&str]) -> Columns {
        let mut json = JsonFields::default();
        let names = fields.iter().map(|text| {
            let index = json.add(&text.parse().expect("a path")).expect("room");
            ((*text).to_owned(), index)
        });
        Columns::new(names.collect(), json)
    }

    fn row(columns: &Columns, body: &[u8]) -> String {
        let mut row = columns.row(&entry(body), "1-1");
        let mut out = Vec::new();
        while row.encode(&mut out) == Encoded::More {}
        let row = String::from_utf8(out).expect("text");
        let start = "1,86400001,1970-01-02T00:00:00.001Z,1-1,";
        let rest = row.strip_prefix(start).unwrap_or_else(|| panic!("{row}"));
        rest.strip_suffix("\r\n").expect("an end").to_owned()
    }

    #[test]
    fn the_body_is_a_cell_in_quotes_or_in_base64() {
        let columns = columns(&[]);
        assert_eq!(
            columns.head(),
            b"sequence,timestamp,time,id,body,bodyBase64\r\n"
        );
        for (body, wanted) in [
            (&b""[..], "\"\","),
            (b"a", "\"a\","),
            (b"a,\"b\"\r\nc", "\"a,\"\"b\"\"\r\nc\","),
            (b"\xff\x00", ",/wA="),
        ] {
            assert_eq!(row(&columns, body), wanted);
        }
        let long = "ä\"".repeat(PIECE_BYTES);
        let wanted = format!("\"{}\",", long.replace('"', "\"\""));
        assert_eq!(row(&columns, long.as_bytes()), wanted);
        let bytes = vec![0xff; 3 * PIECE_BYTES + 1];
        let wanted = format!(",{}", BASE64_STANDARD.encode(&bytes));
        assert_eq!(row(&columns, &bytes), wanted);
    }

    #[test]
    fn fields_are_cells_and_missing_ones_are_empty() {
        let columns = columns(&["n", "list", "a.\"b,c\"", "n"]);
        assert_eq!(
            columns.head(),
            b"sequence,timestamp,time,id,n,list,\"a.\"\"b,c\"\"\",n\r\n"
        );
        for (body, wanted) in [
            (
                r#"{"n":18446744073709551616.10}"#,
                "18446744073709551616.10,,,18446744073709551616.10",
            ),
            (r#"{"n":"","list":[1,"x"]}"#, "\"\",\"[1,\"\"x\"\"]\",,\"\""),
            (
                r#"{"n":true,"a":{"b,c":"x\"y\nz"}}"#,
                "true,,\"x\"\"y\nz\",true",
            ),
            (r#"{"n":"=1+1"}"#, "=1+1,,,=1+1"),
            (r#"{"n":null}"#, ",,,"),
            ("not JSON", ",,,"),
        ] {
            assert_eq!(row(&columns, body.as_bytes()), wanted, "{body}");
        }
    }
}

//! The bodies of the page's messages: those that the producers publish, and the notes with which open pages find each
//! other and compare what they received. Pure.
//!
//! Every client may publish to these topics, so a body that has another form is ignored.

use super::{
    comparison::Claim,
    digest::hex,
    settings::{FEWEST, MOST, MOST_MESSAGES},
};
use crate::json::{self, Json};

/// A run: the messages that the producers of one page publish after one start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// A random name of the run.
    pub id: String,
    pub producers: usize,
    /// Messages of each producer.
    pub messages: u32,
}

/// A message of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub run: Run,
    pub producer: u8,
    /// From 1.
    pub number: u32,
}

/// The note of an open page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// A random name of the page.
    pub page: String,
    /// The run that the page shows; empty if it has none.
    pub run: String,
    /// Its columns.
    pub claims: Vec<Claim>,
}

impl Run {
    /// Returns the number of messages of the whole run.
    pub fn total(&self) -> usize {
        self.producers * self.messages as usize
    }
}

impl Sent {
    pub fn write(&self) -> String {
        let Run {
            id,
            producers,
            messages,
        } = &self.run;
        format!(
            r#"{{"run":"{id}","producers":{producers},"messages":{messages},"producer":{},"number":{}}}"#,
            self.producer, self.number
        )
    }

    pub fn read(body: &str) -> Option<Self> {
        let json = read_json(body)?;
        let run = Run {
            id: name(&json, "run")?,
            producers: whole(&json, "producers", FEWEST as u64, MOST as u64)? as usize,
            messages: whole(&json, "messages", 1, MOST_MESSAGES.into())? as u32,
        };
        Some(Self {
            producer: whole(&json, "producer", 0, run.producers as u64 - 1)? as u8,
            number: whole(&json, "number", 1, run.messages.into())? as u32,
            run,
        })
    }
}

impl Note {
    pub fn write(&self) -> String {
        let claims: Vec<_> = self.claims.iter().map(write_claim).collect();
        format!(
            r#"{{"page":"{}","run":"{}","columns":[{}]}}"#,
            self.page,
            self.run,
            claims.join(",")
        )
    }

    pub fn read(body: &str) -> Option<Self> {
        let json = read_json(body)?;
        let columns = json.member("columns")?.elements();
        if columns.len() > MOST {
            return None;
        }
        Some(Self {
            page: name(&json, "page")?,
            run: match json.member("run")?.text()? {
                "" => String::new(),
                _ => name(&json, "run")?,
            },
            claims: columns.iter().map(read_claim).collect::<Option<_>>()?,
        })
    }
}

/// Positions and digests are text, because a number of JSON is exact only up to 2⁵³.
fn write_claim(claim: &Claim) -> String {
    format!(
        r#"{{"from":"{}","to":"{}","count":{},"digest":"{}"}}"#,
        claim.from,
        claim.to,
        claim.count,
        hex(claim.digest)
    )
}

/// Reads a body that is short enough for a page's own messages: reading foreign ones takes the time of the page.
fn read_json(body: &str) -> Option<Json<'_>> {
    match body.len() <= MOST_BODY_BYTES {
        true => json::read(body).ok(),
        false => None,
    }
}

fn read_claim(json: &Json<'_>) -> Option<Claim> {
    let position = |name: &str| json.member(name)?.text()?.parse().ok();
    Some(Claim {
        from: position("from")?,
        to: position("to")?,
        count: whole(json, "count", 1, MOST as u64 * u64::from(MOST_MESSAGES))? as usize,
        digest: u64::from_str_radix(json.member("digest")?.text()?, 16).ok()?,
    })
}

/// Reads a name: at most [`LONGEST_NAME`] letters and digits, so that it can be written and shown without escapes.
fn name(json: &Json<'_>, member: &str) -> Option<String> {
    let text = json.member(member)?.text()?;
    let is_name = (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| text.to_owned())
}

fn whole(json: &Json<'_>, member: &str, least: u64, most: u64) -> Option<u64> {
    let number = json.member(member)?.number()?;
    let whole = number as u64;
    // A cast saturates, so a number that is negative, too large or not whole is not equal to the result.
    let is_whole = whole as f64 == number;
    (is_whole && (least..=most).contains(&whole)).then_some(whole)
}

/// The topic to which the producers publish.
pub const TOPIC: &str = "order";
/// The topic of the notes.
pub const PAGES: &str = "order.pages";
const LONGEST_NAME: usize = 12;

/// Longest body that is read; a note with all its columns has less than a quarter of it.
const MOST_BODY_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Sent {
        Sent {
            run: Run {
                id: "K3F9QX".into(),
                producers: 3,
                messages: 30,
            },
            producer: 2,
            number: 30,
        }
    }

    #[test]
    fn a_message_survives_a_round_trip() {
        assert_eq!(Sent::read(&sent().write()), Some(sent()));
        assert_eq!(sent().run.total(), 90);
    }

    #[test]
    fn a_note_survives_a_round_trip() {
        let claim = Claim {
            from: u64::MAX - 1,
            to: u64::MAX,
            count: 2,
            digest: 7,
        };
        let note = Note {
            page: "AB12CD".into(),
            run: String::new(),
            claims: vec![claim, claim],
        };
        assert_eq!(Note::read(&note.write()), Some(note.clone()));
        let run = Note {
            run: "K3F9QX".into(),
            claims: Vec::new(),
            ..note
        };
        assert_eq!(Note::read(&run.write()), Some(run));
    }

    #[test]
    fn a_body_of_another_form_or_out_of_bounds_is_ignored() {
        let good = sent().write();
        for (part, other) in [
            (r#""number":30"#, r#""number":31"#),
            (r#""number":30"#, r#""number":0"#),
            (r#""number":30"#, r#""number":1.5"#),
            (r#""number":30"#, r#""number":-1"#),
            (r#""producer":2"#, r#""producer":3"#),
            (r#""producers":3"#, r#""producers":6"#),
            (r#""messages":30"#, r#""messages":1e9"#),
            ("K3F9QX", "<b>"),
            ("K3F9QX", ""),
            ("K3F9QX", "ABCDEFGHIJKLM"),
        ] {
            let body = good.replace(part, other);
            assert_ne!(body, good);
            assert_eq!(Sent::read(&body), None, "{body}");
        }
        for body in ["", "7", "[]", r#"{"page":"A","run":"","columns":[{}]}"#] {
            assert_eq!(Sent::read(body), None);
            assert_eq!(Note::read(body), None);
        }
        let many = Note {
            page: "A".into(),
            run: String::new(),
            claims: vec![
                Claim {
                    from: 1,
                    to: 1,
                    count: 1,
                    digest: 0
                };
                MOST + 1
            ],
        };
        assert_eq!(Note::read(&many.write()), None);
    }
}

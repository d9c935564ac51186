//! `carillon store export`: one JSON object for each message.

use std::{io::Write, ops::ControlFlow};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use store::{Content as _, Exported, Held, Holder, Publish, StoredContent, export};

use super::{
    Condition, Directory, Failure, StoppedStore,
    description::{DamageObject, Names, describe_kind, text},
    print_json,
};

/// Prints all messages.
pub fn run(directory: &Directory, out: &mut dyn Write) -> Result<Condition, Failure> {
    let store = StoppedStore::for_reading(&directory.directory)?;
    let mut export_lines = Lines {
        out,
        names: Names::default(),
        condition: Condition::Sound,
        failure: None,
    };
    let exported = export(&store.disk, &mut |item| export_lines.visit(item));
    exported.map_err(|cause| store.failure(cause))?;
    match export_lines.failure {
        Some(failure) => Err(failure),
        None => Ok(export_lines.condition),
    }
}

/// The lines of an export.
struct Lines<'a> {
    out: &'a mut dyn Write,
    names: Names,
    /// Damaged if a message could not be read.
    condition: Condition,
    failure: Option<Failure>,
}

impl Lines<'_> {
    fn visit(&mut self, item: Exported<'_>) -> ControlFlow<()> {
        let printed = match item {
            Exported::Name(id, name) => {
                self.names.add(id, name);
                Ok(())
            }
            Exported::Queue(id, queue) => {
                self.names.add_queue(id, queue);
                Ok(())
            }
            Exported::Session(..) => Ok(()),
            Exported::Message {
                held,
                deliveries,
                message,
            } => match message.message() {
                Some(message) => self.message(held, deliveries, &message),
                None => Ok(()),
            },
            Exported::Damaged(held, damage) => {
                self.condition = Condition::Damaged;
                let line = DamagedLine {
                    place: Place::new(held, &self.names),
                    position: held.position,
                    damaged: DamageObject::from(&damage),
                };
                print_json(&line, self.out)
            }
        };
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn message(
        &mut self,
        held: Held,
        deliveries: u32,
        message: &Publish<StoredContent<'_>>,
    ) -> Result<(), Failure> {
        let headers = message.content.headers();
        let headers = headers.map(|header| [text(header.name), text(header.value)]);
        let line = MessageLine {
            place: Place::new(held, &self.names),
            position: held.position,
            published_position: message.position,
            destination: self.names.name(message.destination),
            destination_kind: describe_kind(message.kind),
            timestamp: message.timestamp_ms,
            expires: (message.expires_ms > 0).then_some(message.expires_ms),
            deliveries,
            headers: headers.collect(),
            attributes: BASE64_STANDARD.encode(message.content.attributes()),
            body: Body::of(message.content.body()),
        };
        print_json(&line, self.out)
    }
}

/// A message. docs/src/operate/store.md describes the fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageLine<'a> {
    #[serde(flatten)]
    place: Place,
    position: u64,
    published_position: u64,
    destination: String,
    destination_kind: String,
    timestamp: u64,
    expires: Option<u64>,
    deliveries: u32,
    headers: Vec<[String; 2]>,
    attributes: String,
    #[serde(flatten)]
    body: Body<'a>,
}

/// A message that cannot be read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DamagedLine<'a> {
    #[serde(flatten)]
    place: Place,
    position: u64,
    damaged: DamageObject<'a>,
}

/// The place that holds a message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Place {
    Queue(String),
    Topic(String),
    Retained(String),
}

impl Place {
    fn new(held: Held, names: &Names) -> Self {
        match held.holder {
            Holder::Queue(queue) => Self::Queue(names.queue(queue)),
            Holder::Topic(topic) => Self::Topic(names.name(topic)),
            Holder::Retained(topic) => Self::Retained(names.name(topic)),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Body<'a> {
    #[serde(rename = "body")]
    Text(&'a str),
    #[serde(rename = "bodyBase64")]
    Bytes(String),
}

impl<'a> Body<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Bytes(BASE64_STANDARD.encode(bytes)),
        }
    }
}

//! The frames of a connection, as its trace shows them. Pure.

use std::collections::VecDeque;

use crate::{
    host::{text, whole},
    json::{self, Json},
    texts,
};

/// A line of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Counts the lines of this page.
    pub number: u64,
    /// Unix time in milliseconds; 0 for a note.
    pub at_ms: u64,
    /// `in` or `out`; empty for a note.
    pub direction: String,
    /// The type of the packet, or the command.
    pub kind: String,
    /// The fields and the beginning of the body, or the words of a note.
    pub words: String,
}

/// The newest lines of a trace.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The newest first; at most [`MOST_FRAMES`].
    list: VecDeque<Frame>,
    /// The types that have occurred, in this order, so that an option that is chosen keeps its place; at most
    /// [`MOST_KINDS`].
    kinds: Vec<String>,
    last_number: u64,
    /// Frames that arrived while paused, which are not kept.
    while_paused: u64,
}

/// The conditions on the lines that are shown. An empty text stands for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub direction: String,
    pub kind: String,
}

impl Frames {
    /// Adds an event of the trace.
    pub fn take(&mut self, event: &str, data: &str) {
        let Ok(json) = json::read(data) else {
            return;
        };
        match event {
            "frame" => {
                let frame = Frame::from_json(&json);
                if self.kinds.len() < MOST_KINDS && !self.kinds.contains(&frame.kind) {
                    self.kinds.push(frame.kind.clone());
                }
                self.push(frame);
            }
            "left-out" => {
                let count = whole(&json, "leftOut").to_string();
                let words = match text(&json, "reason").as_deref() {
                    Some("rate") => texts::trace::LEFT_OUT,
                    _ => texts::trace::SLOW,
                };
                self.note(words.with(&[&count]));
            }
            _ => {}
        }
    }

    /// Counts an event that arrives while the trace is paused.
    pub fn count_paused(&mut self, event: &str) {
        self.while_paused += u64::from(event == "frame");
    }

    /// Notes how many frames arrived while the trace was paused.
    pub fn go_on(&mut self) {
        let count = std::mem::take(&mut self.while_paused);
        if count > 0 {
            self.note(texts::trace::PAUSED.with(&[&count.to_string()]));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of the kept lines.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the types that have occurred.
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// Returns the lines that a filter shows, the newest first. Notes are always shown.
    pub fn shown(&self, filter: &Filter) -> Vec<Frame> {
        let has = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        let is_shown = |frame: &&Frame| {
            frame.direction.is_empty()
                || has(&filter.direction, &frame.direction) && has(&filter.kind, &frame.kind)
        };
        self.list.iter().filter(is_shown).cloned().collect()
    }

    fn note(&mut self, words: String) {
        self.push(Frame {
            words,
            ..Frame::default()
        });
    }

    fn push(&mut self, frame: Frame) {
        self.last_number += 1;
        let number = self.last_number;
        self.list.push_front(Frame { number, ..frame });
        self.list.truncate(MOST_FRAMES);
    }
}

impl Frame {
    fn from_json(json: &Json<'_>) -> Self {
        let word = |name| text(json, name).unwrap_or_default();
        let fields = json.member("fields").map_or(&[][..], Json::elements);
        let mut parts: Vec<_> = fields
            .iter()
            .map(|field| {
                let part = |name| text(field, name).unwrap_or_default();
                format!("{}: {}", part("name"), part("value"))
            })
            .collect();
        if let Some(payload) = json.member("payload") {
            let size = texts::trace::BYTES.with(&[&whole(payload, "bytes").to_string()]);
            let body = ["text", "withheld", "hex"].map(|name| text(payload, name));
            let body = body.into_iter().flatten().next().unwrap_or_default();
            let is_cut = payload.member("cut") == Some(&Json::Bool(true));
            let end = if is_cut { "…" } else { "" };
            parts.push(format!("{size}: {body}{end}"));
        }
        parts.extend(text(json, "error"));
        Self {
            number: 0,
            at_ms: whole(json, "at"),
            direction: word("direction"),
            kind: word("type"),
            words: parts.join(", "),
        }
    }
}

/// Maximum number of lines that a page keeps; the oldest are dropped.
const MOST_FRAMES: usize = 200;
/// Maximum number of types to choose from.
const MOST_KINDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISH: &str = r#"{"at":5,"direction":"in","type":"PUBLISH","fields":[{"name":"Topic Name","value":"a/b"},
        {"name":"QoS","value":"1"}],"payload":{"bytes":4,"text":"21.5"}}"#;
    const PING: &str = r#"{"at":6,"direction":"out","type":"PINGRESP","fields":[]}"#;

    #[test]
    fn a_frame_has_its_fields_and_its_body() {
        let mut frames = Frames::default();
        frames.take("frame", PUBLISH);
        let shown = frames.shown(&Filter::default());
        assert_eq!(shown[0].words, "Topic Name: a/b, QoS: 1, 4 bytes: 21.5");
        assert_eq!((shown[0].at_ms, &*shown[0].kind), (5, "PUBLISH"));
    }

    #[test]
    fn lines_are_filtered_and_notes_stay() {
        let mut frames = Frames::default();
        frames.take("frame", PUBLISH);
        frames.take("frame", PING);
        frames.take("left-out", r#"{"leftOut":37,"reason":"rate"}"#);
        frames.count_paused("frame");
        frames.count_paused("left-out");
        frames.go_on();
        frames.go_on();
        let shown = |direction: &str, kind: &str| {
            let filter = Filter {
                direction: direction.to_owned(),
                kind: kind.to_owned(),
            };
            let lines = frames.shown(&filter);
            let kinds = lines.iter().map(|line| match line.kind.is_empty() {
                true => line.words.clone(),
                false => line.kind.clone(),
            });
            kinds.collect::<Vec<_>>()
        };
        let paused = "Frames while paused: 1.";
        let left_out = "37 frames left out: more than the trace shows in a second.";
        assert_eq!(shown("", ""), [paused, left_out, "PINGRESP", "PUBLISH"]);
        assert_eq!(shown("in", ""), [paused, left_out, "PUBLISH"]);
        assert_eq!(shown("", "PINGRESP"), [paused, left_out, "PINGRESP"]);
        assert_eq!(shown("in", "PINGRESP"), [paused, left_out]);
        assert_eq!(frames.kinds(), ["PUBLISH", "PINGRESP"]);
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let mut frames = Frames::default();
        for at in 0..1_000 {
            let json = format!(r#"{{"at":{at},"direction":"in","type":"T{at}","fields":[]}}"#);
            frames.take("frame", &json);
        }
        assert_eq!(frames.len(), MOST_FRAMES);
        assert_eq!(frames.kinds().len(), MOST_KINDS);
        assert_eq!(frames.shown(&Filter::default())[0].at_ms, 999);
    }
}

//! The forms of a body: which one shows most of it, and what each shows. Pure.

use std::collections::BTreeSet;

use super::{
    cbor,
    fold::{self, Line},
    hex, message_pack,
    picture::Picture,
    tree::{Fault, Tree},
    xml,
};
use crate::{
    figures::{bytes, grouped},
    json,
    language::Text,
    texts::payload as texts,
    topic::{Body, Entry},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    MessagePack,
    Cbor,
    Xml,
    Image,
    Text,
    Hex,
}

/// A body as a form shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    pub lines: Vec<Line>,
    /// Text or bytes, if there are no lines and no image.
    pub plain: String,
    /// The image that is drawn.
    pub picture: Option<Picture>,
    /// A sentence about what is not shown, and why; usually empty.
    pub note: String,
}

impl Form {
    pub const ALL: [Self; 7] = [
        Self::Json,
        Self::MessagePack,
        Self::Cbor,
        Self::Xml,
        Self::Image,
        Self::Text,
        Self::Hex,
    ];

    pub fn name(self) -> Text {
        match self {
            Self::Json => texts::JSON,
            Self::MessagePack => texts::MESSAGE_PACK,
            Self::Cbor => texts::CBOR,
            Self::Xml => texts::XML,
            Self::Image => texts::IMAGE,
            Self::Text => texts::TEXT,
            Self::Hex => texts::HEX,
        }
    }

    /// Returns the form that shows most of a body: that of its media type if the body has this form, otherwise the one that
    /// its bytes have.
    pub fn best(entry: &Entry) -> Self {
        let of_type = Self::of_type(&entry.content_type);
        if let Some(form) = of_type.filter(|form| form.fits(entry)) {
            return form;
        }
        let mut likely = Self::likely(entry.body.bytes()).iter();
        let found = likely.find(|form| form.fits(entry)).copied();
        found.unwrap_or(match entry.body {
            Body::Text(_) => Self::Text,
            Body::Bytes(_) => Self::Hex,
        })
    }

    /// Returns the form of a media type (RFC 6838; the suffixes are those of its 4.2.8).
    fn of_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
        let last = subtype.rsplit('+').next().unwrap_or_default();
        Some(match last {
            "json" => Self::Json,
            "msgpack" | "x-msgpack" | "vnd.msgpack" | "messagepack" => Self::MessagePack,
            "cbor" | "cbor-seq" => Self::Cbor,
            "xml" => Self::Xml,
            _ if essence.starts_with("image/") => Self::Image,
            _ if essence.starts_with("text/") => Self::Text,
            _ => return None,
        })
    }

    /// Returns the forms that bytes may have, the most probable first. A single number or text of MessagePack and CBOR cannot
    /// be distinguished from other bytes, so only lists and maps count.
    fn likely(bytes: &[u8]) -> &'static [Self] {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match (bytes.first(), first) {
            _ if Picture::of(bytes).is_some() => &[Self::Image],
            (_, Some(b'<')) | (Some(0xef), _) => &[Self::Xml, Self::Json],
            // The mark of CBOR that describes itself (RFC 8949, 3.4.6).
            _ if bytes.starts_with(&[0xd9, 0xd9, 0xf7]) => &[Self::Cbor],
            (Some(0x80..=0x9f), _) => &[Self::MessagePack, Self::Cbor],
            (Some(0xa0..=0xbf), _) => &[Self::Cbor],
            (Some(0xdc..=0xdf), _) => &[Self::MessagePack],
            _ => &[Self::Json],
        }
    }

    /// Returns whether a body has this form.
    fn fits(self, entry: &Entry) -> bool {
        match self {
            Self::Image => Picture::of(entry.body.bytes()).is_some(),
            Self::Text => matches!(entry.body, Body::Text(_)),
            Self::Hex => true,
            _ => self.tree(entry).is_some_and(|tree| tree.is_ok()),
        }
    }

    /// Returns the values of a body, or the reason why it has not this form; `None` if the form shows no values, or if the body
    /// is too large.
    pub fn tree(self, entry: &Entry) -> Option<Result<Tree<'_>, String>> {
        let bytes = entry.body.bytes();
        if bytes.len() > MOST_DECODED_BYTES {
            return None;
        }
        let at_byte = |fault: Fault| {
            let at = grouped(fault.at as u64);
            texts::NOT_AT_BYTE.with(&[self.name().get(), fault.what.get(), &at])
        };
        let text = || match &entry.body {
            Body::Text(text) => Ok(&**text),
            Body::Bytes(_) => Err(texts::NOT_TEXT.with(&[self.name().get()])),
        };
        Some(match self {
            Self::Json => {
                text().and_then(|text| json::read(text).map(Tree::from).map_err(json::Fault::words))
            }
            Self::Xml => text().and_then(|text| xml::read(text).map_err(at_byte)),
            Self::MessagePack => message_pack::read(bytes).map_err(at_byte),
            Self::Cbor if entry.content_type.contains("cbor-seq") => {
                cbor::read_sequence(bytes).map_err(at_byte)
            }
            Self::Cbor => cbor::read(bytes).map_err(at_byte),
            Self::Image | Self::Text | Self::Hex => return None,
        })
    }

    /// Returns the values of a body that are folded at first.
    pub fn folded_at_first(self, entry: &Entry) -> BTreeSet<usize> {
        let tree = self.tree(entry).and_then(Result::ok);
        tree.map_or_else(BTreeSet::new, |tree| fold::folded_at_first(&tree))
    }

    /// Returns what this form shows of a body. A body that has not this form is shown as text or as bytes, with the reason.
    pub fn content(self, entry: &Entry, folded: &BTreeSet<usize>) -> Content {
        let mut content = self.content_of_whole(entry, folded);
        if entry.body.bytes().is_empty() {
            content.note = texts::EMPTY.get().into();
        }
        if entry.is_cut() {
            content.note = texts::LOADING.get().into();
        }
        content
    }

    fn content_of_whole(self, entry: &Entry, folded: &BTreeSet<usize>) -> Content {
        let body = entry.body.bytes();
        match (self, self.tree(entry)) {
            (Self::Text, _) => as_text(entry),
            (Self::Hex, _) => as_hex(body),
            (Self::Image, _) => match Picture::of(body) {
                Some(picture) => of_picture(picture, body),
                None => instead(entry, texts::NO_PICTURE.get().into()),
            },
            (_, Some(Ok(tree))) => {
                let lines = fold::lines(&tree, folded);
                let is_cut = lines.len() >= fold::MOST_LINES;
                let most = || texts::MOST_LINES.with(&[&grouped(fold::MOST_LINES as u64)]);
                Content {
                    lines,
                    note: if is_cut { most() } else { String::new() },
                    ..Content::default()
                }
            }
            (_, Some(Err(reason))) => instead(entry, reason),
            (_, None) => {
                let most = bytes(MOST_DECODED_BYTES as u64);
                instead(entry, texts::TOO_LARGE.with(&[&most]))
            }
        }
    }
}

fn as_text(entry: &Entry) -> Content {
    let (text, length) = (entry.body.text(), entry.body.bytes().len());
    let end = text.floor_char_boundary(MOST_TEXT_BYTES);
    let note = if end < text.len() {
        first_bytes(end, length)
    } else if matches!(entry.body, Body::Bytes(_)) {
        texts::REPLACED.get().into()
    } else {
        String::new()
    };
    Content {
        plain: text[..end].to_owned(),
        note,
        ..Content::default()
    }
}

fn as_hex(body: &[u8]) -> Content {
    let is_cut = body.len() > hex::MOST_BYTES;
    Content {
        plain: hex::lines(body).join("\n"),
        note: match is_cut {
            true => first_bytes(hex::MOST_BYTES, body.len()),
            false => String::new(),
        },
        ..Content::default()
    }
}

fn first_bytes(shown: usize, all: usize) -> String {
    texts::FIRST_BYTES.with(&[&grouped(shown as u64), &grouped(all as u64)])
}

fn of_picture(picture: Picture, body: &[u8]) -> Content {
    let name = picture.format.name();
    let size = picture.size;
    let size = size.map(|(width, height)| (width.to_string(), height.to_string()));
    let Some((width, height)) = size else {
        return Content {
            note: texts::PICTURE_WITHOUT_SIZE.with(&[name]),
            ..as_hex(body)
        };
    };
    if !picture.is_small_enough() {
        return Content {
            note: texts::HUGE_PICTURE.with(&[name, &width, &height]),
            ..as_hex(body)
        };
    }
    let note = texts::PICTURE_SIZE.with(&[name, &width, &height]);
    Content {
        picture: Some(picture),
        note,
        ..Content::default()
    }
}

/// Returns a body as text, or as bytes if it is not UTF-8, with the reason why it has not the wanted form.
fn instead(entry: &Entry, reason: String) -> Content {
    let other = match entry.body {
        Body::Text(_) => as_text(entry),
        Body::Bytes(_) => as_hex(entry.body.bytes()),
    };
    let note = format!("{reason} {}", other.note);
    Content {
        note: note.trim_end().to_owned(),
        ..other
    }
}

/// Larger bodies are shown only as text, image or bytes: decoding takes some ten milliseconds for each MiB, each time that the
/// page is drawn.
pub const MOST_DECODED_BYTES: usize = 4 << 20;
/// The beginning of a text that is shown.
const MOST_TEXT_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(content_type: &str, body: &[u8]) -> Entry {
        Entry {
            content_type: content_type.into(),
            body: Body::of(body.to_vec()),
            ..Entry::default()
        }
    }

    #[test]
    fn the_form_is_that_of_the_media_type_if_the_body_has_it_or_that_of_the_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01";
        for (content_type, body, form) in [
            ("", &b""[..], Form::Text),
            ("", b"hello", Form::Text),
            ("", b" {\"a\":1}", Form::Json),
            ("", b"12", Form::Json),
            ("", b"\xff\xfe", Form::Hex),
            ("", b"<a><b/></a>", Form::Xml),
            ("", b"\xef\xbb\xbf<a/>", Form::Xml),
            ("", b"<a><br></a>", Form::Text),
            ("", b"\x81\xa1a\x01", Form::MessagePack),
            ("", b"\xde\x00\x00", Form::MessagePack),
            ("", b"\x81\x19\x01\x00", Form::Cbor),
            ("", b"\xa1\x61a\x01", Form::Cbor),
            ("", b"\xd9\xd9\xf7\x01", Form::Cbor),
            ("", b"\xa1\x61a", Form::Hex),
            ("", png, Form::Image),
            ("text/plain", b"{\"a\":1}", Form::Text),
            ("text/plain", b"\xa1\x61a\x01", Form::Cbor),
            ("application/json; charset=utf-8", b"12", Form::Json),
            ("application/senml+cbor", b"\x05", Form::Cbor),
            ("application/cbor-seq", b"\x05\x06", Form::Cbor),
            ("Application/X-MsgPack", b"\x05", Form::MessagePack),
            ("application/msgpack", b"\xc1", Form::Hex),
            ("application/json", b"no", Form::Text),
            ("application/octet-stream", png, Form::Image),
            // An image that is a document is shown as one, and never drawn.
            ("image/svg+xml", b"<svg><script/></svg>", Form::Xml),
            ("image/png", b"<svg/>", Form::Xml),
        ] {
            let found = Form::best(&entry(content_type, body));
            assert_eq!(found, form, "{content_type} {body:02x?}");
        }
    }

    #[test]
    fn a_body_without_the_chosen_form_is_shown_as_it_is_with_the_reason() {
        let none = BTreeSet::new();
        let cut = Form::Cbor.content(&entry("", b"\xa1\x61a\xff"), &none);
        assert!(cut.plain.starts_with("00000000  a1 61 61 ff"), "{cut:?}");
        assert_eq!(cut.note, "Not CBOR: no value begins like this, at byte 3.");
        let text = Form::Json.content(&entry("", b"no"), &none);
        assert_eq!((&*text.plain, text.lines.len()), ("no", 0));
        let reason = "Not JSON: a value was expected, at line 1, column 1.";
        assert_eq!(text.note, reason);
        let bytes = Form::Xml.content(&entry("", b"\xff"), &none);
        assert_eq!(bytes.note, "Not XML: the body is not UTF-8.");
        assert!(bytes.plain.starts_with("00000000  ff"));
        let image = Form::Image.content(&entry("image/svg+xml", b"<svg/>"), &none);
        assert_eq!((image.picture, &*image.plain), (None, "<svg/>"));
    }

    #[test]
    fn large_bodies_are_not_decoded_and_long_texts_are_cut() {
        let long = entry("", format!("\"{}\"", "ö".repeat(3 << 20)).as_bytes());
        assert_eq!(Form::best(&long), Form::Text);
        let json = Form::Json.content(&long, &BTreeSet::new());
        assert!(
            json.note.starts_with("Bodies of more than 4.0 MiB"),
            "{}",
            json.note
        );
        assert!(json.note.contains("The first"), "{}", json.note);
        assert!(json.plain.len() <= MOST_TEXT_BYTES);
        let many = format!("[{}]", vec!["1"; 10_000].join(","));
        let many = Form::Json.content(&entry("", many.as_bytes()), &BTreeSet::new());
        assert_eq!(many.lines.len(), fold::MOST_LINES);
        assert!(
            many.note.starts_with("The first 2,000 lines"),
            "{}",
            many.note
        );
    }
}

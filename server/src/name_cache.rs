//! The encoded name of a topic or queue, kept for the next message.

use broker::{DestinationKind, TopicName};

/// The last encoded name, which the next message usually needs again. A name's length is bounded.
pub struct NameCache {
    write: WriteName,
    last: Option<(DestinationKind, TopicName)>,
    text: String,
}

/// Appends a name in the form of a protocol.
type WriteName = fn(DestinationKind, &str, &mut String);

impl NameCache {
    /// Creates an empty cache. `write` writes the names.
    pub const fn new(write: WriteName) -> Self {
        Self {
            write,
            last: None,
            text: String::new(),
        }
    }

    /// Returns the written name.
    pub fn get(&mut self, kind: DestinationKind, name: &TopicName) -> &str {
        let is_same =
            |(last_kind, last): &(DestinationKind, TopicName)| *last_kind == kind && last == name;
        if !self.last.as_ref().is_some_and(is_same) {
            self.text.clear();
            (self.write)(kind, name.as_str(), &mut self.text);
            self.last = Some((kind, name.clone()));
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_requested_name_is_written() {
        let mut written = NameCache::new(|kind, name, text| {
            text.push(if kind == DestinationKind::Queue {
                '<'
            } else {
                '>'
            });
            text.push_str(name);
        });
        let [one, other] = ["a.b", "c"].map(|name| TopicName::new(name).expect("a name"));
        let requests = [
            (DestinationKind::Topic, &one, ">a.b"),
            (DestinationKind::Topic, &one, ">a.b"),
            (DestinationKind::Queue, &one, "<a.b"),
            (DestinationKind::Queue, &other, "<c"),
            (DestinationKind::Topic, &one, ">a.b"),
        ];
        for (kind, name, expected) in requests {
            assert_eq!(written.get(kind, name), expected);
        }
    }
}

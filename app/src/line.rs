//! A line of a list of messages, received or sent. Pure; `components::message_list` draws it.

/// What there is to say about one message, or about those that are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its place in the list: each line's is one more than that of the line before.
    pub key: u64,
    pub kind: Kind,
    /// The producer, or the destination.
    pub who: String,
    pub what: String,
    /// What became of it; often nothing.
    pub note: &'static str,
    pub unix_ms: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Message,
    /// Messages that this page will never get.
    Gap,
}

/// The beginning of a text that may be too long for a line.
pub fn shortened(text: String) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

const MOST_CHARS: usize = 160;

#[cfg(test)]
mod tests {
    use super::{MOST_CHARS, shortened};

    #[test]
    fn long_text_is_shortened_between_characters() {
        assert_eq!(shortened("ding".into()), "ding");
        let long = shortened("ö".repeat(5_000));
        assert_eq!(long.chars().count(), MOST_CHARS + 1);
    }
}

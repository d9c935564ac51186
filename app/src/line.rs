//! A line of a list of messages, received or sent. Pure; `components::message_list` draws it.

/// One message, or a gap of missing messages, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Position in the list: each line's key is one more than that of the line before.
    pub key: u64,
    pub kind: Kind,
    /// The producer, or the destination.
    pub who: String,
    pub what: String,
    /// The result of a publication; empty for most lines.
    pub note: &'static str,
    pub unix_ms: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Message,
    /// Messages that this page will never receive.
    Gap,
}

/// Returns the beginning of a text that may be too long for a line.
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

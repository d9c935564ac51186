//! The id of a message, the same over all protocols.

use std::{fmt, fmt::Write as _, str::FromStr};

/// Identifies an entry permanently: the run of the broker that accepted it, and its position in that run.
///
/// The text form is `EPOCH-POSITION`, with the epoch in lower-case hexadecimal and the position in decimal:
/// `19a2b3c4d5e-42`. Any subscription, also one with wildcards, can be resumed after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The run of the broker: a number that no other run has, normally its start time in Unix milliseconds.
    pub epoch: u64,
    /// The position in the broker's order, from 1.
    pub position: u64,
}

/// A buffer for writing message ids as text; for ids of the same run only the position is written again.
#[derive(Debug, Default)]
pub struct MessageIdText {
    epoch: Option<u64>,
    text: String,
    /// Length of the text before the position, in bytes.
    prefix: usize,
}

/// The error for a text that is not a message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message id: expected EPOCH-POSITION, as in 19a2b3c4d5e-42")]
pub struct InvalidMessageId;

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}-{}", self.epoch, self.position)
    }
}

impl MessageIdText {
    /// Returns the same text as the id's [`Display`](fmt::Display).
    pub fn of(&mut self, id: MessageId) -> &str {
        if self.epoch != Some(id.epoch) {
            self.text.clear();
            // Writing to a string does not fail.
            let _ = write!(self.text, "{:x}-", id.epoch);
            self.prefix = self.text.len();
            self.epoch = Some(id.epoch);
        }
        self.text.truncate(self.prefix);
        self.text.push_str(itoa::Buffer::new().format(id.position));
        &self.text
    }
}

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        let (epoch, position) = text.split_once('-').ok_or(InvalidMessageId)?;
        let id = Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| InvalidMessageId)?,
            position: position.parse().map_err(|_| InvalidMessageId)?,
        };
        // The parsers of numbers accept signs, capitals and leading zeros; a message id has only one text form.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(InvalidMessageId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_a_round_trip() {
        let id = MessageId {
            epoch: 0x19a_2b3c_4d5e,
            position: 42,
        };
        assert_eq!(id.to_string(), "19a2b3c4d5e-42");
        assert_eq!("19a2b3c4d5e-42".parse(), Ok(id));
    }

    #[test]
    fn consecutive_ids_are_written_like_single_ids() {
        let mut text = MessageIdText::default();
        for (epoch, position) in [(10, 1), (10, u64::MAX), (11, 5), (0, 0)] {
            let id = MessageId { epoch, position };
            assert_eq!(text.of(id), id.to_string());
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "x-1",
            "1-x",
            "1-2-3",
            "1-18446744073709551616",
            "+1-1",
            "1-+1",
            "A-1",
            "01-1",
            "1-01",
        ] {
            assert_eq!(text.parse::<MessageId>(), Err(InvalidMessageId), "{text}");
        }
    }
}

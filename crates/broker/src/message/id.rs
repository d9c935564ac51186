//! The one identity of a message, the same at every door.

use std::{fmt, fmt::Write as _, str::FromStr};

/// Names an entry for good: which run of the broker took it, and its position in that run's order.
///
/// Written `EPOCH-POSITION`, the epoch in lower-case hexadecimal, the position in decimal:
/// `19a2b3c4d5e-42`. A subscription can be resumed after it, a wildcard one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The run of the broker: a number that no other run has, by custom its start in Unix milliseconds.
    pub epoch: u64,
    /// The place in the broker's one order, from 1.
    pub position: u64,
}

/// Message ids as text, one after another: of those of one run only the position is written anew.
#[derive(Debug, Default)]
pub struct MessageIdText {
    epoch: Option<u64>,
    text: String,
    /// Bytes of the text before the position.
    prefix: usize,
}

/// The text is not a message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message id: expected EPOCH-POSITION, as in 19a2b3c4d5e-42")]
pub struct InvalidMessageId;

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}-{}", self.epoch, self.position)
    }
}

impl MessageIdText {
    /// The same as the id's [`Display`](fmt::Display).
    pub fn of(&mut self, id: MessageId) -> &str {
        if self.epoch != Some(id.epoch) {
            self.text.clear();
            // Into a string it cannot fail.
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
        // The numbers' own parsers take signs, capitals and leading zeros: one message, one text.
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
    fn an_id_is_read_back_as_written() {
        let id = MessageId {
            epoch: 0x19a_2b3c_4d5e,
            position: 42,
        };
        assert_eq!(id.to_string(), "19a2b3c4d5e-42");
        assert_eq!("19a2b3c4d5e-42".parse(), Ok(id));
    }

    #[test]
    fn ids_are_written_one_after_another_as_each_for_itself() {
        let mut text = MessageIdText::default();
        for (epoch, position) in [(10, 1), (10, u64::MAX), (11, 5), (0, 0)] {
            let id = MessageId { epoch, position };
            assert_eq!(text.of(id), id.to_string());
        }
    }

    #[test]
    fn anything_else_is_refused() {
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

//! A message as the columns show it. Pure.

/// One message of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The position that the broker gave to the message; 0 for a broker without positions.
    pub position: u64,
    /// The producer, below [`MOST`](super::settings::MOST).
    pub producer: u8,
    /// The number of the message among those of its producer, from 1.
    pub number: u32,
}

impl Row {
    /// Returns the short name of the message, such as `A17`.
    pub fn label(self) -> String {
        format!("{}{}", letter(self.producer), self.number)
    }

    /// Returns a sign for the producer, so that its colour is not the only one.
    pub fn shape(self) -> &'static str {
        SHAPES[usize::from(self.producer) % SHAPES.len()]
    }
}

/// Returns the letter of a producer: `A` for the first.
pub fn letter(producer: u8) -> char {
    char::from(b'A' + producer % 26)
}

const SHAPES: [&str; 5] = ["●", "■", "▲", "◆", "★"];

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_row_has_a_letter_a_number_and_a_shape() {
        let row = |producer, number| Row {
            position: 9,
            producer,
            number,
        };
        assert_eq!(
            (row(0, 17).label().as_str(), row(0, 17).shape()),
            ("A17", "●")
        );
        assert_eq!((row(4, 1).label().as_str(), row(4, 1).shape()), ("E1", "★"));
    }
}

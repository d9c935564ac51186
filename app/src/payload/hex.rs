//! Bytes as a table of hexadecimal numbers and characters. Pure.

/// Returns lines of an offset, 16 bytes, and their characters; at most [`MOST_BYTES`].
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let shown = &bytes[..bytes.len().min(MOST_BYTES)];
    let line = |(index, row): (usize, &[u8])| {
        let mut line = format!("{:08x} ", index * ROW);
        for column in 0..ROW {
            if column == ROW / 2 {
                line.push(' ');
            }
            match row.get(column) {
                Some(byte) => line.push_str(&format!(" {byte:02x}")),
                None => line.push_str("   "),
            }
        }
        line.push_str("  ");
        line.extend(row.iter().map(|byte| match byte {
            0x20..0x7f => char::from(*byte),
            _ => '.',
        }));
        line
    };
    shown.chunks(ROW).enumerate().map(line).collect()
}

/// Bytes that are shown; a page with more of these lines becomes slow.
pub const MOST_BYTES: usize = 16 << 10;
const ROW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_offset_bytes_and_characters() {
        let lines = lines(b"Carillon rings\n\xff!");
        let expected = [
            "00000000  43 61 72 69 6c 6c 6f 6e  20 72 69 6e 67 73 0a ff  Carillon rings..",
            "00000010  21                                                !",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_lines_are_bounded() {
        assert_eq!(lines(&vec![0; 1 << 20]).len(), MOST_BYTES / ROW);
        assert!(lines(b"").is_empty());
    }
}

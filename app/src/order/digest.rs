//! A digest of messages in their order, which browsers exchange to compare what they received. Pure.

use super::row::Row;

/// Returns the digest of rows in their order (FNV-1a, 64 bits, over position, producer and number, little-endian). It finds
/// differences between honest pages; it is no protection against forgery.
pub fn digest(rows: &[Row]) -> u64 {
    rows.iter().fold(OFFSET, |state, row| {
        let state = mix(state, &row.position.to_le_bytes());
        let state = mix(state, &[row.producer]);
        mix(state, &row.number.to_le_bytes())
    })
}

/// Returns a digest as 16 hexadecimal digits.
pub fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

fn mix(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    /// The published values of FNV-1a.
    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(mix(OFFSET, b""), OFFSET);
        assert_eq!(mix(OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(mix(OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_order_and_each_part_of_a_row_count() {
        let row = |position, producer, number| Row {
            position,
            producer,
            number,
        };
        let rows = [row(1, 0, 1), row(2, 1, 1)];
        for other in [
            [row(2, 1, 1), row(1, 0, 1)],
            [row(1, 0, 1), row(3, 1, 1)],
            [row(1, 0, 1), row(2, 0, 1)],
            [row(1, 0, 1), row(2, 1, 2)],
        ] {
            assert_ne!(digest(&rows), digest(&other), "{other:?}");
        }
        assert_eq!(hex(digest(&[])), "cbf29ce484222325");
    }
}

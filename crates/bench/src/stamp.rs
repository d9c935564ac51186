//! The first bytes of every payload: the run, the producer, the sequence, and the time at which it
//! was due.
//!
//! A stamp is printable, because some servers treat a body as text. It has a fixed length, so that
//! a frame is encoded once and only the stamp is rewritten.

/// The start of a payload. Each number has a size in bits; higher bits are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Number of the run, which distinguishes its messages from those kept from other runs; 24
    /// bits.
    pub run: u32,
    /// Number of the producer; 24 bits.
    pub producer: u32,
    /// Number of the message, counted for each producer from 1; 48 bits.
    pub sequence: u64,
    /// Nanoseconds since the start of the run; 48 bits, which is three days.
    pub sent_ns: u64,
}

impl Stamp {
    /// Length of a stamp, and of the smallest payload, in bytes.
    pub const BYTES: usize = 3 * WORD;

    pub fn write(self, target: &mut [u8]) {
        let origin = (u64::from(self.run) << 24) | (u64::from(self.producer) & 0xff_ffff);
        let words = [self.sequence, self.sent_ns, origin];
        for (word, place) in words.into_iter().zip(target.chunks_exact_mut(WORD)) {
            place.copy_from_slice(&encode(word));
        }
    }

    /// Returns the stamp of a payload, or None if it has none.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (sequence, rest) = payload.split_first_chunk()?;
        let (sent_ns, rest) = rest.split_first_chunk()?;
        let origin = decode(*rest.first_chunk()?)?;
        Some(Self {
            run: (origin >> 24) as u32,
            producer: (origin & 0xff_ffff) as u32,
            sequence: decode(*sequence)?,
            sent_ns: decode(*sent_ns)?,
        })
    }
}

/// Encodes 48 bits as eight characters from `0` to `o`, the lowest six bits first.
fn encode(word: u64) -> [u8; WORD] {
    std::array::from_fn(|place| b'0' + ((word >> (6 * place)) & 0x3f) as u8)
}

/// Decodes all eight characters in parallel: combines them into pairs, then fours, then one number.
fn decode(text: [u8; WORD]) -> Option<u64> {
    let digits = u64::from_le_bytes(text).wrapping_sub(0x3030_3030_3030_3030);
    if digits & 0xc0c0_c0c0_c0c0_c0c0 != 0 {
        return None;
    }
    let pairs = (digits & 0x003f_003f_003f_003f) | ((digits & 0x3f00_3f00_3f00_3f00) >> 2);
    let fours = (pairs & 0x0000_0fff_0000_0fff) | ((pairs & 0x0fff_0000_0fff_0000) >> 4);
    Some((fours & 0xff_ffff) | ((fours & 0x00ff_ffff_0000_0000) >> 8))
}

const WORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_unchanged() {
        let largest = (1 << 48) - 1;
        let table = [
            (0, 0, 0, 0),
            (1, 2, 3, 4),
            (0xff_ffff, 0xff_ffff, largest, largest),
            (0x12_3456, 0x65_4321, 0x1234_5678_9abc, 0xcba9_8765_4321),
        ];
        for (run, producer, sequence, sent_ns) in table {
            let stamp = Stamp {
                run,
                producer,
                sequence,
                sent_ns,
            };
            let mut payload = [b'.'; Stamp::BYTES + 5];
            stamp.write(&mut payload);
            assert_eq!(Stamp::read(&payload), Some(stamp));
            assert!(payload.iter().all(u8::is_ascii_graphic), "{payload:?}");
            assert!(payload.ends_with(b"....."), "{payload:?}");
        }
    }

    #[test]
    fn a_payload_without_a_stamp_is_not_read_as_one() {
        for payload in [&b""[..], &[b'0'; 23], &[b' '; 24], &[b'p'; 24], &[0xff; 40]] {
            assert_eq!(Stamp::read(payload), None, "{payload:?}");
        }
    }
}

//! The first bytes of every payload: which run and producer it is of, its place, and when it was to be sent.
//!
//! They are printable, because some servers take a body for text, and of one length, so that a frame is
//! encoded once and only these bytes are written anew.

/// What a payload begins with. Each number has a bound, beyond which its high bits are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Tells the messages of this run from what a server kept of another; 24 bits.
    pub run: u32,
    /// 24 bits.
    pub producer: u32,
    /// Counts the producer's messages from 1; 48 bits.
    pub sequence: u64,
    /// Nanoseconds since the run began; 48 bits, which is three days.
    pub sent_ns: u64,
}

impl Stamp {
    /// Bytes of a stamp, and of the smallest payload.
    pub const BYTES: usize = 3 * WORD;

    pub fn write(self, target: &mut [u8]) {
        let origin = (u64::from(self.run) << 24) | (u64::from(self.producer) & 0xff_ffff);
        let words = [self.sequence, self.sent_ns, origin];
        for (word, place) in words.into_iter().zip(target.chunks_exact_mut(WORD)) {
            place.copy_from_slice(&encode(word));
        }
    }

    /// `None` for a payload that nobody stamped.
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

/// 48 bits as eight characters from `0` to `o`, the lowest six first.
fn encode(word: u64) -> [u8; WORD] {
    std::array::from_fn(|place| b'0' + ((word >> (6 * place)) & 0x3f) as u8)
}

/// All eight at once: they are put together in pairs, then fours, then all.
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
    fn a_stamp_is_read_as_it_was_written() {
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
    fn what_nobody_stamped_is_no_stamp() {
        for payload in [&b""[..], &[b'0'; 23], &[b' '; 24], &[b'p'; 24], &[0xff; 40]] {
            assert_eq!(Stamp::read(payload), None, "{payload:?}");
        }
    }
}

//! Decodes any bytes as the header of the PROXY protocol.

use wire::proxy::{Beginning, MAX_BYTES, decode};

/// Decodes the bytes.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let whole = decode(data);
    if let Ok(Beginning::Header(header)) = whole {
        assert!(header.length <= data.len() && header.length <= MAX_BYTES);
        assert_eq!(decode(&data[..header.length]), whole);
    }
    if whole == Ok(Beginning::Incomplete) {
        assert!(data.len() < MAX_BYTES);
    }
    // A decision about the beginning of the bytes holds for all of them.
    let lengths = 0..data.len().min(512);
    let decisions = lengths.map(|length| decode(&data[..length]));
    for decision in decisions.filter(|decision| *decision != Ok(Beginning::Incomplete)) {
        assert_eq!(decision, whole);
    }
}

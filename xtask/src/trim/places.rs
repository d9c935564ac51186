//! Places in sources (`core::panic::Location`): for panics, which say nothing in the browser. Some are
//! still handed from function to function, and all of them together with the files' names are 3 kB
//! after brotli.

use std::ops::Range;

use walrus::ir::Value;
use walrus::{ConstExpr, DataKind, Module};

/// Makes every place the first column of no line of a file without a name.
pub fn forget(module: &mut Module) {
    let segments: Vec<_> = module.data.iter().map(|data| data.id()).collect();
    for segment in segments {
        let data = module.data.get_mut(segment);
        if let DataKind::Active { offset, .. } = &data.kind
            && let ConstExpr::Value(Value::I32(address)) = offset
        {
            forget_in(&mut data.value, address.cast_unsigned());
        }
    }
}

/// The data that begins at this address of memory.
fn forget_in(data: &mut [u8], address: u32) {
    let mut names = Vec::new();
    let mut at = (address.wrapping_neg() as usize) % WORD;
    while let Some(bytes) = data.get(at..at + PLACE.len()) {
        let Some(name) = name_of_place(bytes, data, address) else {
            at += WORD;
            continue;
        };
        names.push(name);
        data[at..at + PLACE.len()].copy_from_slice(&PLACE);
        at += PLACE.len();
    }
    for name in names {
        data[name].fill(0);
    }
}

/// Where the name of the file is, if these bytes are a place: the name's address and length, then line
/// and column.
fn name_of_place(bytes: &[u8], data: &[u8], address: u32) -> Option<Range<usize>> {
    let mut words = bytes.chunks_exact(WORD).map(|word| {
        let word = word.first_chunk().copied().unwrap_or_default();
        u32::from_le_bytes(word)
    });
    let [name, length, line, column] = [(); 4].map(|()| words.next().unwrap_or_default());
    let start = name.checked_sub(address)? as usize;
    let name = start..start.checked_add(length as usize)?;
    let text = data.get(name.clone())?;
    let is_name = text.ends_with(b".rs") && text.iter().all(u8::is_ascii_graphic);
    let is_place = (1..MOST_LINES).contains(&line) && (1..MOST_COLUMNS).contains(&column);
    (is_name && is_place).then_some(name)
}

const WORD: usize = 4;
/// An empty text is at address 1, as everywhere in Rust.
const PLACE: [u8; 4 * WORD] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const MOST_LINES: u32 = 100_000;
const MOST_COLUMNS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: u32 = 1002;

    /// Two bytes up to a whole word, a place with this name and line, and the name itself.
    fn data(name: &str, line: u32) -> Vec<u8> {
        let mut data = vec![9, 9];
        for word in [ADDRESS + 18, name.len() as u32, line, 5] {
            data.extend_from_slice(&word.to_le_bytes());
        }
        data.extend_from_slice(name.as_bytes());
        data
    }

    #[test]
    fn a_place_and_its_name_are_forgotten_and_nothing_else() {
        let mut data = data("src/lib.rs", 77);
        data.extend_from_slice(b"after");
        forget_in(&mut data, ADDRESS);
        assert_eq!(data[..2], [9, 9]);
        assert_eq!(data[2..18], PLACE);
        assert_eq!(data[18..28], [0; 10]);
        assert_eq!(&data[28..], b"after");
    }

    #[test]
    fn what_is_no_place_stays() {
        for (name, line) in [("src/lib.js", 77), ("src/lib .rs", 77), ("src/lib.rs", 0)] {
            let mut forgotten = data(name, line);
            forget_in(&mut forgotten, ADDRESS);
            assert_eq!(forgotten, data(name, line), "{name}");
        }
        let mut cut_off = data("src/lib.rs", 77);
        cut_off.truncate(20);
        forget_in(&mut cut_off, ADDRESS);
        assert_ne!(cut_off[2..18], PLACE);
    }
}

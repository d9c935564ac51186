//! The patterns of `LIKE`.
//!
//! Parsing splits a pattern at its `%`. The text before the first `%` is compared with the
//! beginning of the header, the text after the last `%` with its end. Each part between two `%` is
//! searched for once, in a single pass over the text that the part before it left. The leftmost
//! match is always right: a later match leaves less text for the parts that follow, and the `%`
//! between them accepts any difference.

use std::{fmt, iter, str::Chars};

use super::{Selector, SelectorFault, display::Quoted};

/// A pattern of characters, `_` for any one character, and `%` for any number of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The pieces before the first `%`.
    start: Box<[Piece]>,
    /// The rest of the pattern from the first `%` on, if there is a `%`.
    tail: Option<Tail>,
}

/// The part of a pattern after its first `%`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tail {
    /// The parts between two `%`.
    parts: Box<[Part]>,
    /// The pieces after the last `%`.
    end: Box<[Piece]>,
}

/// The pieces between two `%`; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    pieces: Box<[Piece]>,
    search: Search,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Character(char),
    AnyOne,
}

/// The search algorithm for a part. The time of both is linear in the length of the text and
/// independent of the part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Search {
    /// For a part without `_`. The standard library's algorithm is linear (two-way).
    Text(Box<str>),
    /// For a part with `_`.
    Shifts(Box<Shifts>),
}

/// The shift-and (bitap) algorithm: follows all candidate matches at once, one bit for each piece.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shifts {
    /// For each group of four bits of a character, the lowest first, and each value of these four
    /// bits: the set of pieces that match, with the first piece in the lowest bit. A piece matches
    /// a character if it matches all groups, so these few tables cover all of Unicode.
    fits: [[u64; 16]; Self::DIGITS],
    /// The pieces that match the upper bits of every ASCII character.
    ascii: u64,
    /// The bit of the last piece.
    last: u64,
}

impl Pattern {
    /// Parses a pattern. `escape` makes a following `_`, `%` or `escape` an ordinary character;
    /// before any other character, `escape` is itself an ordinary character (as in ActiveMQ).
    pub(super) fn new(text: &str, escape: Option<char>) -> Result<Self, SelectorFault> {
        let mut rest = text.chars();
        let (start, mut is_open) = part(&mut rest, escape);
        if !is_open {
            return Ok(Self { start, tail: None });
        }
        let mut parts = Vec::new();
        let mut end = Box::default();
        while is_open {
            let pieces;
            (pieces, is_open) = part(&mut rest, escape);
            if !is_open {
                end = pieces;
            } else if !pieces.is_empty() {
                parts.push(Part::new(pieces)?);
            }
        }
        let parts = parts.into();
        let tail = Some(Tail { parts, end });
        Ok(Self { start, tail })
    }

    /// Returns the pieces before, between and after each `%`.
    fn cut(&self) -> impl Iterator<Item = &[Piece]> {
        let parts = self.tail.iter().flat_map(|tail| &tail.parts);
        let end = self.tail.iter().map(|tail| &*tail.end);
        iter::once(&*self.start)
            .chain(parts.map(|part| &*part.pieces))
            .chain(end)
    }

    /// Returns the number of characters, `_` and `%`; consecutive `%` count as one.
    pub(super) fn len(&self) -> usize {
        let pieces: usize = self.cut().map(<[Piece]>::len).sum();
        pieces + self.cut().count() - 1
    }

    /// Returns the number of parts that must be searched for in the text, not only compared with
    /// its ends.
    pub(super) fn searches(&self) -> usize {
        self.tail.as_ref().map_or(0, |tail| tail.parts.len())
    }

    /// Returns true if the pattern matches the whole of `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        if !self.start.iter().all(|piece| piece.is_next(rest.next())) {
            return false;
        }
        let Some(tail) = &self.tail else {
            return rest.as_str().is_empty();
        };
        let mut end = tail.end.iter().rev();
        if !end.all(|piece| piece.is_next(rest.next_back())) {
            return false;
        }
        let mut parts = tail.parts.iter();
        parts
            .try_fold(rest.as_str(), |rest, part| part.search.after(rest))
            .is_some()
    }
}

impl Part {
    fn new(pieces: Box<[Piece]>) -> Result<Self, SelectorFault> {
        let characters = pieces.iter().map(|piece| piece.character());
        let search = match characters.collect::<Option<String>>() {
            Some(text) => Search::Text(text.into()),
            None if pieces.len() <= Selector::MAX_PART_CHARS => {
                Search::Shifts(Shifts::new(&pieces).into())
            }
            None => return Err(SelectorFault::PartTooLong),
        };
        Ok(Self { pieces, search })
    }
}

impl Piece {
    fn is_next(self, next: Option<char>) -> bool {
        match self {
            Self::Character(wanted) => next == Some(wanted),
            Self::AnyOne => next.is_some(),
        }
    }

    fn character(self) -> Option<char> {
        match self {
            Self::Character(character) => Some(character),
            Self::AnyOne => None,
        }
    }
}

impl Search {
    /// Returns the text after the first match.
    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(wanted) => {
                let at = text.find(&**wanted)?;
                Some(&text[at + wanted.len()..])
            }
            Self::Shifts(shifts) => shifts.after(text),
        }
    }
}

impl Shifts {
    /// The number of four-bit groups of a character: characters have 21 bits.
    const DIGITS: usize = 6;

    /// Builds the tables for 1 to 64 pieces.
    fn new(pieces: &[Piece]) -> Self {
        let mut fits = [[0; 16]; Self::DIGITS];
        let mut last = 0;
        for (at, piece) in pieces.iter().enumerate() {
            last = 1 << at;
            for (index, digit) in fits.iter_mut().enumerate() {
                match piece {
                    Piece::Character(character) => digit[nibble(*character, index)] |= last,
                    Piece::AnyOne => digit.iter_mut().for_each(|fits| *fits |= last),
                }
            }
        }
        let ascii = fits[2..].iter().fold(u64::MAX, |all, digit| all & digit[0]);
        Self { fits, ascii, last }
    }

    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.chars();
        // One bit for each piece: set if the pieces up to it match the characters read last.
        let mut fitting = 0;
        while let Some(character) = rest.next() {
            fitting = (fitting << 1 | 1) & self.fits(character);
            if fitting & self.last != 0 {
                return Some(rest.as_str());
            }
        }
        None
    }

    fn fits(&self, character: char) -> u64 {
        let digits = self.fits.iter().enumerate();
        let fits =
            |fits: u64, (index, digit): (usize, &[u64; 16])| fits & digit[nibble(character, index)];
        if character.is_ascii() {
            digits.take(2).fold(self.ascii, fits)
        } else {
            digits.fold(u64::MAX, fits)
        }
    }
}

/// Returns a group of four bits of a character, counted from the lowest.
fn nibble(character: char, index: usize) -> usize {
    (u32::from(character) >> (4 * index) & 0xF) as usize
}

/// Returns the pieces up to the next `%` or the end, and true if a `%` ended them.
fn part(rest: &mut Chars<'_>, escape: Option<char>) -> (Box<[Piece]>, bool) {
    let mut pieces = Vec::new();
    while let Some(character) = rest.next() {
        pieces.push(match character {
            _ if Some(character) == escape => escaped(character, rest),
            '_' => Piece::AnyOne,
            '%' => return (pieces.into(), true),
            _ => Piece::Character(character),
        });
    }
    (pieces.into(), false)
}

/// Returns the piece that begins with the escape character.
fn escaped(escape: char, rest: &mut Chars<'_>) -> Piece {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some(next) if matches!(next, '_' | '%') || next == escape => {
            *rest = ahead;
            Piece::Character(next)
        }
        _ => Piece::Character(escape),
    }
}

/// Formats the pattern as a string literal, with `ESCAPE` if required.
impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ESCAPE: char = '\\';
        let wildcards = [Piece::Character('_'), Piece::Character('%')];
        let escapes = self.cut().flatten().any(|piece| wildcards.contains(piece));
        let mut text = String::with_capacity(self.len());
        for (index, pieces) in self.cut().enumerate() {
            if index > 0 {
                text.push('%');
            }
            for piece in pieces {
                match *piece {
                    Piece::AnyOne => text.push('_'),
                    Piece::Character(character) => {
                        if escapes && matches!(character, '_' | '%' | ESCAPE) {
                            text.push(ESCAPE);
                        }
                        text.push(character);
                    }
                }
            }
        }
        Quoted('\'', &text).fmt(formatter)?;
        if escapes {
            write!(formatter, " ESCAPE '{ESCAPE}'")?;
        }
        Ok(())
    }
}

//! The patterns of `LIKE`.
//!
//! A pattern is cut at its `%` when it is read. What is before the first is compared with the text's
//! beginning, what is behind the last with its end; each part between is looked for once, in a single pass
//! over what the part before it left. The leftmost place is always right: a place further on leaves less to
//! the parts behind, and the `%` between takes up any difference.

use std::{fmt, iter, str::Chars};

use super::{Selector, SelectorFault, display::Quoted};

/// A pattern: characters, `_` for any one of them, and `%` for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Up to the first `%`.
    start: Box<[Piece]>,
    /// From the first `%` on.
    tail: Option<Tail>,
}

/// What a pattern has behind its first `%`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tail {
    /// Between two `%` each.
    parts: Box<[Part]>,
    /// Behind the last `%`.
    end: Box<[Piece]>,
}

/// Never empty.
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

/// How a part is found; both take as many steps as there are characters, whatever the part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Search {
    /// Without `_`. The standard library's algorithm is linear (two-way).
    Text(Box<str>),
    /// With `_`.
    Shifts(Box<Shifts>),
}

/// All places where a part may have begun are followed at once, a bit for each (shift-and, or bitap).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shifts {
    /// For each four bits of a character, the lowest first, and each value that they can have: the pieces
    /// that it fits, the first piece in the lowest bit. A piece fits a character if it fits all its bits, so
    /// these few tables are enough for all of Unicode.
    fits: [[u64; 16]; Self::DIGITS],
    /// The pieces that fit the higher bits of every character of ASCII.
    ascii: u64,
    /// The bit of the last piece.
    last: u64,
}

impl Pattern {
    /// `escape` takes the meaning from a `_`, a `%` or itself behind it; before anything else it is a
    /// character like others (as in ActiveMQ).
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

    /// What is before, between and behind its `%`.
    fn cut(&self) -> impl Iterator<Item = &[Piece]> {
        let parts = self.tail.iter().flat_map(|tail| &tail.parts);
        let end = self.tail.iter().map(|tail| &*tail.end);
        iter::once(&*self.start)
            .chain(parts.map(|part| &*part.pieces))
            .chain(end)
    }

    /// The number of its characters, `_` and `%`; several `%` in a row are one.
    pub(super) fn len(&self) -> usize {
        let pieces: usize = self.cut().map(<[Piece]>::len).sum();
        pieces + self.cut().count() - 1
    }

    /// The number of parts that are looked for in the whole of a text, and not just at its ends.
    pub(super) fn searches(&self) -> usize {
        self.tail.as_ref().map_or(0, |tail| tail.parts.len())
    }

    /// Whether the whole of `text` is as the pattern says.
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
    /// What is behind the first place where it is.
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
    /// Characters have 21 bits.
    const DIGITS: usize = 6;

    /// Of at least one and at most 64 pieces.
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
        // A bit for each piece: whether the pieces up to it fit the characters up to here.
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

/// Four bits of a character, counted from the lowest.
fn nibble(character: char, index: usize) -> usize {
    (u32::from(character) >> (4 * index) & 0xF) as usize
}

/// The pieces up to the next `%` or the end, and whether it was a `%`.
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

/// The piece that begins with the escape character.
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

/// The string literal, and `ESCAPE` where it is needed.
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

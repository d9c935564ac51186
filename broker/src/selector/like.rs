//! The patterns of `LIKE`.

use std::{fmt, str::Chars};

use super::display::Quoted;

/// A pattern: characters, `_` for any one of them, and `%` for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Box<[Piece]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Character(char),
    AnyOne,
    AnyNumber,
}

impl Pattern {
    /// `escape` takes the meaning from a `_`, a `%` or itself behind it; before anything else it is a
    /// character like others (as in ActiveMQ).
    pub(super) fn new(text: &str, escape: Option<char>) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let piece = match character {
                _ if Some(character) == escape => escaped(character, &mut rest),
                '_' => Piece::AnyOne,
                '%' => Piece::AnyNumber,
                _ => Piece::Character(character),
            };
            if piece != Piece::AnyNumber || pieces.last() != Some(&Piece::AnyNumber) {
                pieces.push(piece);
            }
        }
        Self(pieces.into())
    }

    /// The number of its pieces: characters, `_` and `%`.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the whole of `text` is as the pattern says.
    ///
    /// What a `%` took only grows until the pieces up to the next `%` fit; from then on it stays, since
    /// what that next `%` takes can make up for any difference. So there are never more steps than
    /// characters times pieces.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut pieces = &*self.0;
        let mut retry: Option<(&[Piece], Chars<'_>)> = None;
        loop {
            match pieces.split_first() {
                Some((Piece::AnyNumber, [])) => return true,
                Some((Piece::AnyNumber, after)) => {
                    pieces = after;
                    retry = Some((after, rest.clone()));
                    continue;
                }
                Some((piece, after)) => match rest.next() {
                    None => return false,
                    Some(character) if piece.fits(character) => {
                        pieces = after;
                        continue;
                    }
                    Some(_) => {}
                },
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, from)) = &mut retry else {
                return false;
            };
            from.next();
            rest = from.clone();
            pieces = after;
        }
    }
}

impl Piece {
    fn fits(self, character: char) -> bool {
        match self {
            Self::Character(wanted) => wanted == character,
            Self::AnyOne | Self::AnyNumber => true,
        }
    }
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
        let escapes = self.0.iter().any(|piece| wildcards.contains(piece));
        let mut text = String::with_capacity(self.0.len());
        for piece in &self.0 {
            match *piece {
                Piece::AnyOne => text.push('_'),
                Piece::AnyNumber => text.push('%'),
                Piece::Character(character) => {
                    if escapes && matches!(character, '_' | '%' | ESCAPE) {
                        text.push(ESCAPE);
                    }
                    text.push(character);
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

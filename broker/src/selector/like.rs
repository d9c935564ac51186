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

    fn character(self) -> char {
        match self {
            Self::Character(character) => character,
            Self::AnyOne => '_',
            Self::AnyNumber => '%',
        }
    }

    /// Whether it is a character that would be a wildcard.
    fn is_escaped(self) -> bool {
        matches!(self, Self::Character('_' | '%'))
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
        let Some(escape) = self.escape() else {
            let text: String = self.0.iter().map(|piece| piece.character()).collect();
            return Quoted('\'', &text).fmt(formatter);
        };
        let mut text = String::with_capacity(self.0.len());
        for piece in &self.0 {
            if piece.is_escaped() {
                text.push(escape);
            }
            text.push(piece.character());
        }
        write!(formatter, "{} ESCAPE '{escape}'", Quoted('\'', &text))
    }
}

impl Pattern {
    /// A character that can take the meaning from others, if one is needed: it stands for nothing itself, so
    /// that a pattern never becomes longer than it was.
    fn escape(&self) -> Option<char> {
        let is_needed = self.0.iter().any(|piece| piece.is_escaped());
        let is_free = |character: &char| !self.0.contains(&Piece::Character(*character));
        // Beyond the wildcards and quotes there are more characters than a pattern can have.
        let mut candidates = ['\\', '!', '#'].into_iter().chain('a'..=char::MAX);
        is_needed.then(|| candidates.find(is_free)).flatten()
    }
}

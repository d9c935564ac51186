//! The identifiers of a selector: properties, the body, and fields of a JSON body.

use std::{fmt, str::FromStr};

use super::{
    InvalidSelector, SelectorFault,
    display::Quoted,
    lexer::{self, BODY},
};

/// The meaning of an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identifier {
    /// A property, by its name.
    Property(Box<str>),
    /// The text of the body.
    Body,
    /// A field of a JSON body, and its index among the fields that the selector reads.
    Field(FieldPath, usize),
}

/// The path to a field of a JSON body: the names of members and the indices of array elements, from the outside to the
/// inside, such as `data.temp` or `data.0."max temp"`. Names that are not words are in double quotes, with doubled
/// quotes inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath(Box<[Box<str>]>);

impl FieldPath {
    /// Maximum number of levels of a path.
    pub const MAX_LEVELS: usize = 64;

    /// Returns the names, from the outside to the inside.
    pub(super) fn levels(&self) -> &[Box<str>] {
        &self.0
    }

    /// Parses a path of which each level begins with a dot.
    ///
    /// # Errors
    /// The fault, and the number of characters before it.
    pub(super) fn parse(text: &str) -> Result<Self, (SelectorFault, usize)> {
        let mut levels = Vec::new();
        let mut rest = text;
        let at = |rest: &str| text[..text.len() - rest.len()].chars().count();
        while let Some(after) = rest.strip_prefix('.') {
            let length = level_length(after).map_err(|fault| (fault, at(after)))?;
            if length == 0 {
                return Err((SelectorFault::NoField, at(after)));
            }
            if levels.len() == Self::MAX_LEVELS {
                return Err((SelectorFault::FieldTooDeep, at(after)));
            }
            let (level, others) = after.split_at(length);
            levels.push(name_of(level));
            rest = others;
        }
        match rest.is_empty() && !levels.is_empty() {
            true => Ok(Self(levels.into())),
            false => Err((SelectorFault::NoField, at(rest))),
        }
    }
}

/// Returns the length in bytes of the path at the beginning of a text: levels that begin with a dot.
pub(super) fn path_length(text: &str) -> Result<usize, SelectorFault> {
    let mut length = 0;
    while let Some(after) = text[length..].strip_prefix('.') {
        length += 1 + level_length(after)?;
    }
    Ok(length)
}

/// Returns the length in bytes of the word or the quoted name at the beginning of a text.
fn level_length(text: &str) -> Result<usize, SelectorFault> {
    match text.starts_with('"') {
        true => lexer::quoted(text, '"').map(|(_, length)| length),
        false => Ok(lexer::leading(text, lexer::continues_word).len()),
    }
}

fn name_of(level: &str) -> Box<str> {
    let quoted = level.strip_prefix('"');
    match quoted.and_then(|rest| rest.strip_suffix('"')) {
        Some(name) => name.replace("\"\"", "\"").into(),
        None => level.into(),
    }
}

/// Reads a path without the leading dot.
impl FromStr for FieldPath {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        if text.len() > super::Selector::MAX_BYTES {
            return Err(InvalidSelector::too_long(text));
        }
        Self::parse(&format!(".{text}")).map_err(|(fault, before)| InvalidSelector {
            column: before.max(1),
            fault,
        })
    }
}

/// Formats the path without a leading dot.
impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, level) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(".")?;
            }
            match !level.is_empty() && level.chars().all(lexer::continues_word) {
                true => formatter.write_str(level)?,
                false => Quoted('"', level).fmt(formatter)?,
            }
        }
        Ok(())
    }
}

/// Formats an identifier, in quotes if they are required.
impl fmt::Display for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(name) if lexer::is_plain(name) => formatter.write_str(name),
            Self::Property(name) => Quoted('"', name).fmt(formatter),
            Self::Body => formatter.write_str(BODY),
            Self::Field(path, _) => write!(formatter, "{BODY}.{path}"),
        }
    }
}

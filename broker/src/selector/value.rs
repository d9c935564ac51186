//! Values, and how they compare.

use std::cmp::Ordering;

use super::number::Number;

/// The value of a property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A string.
    Text(&'a str),
    /// True or false.
    Boolean(bool),
    /// An exact number.
    Exact(i64),
    /// An approximate number. One that is not finite is treated as no number.
    Approximate(f64),
}

/// What strings are where a number or a boolean is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// The number or the boolean that the whole string is written as.
    Converted,
    /// Strings, and nothing else.
    Unconverted,
}

/// The comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it is for numbers alone.
    pub(super) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether it holds between two values; false where their kinds do not fit.
    pub(super) fn holds(self, left: Value<'_>, right: Value<'_>, strings: Strings) -> bool {
        match self {
            Self::Equal => left.equals(right, strings),
            Self::NotEqual => !left.equals(right, strings),
            Self::Less => left.order(right, strings).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => left.order(right, strings).is_some_and(Ordering::is_le),
            Self::Greater => left.order(right, strings).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => left.order(right, strings).is_some_and(Ordering::is_ge),
        }
    }
}

impl Value<'_> {
    pub(super) fn equals(self, other: Self, strings: Strings) -> bool {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Boolean(wanted), value) | (value, Self::Boolean(wanted)) => {
                value.boolean(strings) == Some(wanted)
            }
            _ => self.order(other, strings) == Some(Ordering::Equal),
        }
    }

    /// The order of two numbers.
    fn order(self, other: Self, strings: Strings) -> Option<Ordering> {
        self.number(strings)?.partial_cmp(&other.number(strings)?)
    }

    pub(super) fn boolean(self, strings: Strings) -> Option<bool> {
        match (self, strings) {
            (Self::Boolean(value), _) => Some(value),
            (Self::Text(text), Strings::Converted) if text.eq_ignore_ascii_case("true") => {
                Some(true)
            }
            (Self::Text(text), Strings::Converted) if text.eq_ignore_ascii_case("false") => {
                Some(false)
            }
            _ => None,
        }
    }

    pub(super) fn number(self, strings: Strings) -> Option<Number> {
        match (self, strings) {
            (Self::Exact(value), _) => Some(Number::Exact(value)),
            (Self::Approximate(value), _) => Number::approximate(value),
            (Self::Text(text), Strings::Converted) => Number::read(text),
            _ => None,
        }
    }
}

impl From<Number> for Value<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Exact(value) => Self::Exact(value),
            Number::Approximate(value) => Self::Approximate(value),
        }
    }
}

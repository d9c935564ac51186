//! Property values and their comparison.

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
    /// An approximate number. A value that is not finite is treated as not a number.
    Approximate(f64),
}

/// The treatment of strings where a number or a boolean is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// A string is converted if the whole of it is a number or a boolean.
    Converted,
    /// A string is never converted.
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

    /// Returns true for the operators that compare only numbers.
    pub(super) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Returns true if the comparison holds; false if the kinds of the values do not match.
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

    /// Returns the order of two numbers, or None if either value is not a number.
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

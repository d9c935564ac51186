//! Numbers: conversion from strings, and arithmetic.

use std::{cmp::Ordering, fmt, io::Write};

/// An exact number, or a finite approximate one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Exact(i64),
    Approximate(f64),
}

/// The binary arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// The unary signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Number {
    /// Maximum length of a text that is read as a number, in bytes.
    const MAX_BYTES: usize = 64;
    /// The number of decimal digits that 64 bits can always hold.
    const DIGITS: usize = 19;

    /// Reads the whole of `text` as a decimal number with optional sign, point and exponent.
    /// Returns None if it is not a number. The bounds limit the cost for any text.
    pub(super) fn read(text: &str) -> Option<Self> {
        // This also excludes "inf", "infinity" and "nan", which Rust's parser accepts.
        let is_numeric = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        if text.len() > Self::MAX_BYTES || !text.bytes().all(is_numeric) {
            return None;
        }
        match text.parse() {
            Ok(exact) => Some(Self::Exact(exact)),
            Err(_) if text.len() > Self::DIGITS => Self::approximate(rounded(text)?),
            Err(_) => Self::approximate(text.parse().ok()?),
        }
    }

    /// Returns the exact number with this sign, or None if it does not fit 64 bits.
    pub(super) fn exact(sign: Sign, value: u64) -> Option<Self> {
        let signed = match sign {
            Sign::Plus => 0i64.checked_add_unsigned(value),
            Sign::Minus => 0i64.checked_sub_unsigned(value),
        };
        signed.map(Self::Exact)
    }

    /// Returns None if `value` is not finite.
    pub(super) fn approximate(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Approximate(value))
    }

    /// Returns None if there is no finite result.
    pub(super) fn combine(self, operator: Operator, other: Self) -> Option<Self> {
        if let (Self::Exact(left), Self::Exact(right)) = (self, other)
            && let Some(exact) = operator.exact(left, right)
        {
            return Some(Self::Exact(exact));
        }
        Self::approximate(operator.approximate(self.to_f64(), other.to_f64()))
    }

    pub(super) fn with_sign(self, sign: Sign) -> Self {
        match (sign, self) {
            (Sign::Plus, number) => number,
            (Sign::Minus, Self::Approximate(value)) => Self::Approximate(-value),
            (Sign::Minus, Self::Exact(value)) => value
                .checked_neg()
                .map_or(Self::Approximate(-(value as f64)), Self::Exact),
        }
    }

    pub(super) fn is_negative(self) -> bool {
        match self {
            Self::Exact(value) => value.is_negative(),
            Self::Approximate(value) => value.is_sign_negative(),
        }
    }

    fn to_f64(self) -> f64 {
        match self {
            Self::Exact(value) => value as f64,
            Self::Approximate(value) => value,
        }
    }
}

/// Reads a number in decimal notation and ignores the digits after [`Number::DIGITS`]. With more
/// digits, the standard library can need ten microseconds to round one number.
fn rounded(text: &str) -> Option<f64> {
    const FULL: u64 = 10u64.pow(Number::DIGITS as u32 - 1);
    // The longest significand and exponent, plus a reserve.
    const BUFFER: usize = 40;
    let (significand, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = significand.strip_prefix(['+', '-']).unwrap_or(significand);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = i64::from(exponent.parse::<i32>().ok()?) + whole.len() as i64;
    let mut value = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(10)?);
        if value < FULL {
            value = value * 10 + digit;
            exponent -= 1;
        }
    }
    let mut buffer = [0; BUFFER];
    let mut rest = &mut buffer[..];
    write!(rest, "{value}e{exponent}").ok()?;
    let written = BUFFER - rest.len();
    let value: f64 = str::from_utf8(&buffer[..written]).ok()?.parse().ok()?;
    let is_negative = significand.starts_with('-');
    Some(if is_negative { -value } else { value })
}

impl Operator {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    pub(super) fn is_sum(self) -> bool {
        matches!(self, Self::Add | Self::Subtract)
    }

    pub(super) fn is_product(self) -> bool {
        !self.is_sum()
    }

    /// Returns None if the result is not an exact number of 64 bits.
    fn exact(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide if left.checked_rem(right)? == 0 => left.checked_div(right),
            Self::Divide => None,
            Self::Remainder => (right != 0).then(|| left.wrapping_rem(right)),
        }
    }

    fn approximate(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Remainder => left % right,
        }
    }
}

/// Exact and approximate numbers compare as approximate ones (Java's numeric promotion).
impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Exact(left), Self::Exact(right)) => Some(left.cmp(right)),
            _ => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl Sign {
    pub(super) fn symbol(self) -> char {
        match self {
            Self::Plus => '+',
            Self::Minus => '-',
        }
    }
}

/// Formats the number so that it is read back unchanged: an approximate number has a point or an
/// exponent.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => write!(formatter, "{value}"),
            Self::Approximate(value) => write!(formatter, "{value:?}"),
        }
    }
}

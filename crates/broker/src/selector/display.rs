//! Formats expressions as text that parses as the same expression.

use std::fmt::{self, Display, Formatter, Write};

use super::{
    expression::Expression,
    number::{Operator, Sign},
};

/// Formats a text in quotes, with the quotes inside it doubled.
pub(super) struct Quoted<'a>(pub(super) char, pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(quote, text) = *self;
        formatter.write_char(quote)?;
        for character in text.chars() {
            if character == quote {
                formatter.write_char(quote)?;
            }
            formatter.write_char(character)?;
        }
        formatter.write_char(quote)
    }
}

/// The precedence of an expression's outermost operator, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Single,
}

impl Expression {
    fn binding(&self) -> Binding {
        match self {
            Self::Any(_) => Binding::Or,
            Self::All(_) => Binding::And,
            Self::Not(inner) if !inner.is_test() => Binding::Not,
            Self::Arithmetic(_, rest) => {
                let is_sum = rest.iter().all(|(operator, _)| operator.is_sum());
                if is_sum {
                    Binding::Sum
                } else {
                    Binding::Product
                }
            }
            Self::Signed(..) | Self::Number(_) => Binding::Sign,
            Self::Text(_) | Self::Boolean(_) | Self::Identifier(_) => Binding::Single,
            _ => Binding::Comparison,
        }
    }

    /// Returns true for tests that print their negation as an infix `NOT` (`a NOT IN (..)`).
    fn is_test(&self) -> bool {
        matches!(
            self,
            Self::In(..) | Self::Like(..) | Self::Regexp(..) | Self::IsNull(_)
        )
    }

    fn test(&self, not: &str, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(identifier, list) => {
                write!(formatter, "{identifier} {not}IN (")?;
                join(list.iter().map(|text| Quoted('\'', text)), ", ", formatter)?;
                formatter.write_char(')')
            }
            Self::Like(identifier, pattern) => {
                write!(formatter, "{identifier} {not}LIKE {pattern}")
            }
            Self::Regexp(identifier, regexp) => {
                write!(formatter, "{identifier} {not}REGEXP {regexp}")
            }
            Self::IsNull(identifier) => write!(formatter, "{identifier} IS {not}NULL"),
            _ => self.fmt(formatter),
        }
    }
}

/// Formats an expression, in parentheses if its precedence is lower than the given one.
struct Within<'a>(&'a Expression, Binding);

impl Display for Within<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(expression, least) = self;
        if expression.binding() < *least {
            write!(formatter, "({expression})")
        } else {
            expression.fmt(formatter)
        }
    }
}

impl Display for Expression {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted('\'', text).fmt(formatter),
            Self::Boolean(true) => formatter.write_str("TRUE"),
            Self::Boolean(false) => formatter.write_str("FALSE"),
            Self::Number(number) => number.fmt(formatter),
            Self::Identifier(identifier) => identifier.fmt(formatter),
            Self::Signed(sign, inner) => signed(*sign, inner, formatter),
            Self::Arithmetic(first, rest) => chain(first, rest, self.binding(), formatter),
            Self::Compare(comparison, sides) => {
                let [left, right] = sides.each_ref().map(|side| Within(side, Binding::Sum));
                write!(formatter, "{left} {} {right}", comparison.symbol())
            }
            Self::Between(range) => between("BETWEEN", range, formatter),
            Self::NotBetween(range) => between("NOT BETWEEN", range, formatter),
            Self::In(..) | Self::Like(..) | Self::Regexp(..) | Self::IsNull(_) => {
                self.test("", formatter)
            }
            Self::Not(inner) if inner.is_test() => inner.test("NOT ", formatter),
            Self::Not(inner) => write!(formatter, "NOT {}", Within(inner, Binding::Not)),
            Self::All(parts) => {
                let parts = parts.iter().map(|part| Within(part, Binding::Not));
                join(parts, " AND ", formatter)
            }
            Self::Any(parts) => {
                let parts = parts.iter().map(|part| Within(part, Binding::And));
                join(parts, " OR ", formatter)
            }
        }
    }
}

fn signed(sign: Sign, inner: &Expression, formatter: &mut Formatter<'_>) -> fmt::Result {
    formatter.write_char(sign.symbol())?;
    match inner {
        // Without parentheses, the sign would be parsed as part of the numeral.
        Expression::Number(number) if !number.is_negative() => write!(formatter, "({number})"),
        _ => Within(inner, Binding::Sign).fmt(formatter),
    }
}

fn chain(
    first: &Expression,
    rest: &[(Operator, Expression)],
    binding: Binding,
    formatter: &mut Formatter<'_>,
) -> fmt::Result {
    let tighter = match binding {
        Binding::Sum => Binding::Product,
        _ => Binding::Sign,
    };
    Within(first, tighter).fmt(formatter)?;
    rest.iter().try_for_each(|(operator, right)| {
        let right = Within(right, tighter);
        write!(formatter, " {} {right}", operator.symbol())
    })
}

fn between(word: &str, range: &[Expression; 3], formatter: &mut Formatter<'_>) -> fmt::Result {
    let [value, least, greatest] = range.each_ref().map(|part| Within(part, Binding::Sum));
    write!(formatter, "{value} {word} {least} AND {greatest}")
}

fn join(
    parts: impl Iterator<Item = impl Display>,
    separator: &str,
    formatter: &mut Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            formatter.write_str(separator)?;
        }
        part.fmt(formatter)?;
    }
    Ok(())
}

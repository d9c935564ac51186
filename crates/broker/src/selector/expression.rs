//! The syntax tree and its evaluation.
//!
//! A tree is only as deep as parentheses, `NOT` and signs are nested in the text, because a chain
//! of one operator is one node. So the parser's bound on depth also bounds the recursion here.

use super::{
    Properties, Value,
    body::Body,
    identifier::Identifier,
    like::Pattern,
    number::{Number, Operator, Sign},
    regexp::Regexp,
    value::{Comparison, Strings},
};

/// A condition, or an expression with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Text(Box<str>),
    Boolean(bool),
    Number(Number),
    Identifier(Identifier),
    Signed(Sign, Box<Expression>),
    /// Operators of one precedence, evaluated from left to right.
    Arithmetic(Box<Expression>, Box<[(Operator, Expression)]>),
    Compare(Comparison, Box<[Expression; 2]>),
    /// The value, the minimum and the maximum.
    Between(Box<[Expression; 3]>),
    NotBetween(Box<[Expression; 3]>),
    In(Identifier, Box<[Box<str>]>),
    Like(Identifier, Box<Pattern>),
    Regexp(Identifier, Regexp),
    IsNull(Identifier),
    Not(Box<Expression>),
    All(Box<[Expression]>),
    Any(Box<[Expression]>),
}

/// The kind of an expression, as far as it is known before evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpressionKind {
    /// An identifier, whose kind is known only during evaluation.
    Open,
    Text,
    Number,
    Condition,
}

impl ExpressionKind {
    /// Returns the description used in error messages.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Open => "an identifier",
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Condition => "a condition",
        }
    }
}

/// The inputs of an evaluation.
pub(super) struct Context<'a, P: ?Sized> {
    pub(super) properties: &'a P,
    pub(super) strings: Strings,
    pub(super) body: Body<'a>,
}

impl Expression {
    pub(super) fn kind(&self) -> ExpressionKind {
        match self {
            Self::Identifier(_) => ExpressionKind::Open,
            Self::Text(_) => ExpressionKind::Text,
            Self::Number(_) | Self::Signed(..) | Self::Arithmetic(..) => ExpressionKind::Number,
            _ => ExpressionKind::Condition,
        }
    }

    /// Returns the truth of a condition; None is unknown.
    pub(super) fn truth<P: Properties + ?Sized>(&self, context: &Context<'_, P>) -> Option<bool> {
        match self {
            Self::Compare(comparison, sides) => compare(*comparison, sides, context),
            Self::Between(range) => between(range, context),
            Self::NotBetween(range) => not_between(range, context),
            Self::In(identifier, list) => context.is_in(identifier, list),
            Self::Like(identifier, pattern) => {
                context.is_text(identifier, |text| pattern.matches(text))
            }
            Self::Regexp(identifier, regexp) => {
                context.is_text(identifier, |text| regexp.matches(text))
            }
            Self::IsNull(identifier) => Some(context.find(identifier).is_none()),
            Self::Not(inner) => inner.truth(context).map(|truth| !truth),
            Self::All(parts) => decide(false, parts.iter().map(|part| part.truth(context))),
            Self::Any(parts) => decide(true, parts.iter().map(|part| part.truth(context))),
            Self::Boolean(value) => Some(*value),
            _ => Some(self.value(context)?.boolean(context.strings) == Some(true)),
        }
    }

    /// Returns the value; None is unknown.
    fn value<'c, P: Properties + ?Sized>(
        &'c self,
        context: &'c Context<'_, P>,
    ) -> Option<Value<'c>> {
        match self {
            Self::Identifier(identifier) => context.find(identifier),
            Self::Text(text) => Some(Value::Text(text)),
            Self::Number(number) => Some(Value::from(*number)),
            Self::Signed(..) | Self::Arithmetic(..) => self.number(context).map(Value::from),
            _ => self.truth(context).map(Value::Boolean),
        }
    }

    /// Returns the value as a number, or None if it is unknown or not a number.
    fn number<P: Properties + ?Sized>(&self, context: &Context<'_, P>) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Signed(sign, inner) => Some(inner.number(context)?.with_sign(*sign)),
            Self::Arithmetic(first, rest) => {
                let first = first.number(context)?;
                rest.iter().try_fold(first, |left, (operator, right)| {
                    left.combine(*operator, right.number(context)?)
                })
            }
            _ => self.value(context)?.number(context.strings),
        }
    }
}

impl<P: Properties + ?Sized> Context<'_, P> {
    /// Returns the value that an identifier names.
    fn find(&self, identifier: &Identifier) -> Option<Value<'_>> {
        match identifier {
            Identifier::Property(name) => self.properties.property(name),
            Identifier::Body => self.body.text().map(Value::Text),
            Identifier::Field(_, index) => self.body.field(*index),
        }
    }

    fn is_in(&self, identifier: &Identifier, list: &[Box<str>]) -> Option<bool> {
        let value = self.find(identifier)?;
        let mut texts = list.iter().map(|text| Value::Text(text));
        Some(texts.any(|text| value.equals(text, self.strings)))
    }

    /// Returns whether the value is a text that meets a condition.
    fn is_text(&self, identifier: &Identifier, meets: impl Fn(&str) -> bool) -> Option<bool> {
        match self.find(identifier)? {
            Value::Text(text) => Some(meets(text)),
            _ => Some(false),
        }
    }
}

fn compare<P: Properties + ?Sized>(
    comparison: Comparison,
    [left, right]: &[Expression; 2],
    context: &Context<'_, P>,
) -> Option<bool> {
    let (left, right) = (left.value(context)?, right.value(context)?);
    Some(comparison.holds(left, right, context.strings))
}

/// Evaluates `value >= least AND value <= greatest`.
fn between<P: Properties + ?Sized>(
    [value, least, greatest]: &[Expression; 3],
    context: &Context<'_, P>,
) -> Option<bool> {
    let value = value.value(context);
    let above = relate(value, Comparison::GreaterOrEqual, least, context);
    let below = relate(value, Comparison::LessOrEqual, greatest, context);
    decide(false, [above, below])
}

/// Evaluates `value < least OR value > greatest`.
fn not_between<P: Properties + ?Sized>(
    [value, least, greatest]: &[Expression; 3],
    context: &Context<'_, P>,
) -> Option<bool> {
    let value = value.value(context);
    let below = relate(value, Comparison::Less, least, context);
    let above = relate(value, Comparison::Greater, greatest, context);
    decide(true, [below, above])
}

fn relate<P: Properties + ?Sized>(
    left: Option<Value<'_>>,
    comparison: Comparison,
    right: &Expression,
    context: &Context<'_, P>,
) -> Option<bool> {
    Some(comparison.holds(left?, right.value(context)?, context.strings))
}

/// Evaluates `AND` (`decisive` is false) or `OR` (`decisive` is true): one decisive part decides
/// the whole.
fn decide(decisive: bool, truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut whole = Some(!decisive);
    for truth in truths {
        match truth {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}

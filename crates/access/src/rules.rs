//! The rules of a user, token or group, as in the file.

use crate::{pattern::Pattern, right::Right};

/// The effect of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The rule gives the right.
    Allow,
    /// The rule takes the right away, whatever other rules give.
    Deny,
}

/// A rule: a right on the destinations that a pattern covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) right: Right,
    pub(crate) pattern: Pattern,
}

//! The rules that hold for one identity, and the decisions that follow from them.

use std::{fmt, sync::Arc};

use broker::{ADVISORIES, DestinationKind, TEMPORARY, TopicFilter, TopicName};

use crate::{
    pattern::{Pattern, Resolved},
    right::Right,
    rules::{Effect, Rule},
};

/// The identity of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The name of the user; `None` if the client is anonymous.
    pub user: Option<Arc<str>>,
    /// The client id, if the protocol has one.
    pub client: Option<Arc<str>>,
    /// The groups that the JWT of the user claims; `None` if the user has no JWT.
    pub groups: Option<Arc<[Arc<str>]>>,
}

/// The rights of one identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Everything is allowed: there is no users file.
    is_open: bool,
    rules: Vec<EffectiveRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EffectiveRule {
    effect: Effect,
    right: Right,
    kind: Option<DestinationKind>,
    filter: TopicFilter,
    source: Source,
}

/// The place of a rule in the users file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The table, for example `groups.editors`.
    pub table: Arc<str>,
    /// The effect of the rule.
    pub effect: Effect,
    /// The right of the rule.
    pub right: Right,
    /// The pattern of the rule.
    pub pattern: Box<str>,
}

/// The answer to the question whether an identity may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The answer.
    pub is_allowed: bool,
    /// The cause.
    pub cause: Cause<'a>,
}

/// The cause of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// There is no users file.
    NoUsersFile,
    /// The destination is temporary: it belongs to a session, and everyone may send to it.
    Temporary,
    /// This rule.
    Rule(&'a Source),
    /// The topic is an advisory about a destination, and this rule decides about the destination.
    Advisory(&'a Source),
    /// No rule gives the right.
    NoRule,
}

impl Grants {
    /// Returns the rights without a users file: everything is allowed.
    #[must_use]
    pub fn open() -> Self {
        Self {
            is_open: true,
            rules: Vec::new(),
        }
    }

    /// Returns true if everything is allowed because there is no users file.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns whether these rights include all of `other`: every rule that allows is here, and no other rule denies.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let has = |rules: &[EffectiveRule], wanted: &EffectiveRule| {
            rules.iter().any(|rule| rule.is_same(wanted))
        };
        let allowed = |rule: &&EffectiveRule| rule.effect == Effect::Allow;
        let denied = |rule: &&EffectiveRule| rule.effect == Effect::Deny;
        self.is_open
            || (!other.is_open
                && other
                    .rules
                    .iter()
                    .filter(allowed)
                    .all(|rule| has(&self.rules, rule))
                && self
                    .rules
                    .iter()
                    .filter(denied)
                    .all(|rule| has(&other.rules, rule)))
    }

    /// Adds the rules of a table of the file.
    pub(crate) fn add<'a>(
        &mut self,
        table: &str,
        rules: impl Iterator<Item = &'a Rule>,
        identity: &Identity,
    ) {
        let table: Arc<str> = table.into();
        for rule in rules {
            let resolved = rule.pattern.resolve(identity);
            let filter = match (resolved, rule.effect) {
                (Some(Resolved::Exact(filter)), _)
                | (Some(Resolved::Widened(filter)), Effect::Deny) => filter,
                // The meaning of the pattern is unknown, so it gives nothing.
                (Some(Resolved::Widened(_)), Effect::Allow) | (None, _) => continue,
            };
            self.rules.push(EffectiveRule {
                effect: rule.effect,
                right: rule.right,
                kind: kind_of(rule.right, &rule.pattern),
                filter,
                source: Source {
                    table: Arc::clone(&table),
                    effect: rule.effect,
                    right: rule.right,
                    pattern: rule.pattern.as_str().into(),
                },
            });
        }
    }

    /// Decides whether the identity has a right on a topic or queue.
    #[must_use]
    pub fn decide(&self, right: Right, kind: DestinationKind, name: &TopicName) -> Decision<'_> {
        if self.is_open {
            return Decision::allowed(Cause::NoUsersFile);
        }
        if name.as_str().starts_with(TEMPORARY) {
            return Decision::allowed(Cause::Temporary);
        }
        if right == Right::Subscribe && kind == DestinationKind::Topic {
            if let Some(about) = AdvisedDestination::of(name) {
                return self.decide_about_advisory(&about);
            }
            if name.is_reserved() && self.may_manage_server() {
                return self.find_decision(Right::Manage, |rule| rule.is_for_server());
            }
        }
        self.find_decision(right, |rule| rule.concerns(kind, name))
    }

    /// Returns whether the identity has a right on a topic or queue.
    #[must_use]
    pub fn allows(&self, right: Right, kind: DestinationKind, name: &TopicName) -> bool {
        self.is_open || self.decide(right, kind, name).is_allowed
    }

    /// Returns whether the identity may see and end the sessions of others, and see the figures of the server.
    #[must_use]
    pub fn may_manage_server(&self) -> bool {
        self.is_open
            || self
                .find_decision(Right::Manage, EffectiveRule::is_for_server)
                .is_allowed
    }

    /// Returns false if the identity has the right on no destination that a filter covers.
    #[must_use]
    pub fn may_match(&self, right: Right, kind: DestinationKind, filter: &TopicFilter) -> bool {
        if let Some(name) = filter.exact() {
            return self.allows(right, kind, &name);
        }
        if self.is_open || filter.as_str().starts_with(TEMPORARY) {
            return true;
        }
        let reserved = filter.as_str().starts_with('$');
        if right == Right::Subscribe
            && (is_about_advisories(filter) || reserved && self.may_manage_server())
        {
            return true;
        }
        let denied = |wanted: &TopicFilter| {
            let mut denials = self.rules_for(Effect::Deny, right, kind);
            denials.any(|rule| rule.filter.covers(wanted))
        };
        !denied(filter)
            && self
                .rules_for(Effect::Allow, right, kind)
                .any(|rule| rule.filter.overlaps(filter) && !denied(&rule.filter))
    }

    /// Returns whether the identity has the right on all destinations that a filter covers.
    #[must_use]
    pub fn covers(&self, right: Right, kind: DestinationKind, filter: &TopicFilter) -> bool {
        if let Some(name) = filter.exact() {
            return self.allows(right, kind, &name);
        }
        self.is_open
            || (self
                .rules_for(Effect::Allow, right, kind)
                .any(|rule| rule.filter.covers(filter))
                && !self
                    .rules_for(Effect::Deny, right, kind)
                    .any(|rule| rule.filter.overlaps(filter)))
    }

    fn rules_for(
        &self,
        effect: Effect,
        right: Right,
        kind: DestinationKind,
    ) -> impl Iterator<Item = &EffectiveRule> {
        self.rules.iter().filter(move |rule| {
            rule.effect == effect
                && rule.right == right
                && rule.kind.is_none_or(|only| only == kind)
        })
    }

    /// An advisory is visible to identities that may see the destination that it is about.
    fn decide_about_advisory(&self, about: &AdvisedDestination) -> Decision<'_> {
        let rights: &[Right] = match about.kind {
            DestinationKind::Topic => &[Right::Subscribe],
            DestinationKind::Queue => &[Right::Receive, Right::Browse],
        };
        let mut decision = Decision::refused(Cause::NoRule);
        for right in rights {
            let found = self.find_decision(*right, |rule| rule.concerns(about.kind, &about.name));
            decision = Decision {
                cause: match found.cause {
                    Cause::Rule(source) => Cause::Advisory(source),
                    other => other,
                },
                ..found
            };
            if decision.is_allowed {
                break;
            }
        }
        decision
    }

    fn find_decision(
        &self,
        right: Right,
        concerns: impl Fn(&EffectiveRule) -> bool,
    ) -> Decision<'_> {
        let mut found = Decision::refused(Cause::NoRule);
        for rule in self.rules.iter().filter(|rule| rule.right == right) {
            if concerns(rule) {
                match rule.effect {
                    Effect::Deny => return Decision::refused(Cause::Rule(&rule.source)),
                    Effect::Allow if !found.is_allowed => {
                        found = Decision::allowed(Cause::Rule(&rule.source));
                    }
                    Effect::Allow => {}
                }
            }
        }
        found
    }
}

impl EffectiveRule {
    /// Returns whether both rules mean the same, wherever they are in the file.
    fn is_same(&self, other: &Self) -> bool {
        self.effect == other.effect
            && self.right == other.right
            && self.kind == other.kind
            && self.filter == other.filter
    }

    fn concerns(&self, kind: DestinationKind, name: &TopicName) -> bool {
        self.kind.is_none_or(|only| only == kind) && self.filter.matches(name)
    }

    /// Returns whether the rule is about everything, and so about the server as well.
    fn is_for_server(&self) -> bool {
        self.kind.is_none() && self.filter.as_str() == ">"
    }
}

impl<'a> Decision<'a> {
    fn allowed(cause: Cause<'a>) -> Self {
        Self {
            is_allowed: true,
            cause,
        }
    }

    fn refused(cause: Cause<'a>) -> Self {
        Self {
            is_allowed: false,
            cause,
        }
    }
}

/// The destination that an advisory topic is about.
struct AdvisedDestination {
    kind: DestinationKind,
    name: TopicName,
}

impl AdvisedDestination {
    /// Reads names such as `ActiveMQ.Advisory.Consumer.Queue.orders` (ActiveMQ, "Advisory Message").
    fn of(topic: &TopicName) -> Option<Self> {
        let rest = below_advisories(topic.as_str())?;
        let (_event, rest) = rest.split_once('.')?;
        let (kind, name) = rest.split_once('.')?;
        let kind = match kind {
            "Topic" => DestinationKind::Topic,
            "Queue" => DestinationKind::Queue,
            _ => return None,
        };
        let name = TopicName::new(name).ok()?;
        Some(Self { kind, name })
    }
}

fn is_about_advisories(filter: &TopicFilter) -> bool {
    below_advisories(filter.as_str()).is_some()
}

/// Returns the rest of a name or filter below the advisories.
fn below_advisories(text: &str) -> Option<&str> {
    text.strip_prefix(ADVISORIES)?.strip_prefix('.')
}

/// Returns the kind of destination for which a rule is.
fn kind_of(right: Right, pattern: &Pattern) -> Option<DestinationKind> {
    right.kind().or(pattern.kind())
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            effect,
            right,
            pattern,
        } = self;
        let deny = match effect {
            Effect::Allow => "",
            Effect::Deny => "deny.",
        };
        write!(formatter, "[{table}] {deny}{right} = {pattern:?}")
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUsersFile => {
                formatter.write_str("there is no users file, so everything is allowed")
            }
            Self::Temporary => formatter.write_str("the destination is temporary"),
            Self::Rule(source) => write!(formatter, "{source}"),
            Self::Advisory(source) => {
                write!(formatter, "{source}, for the destination of the advisory")
            }
            Self::NoRule => formatter.write_str("no rule allows it"),
        }
    }
}

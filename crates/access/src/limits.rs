//! The limits of users, as in the users file.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de};

/// The limits of one user, or of the anonymous clients of one network address. `None` means unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserLimits {
    /// Open connections.
    pub connections: Option<u64>,
    /// Subscriptions.
    pub subscriptions: Option<u64>,
    /// Queues that the user created.
    pub queues: Option<u64>,
    /// Bytes in the queues that the user created.
    pub queued_bytes: Option<u64>,
    /// Sessions that outlive their connections, and durable subscriptions.
    pub sessions: Option<u64>,
    /// Published messages for each second.
    pub messages_per_second: Option<u64>,
    /// Published bytes of bodies for each second.
    pub bytes_per_second: Option<u64>,
    /// The rule for publications beyond a rate.
    pub excess: Excess,
}

/// The rule for publications beyond a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Excess {
    /// The publisher waits.
    #[default]
    Wait,
    /// The publication is refused.
    Refuse,
}

/// The tables `limits` of the file. Empty ones of users, tokens and groups are omitted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LimitTables {
    pub(crate) default: LimitsTable,
    pub(crate) anonymous: LimitsTable,
    pub(crate) users: BTreeMap<Arc<str>, LimitsTable>,
    pub(crate) tokens: BTreeMap<Arc<str>, LimitsTable>,
    pub(crate) groups: BTreeMap<Arc<str>, LimitsTable>,
}

/// One table `limits`. `None` if the table does not have the field.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct LimitsTable {
    connections: Option<Limit>,
    subscriptions: Option<Limit>,
    queues: Option<Limit>,
    queued_bytes: Option<Limit>,
    sessions: Option<Limit>,
    messages_per_second: Option<Rate>,
    bytes_per_second: Option<Rate>,
    excess: Option<Excess>,
}

/// A number, or `"unlimited"`. The order is that of the amounts that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    AtMost(u64),
    Unlimited,
}

/// A limit of at least 1: with 0, a publication would wait for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rate(Limit);

impl LimitTables {
    /// Returns the table of a user, or of anonymous clients.
    pub(crate) fn own(&self, user: Option<&str>) -> LimitsTable {
        let own = match user {
            Some(user) => self.users.get(user).or_else(|| self.tokens.get(user)),
            None => Some(&self.anonymous),
        };
        own.cloned().unwrap_or_default()
    }

    /// Returns the limits of a user with its own table and these groups. Each field is taken from the user's own table; else
    /// it is the largest one of the groups; else it is the default.
    pub(crate) fn resolve<'a>(
        &self,
        own: LimitsTable,
        groups: impl Iterator<Item = &'a str>,
    ) -> UserLimits {
        let groups = groups.filter_map(|group| self.groups.get(group));
        let groups = groups.fold(LimitsTable::default(), |largest, group| {
            largest.or_larger(group)
        });
        own.or(&groups).or(&self.default).limits()
    }
}

impl LimitsTable {
    /// Returns true if the table has no field.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the table with the name of its user, token or group, unless it is empty.
    pub(crate) fn named(self, name: &Arc<str>) -> Option<(Arc<str>, Self)> {
        (!self.is_empty()).then(|| (Arc::clone(name), self))
    }

    /// Takes the fields that this table does not have from another one.
    fn or(self, other: &Self) -> Self {
        Self {
            connections: self.connections.or(other.connections),
            subscriptions: self.subscriptions.or(other.subscriptions),
            queues: self.queues.or(other.queues),
            queued_bytes: self.queued_bytes.or(other.queued_bytes),
            sessions: self.sessions.or(other.sessions),
            messages_per_second: self.messages_per_second.or(other.messages_per_second),
            bytes_per_second: self.bytes_per_second.or(other.bytes_per_second),
            excess: self.excess.or(other.excess),
        }
    }

    /// Returns the larger one of each field that two groups have.
    fn or_larger(self, other: &Self) -> Self {
        // Every limit is larger than an absent one in the order of `Option`.
        Self {
            connections: self.connections.max(other.connections),
            subscriptions: self.subscriptions.max(other.subscriptions),
            queues: self.queues.max(other.queues),
            queued_bytes: self.queued_bytes.max(other.queued_bytes),
            sessions: self.sessions.max(other.sessions),
            messages_per_second: self.messages_per_second.max(other.messages_per_second),
            bytes_per_second: self.bytes_per_second.max(other.bytes_per_second),
            excess: match (self.excess, other.excess) {
                (Some(Excess::Wait), _) | (_, Some(Excess::Wait)) => Some(Excess::Wait),
                (one, other) => one.or(other),
            },
        }
    }

    fn limits(&self) -> UserLimits {
        let amount = |limit: Option<Limit>| match limit {
            Some(Limit::AtMost(limit)) => Some(limit),
            Some(Limit::Unlimited) | None => None,
        };
        let rate = |rate: Option<Rate>| amount(rate.map(|Rate(limit)| limit));
        UserLimits {
            connections: amount(self.connections),
            subscriptions: amount(self.subscriptions),
            queues: amount(self.queues),
            queued_bytes: amount(self.queued_bytes),
            sessions: amount(self.sessions),
            messages_per_second: rate(self.messages_per_second),
            bytes_per_second: rate(self.bytes_per_second),
            excess: self.excess.unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Limit::deserialize(deserializer)? {
            Limit::AtMost(0) => Err(de::Error::custom("a rate must be at least 1")),
            limit => Ok(Self(limit)),
        }
    }
}

struct LimitVisitor;

impl de::Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number that is not negative, or \"unlimited\"")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Limit, E> {
        Ok(Limit::AtMost(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Limit, E> {
        u64::try_from(value)
            .map(Limit::AtMost)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Limit, E> {
        match value {
            "unlimited" => Ok(Limit::Unlimited),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }
}

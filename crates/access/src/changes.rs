//! The difference between two versions of the users file.

use std::{collections::BTreeMap, sync::Arc};

use crate::{file::Users, limits::LimitTables};

/// The names of the tables that differ between two versions of the users file, such as `users.anna`, or `limits.users.anna` for
/// the limits of this user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsersChanges {
    /// The tables that only the newer version has.
    pub added: Vec<String>,
    /// The tables that only the older version has.
    pub removed: Vec<String>,
    /// The tables with another content.
    pub changed: Vec<String>,
}

impl Users {
    /// Returns the tables that differ from an older version.
    #[must_use]
    pub fn changes_since(&self, older: &Self) -> UsersChanges {
        let mut changes = UsersChanges::default();
        changes.add("users.", &self.users, &older.users);
        changes.add("tokens.", &self.tokens, &older.tokens);
        changes.add("groups.", &self.groups, &older.groups);
        let anonymous = |users: &Self| {
            let rules = users.anonymous.iter();
            rules
                .map(|rules| ("anonymous".into(), rules.clone()))
                .collect()
        };
        changes.add("", &anonymous(self), &anonymous(older));
        let jwt = |users: &Self| -> BTreeMap<Arc<str>, _> {
            let jwt = users.jwt.iter();
            jwt.map(|jwt| ("jwt".into(), jwt.clone())).collect()
        };
        changes.add("", &jwt(self), &jwt(older));
        changes.add_limits(&self.limits, &older.limits);
        changes
    }
}

impl UsersChanges {
    fn add_limits(&mut self, newer: &LimitTables, older: &LimitTables) {
        self.add("limits.users.", &newer.users, &older.users);
        self.add("limits.tokens.", &newer.tokens, &older.tokens);
        self.add("limits.groups.", &newer.groups, &older.groups);
        for (name, newer, older) in [
            ("limits", &newer.default, &older.default),
            ("limits.anonymous", &newer.anonymous, &older.anonymous),
        ] {
            if newer != older {
                self.changed.push(name.to_owned());
            }
        }
    }

    fn add<T: PartialEq>(
        &mut self,
        prefix: &str,
        newer: &BTreeMap<Arc<str>, T>,
        older: &BTreeMap<Arc<str>, T>,
    ) {
        for (name, table) in newer {
            match older.get(name) {
                None => self.added.push(format!("{prefix}{name}")),
                Some(old) if old != table => self.changed.push(format!("{prefix}{name}")),
                Some(_) => {}
            }
        }
        let removed = older.keys().filter(|name| !newer.contains_key(*name));
        self.removed
            .extend(removed.map(|name| format!("{prefix}{name}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_are_new_gone_or_different_are_named() {
        let parse = |text| Users::parse(text).expect("a valid file");
        let older = parse(
            "[users.anna]\n[users.bert]\n[groups.editors]\npublish = [\"news\"]\n[groups.same]\n",
        );
        let newer = parse(
            "[users.anna]\ngroups = [\"editors\"]\n[groups.editors]\npublish = [\"news\"]\n[groups.same]\n[anonymous]\n",
        );
        let changes = newer.changes_since(&older);
        assert_eq!(changes.added, ["anonymous"]);
        assert_eq!(changes.removed, ["users.bert"]);
        assert_eq!(changes.changed, ["users.anna"]);
        assert_eq!(newer.changes_since(&newer), UsersChanges::default());
    }

    #[test]
    fn changed_limits_are_named() {
        let parse = |text| Users::parse(text).expect("a valid file");
        let older =
            parse("[users.a.limits]\nqueues = 1\n[users.b.limits]\nqueues = 1\n[users.c]\n");
        let newer = parse(
            "[limits]\nqueues = 9\n[users.a.limits]\nqueues = 2\n[users.b]\n[users.c.limits]\nqueues = 3\n",
        );
        let changes = newer.changes_since(&older);
        assert_eq!(changes.added, ["limits.users.c"]);
        assert_eq!(changes.removed, ["limits.users.b"]);
        assert_eq!(changes.changed, ["limits.users.a", "limits"]);
    }
}

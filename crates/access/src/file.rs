//! The users file: users, tokens, groups and the rules for anonymous clients, in TOML.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    certificate::{Certificate, CertificateName},
    document::Document,
    grants::{Grants, Identity},
    jwt::{Jwt, KeySet},
    limits::{LimitTables, LimitsTable, UserLimits},
    password::PasswordHash,
    place::Place,
    rules::Rule,
    token::TokenHash,
};

/// The content of the users file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Users {
    pub(crate) users: BTreeMap<Arc<str>, User>,
    pub(crate) tokens: BTreeMap<Arc<str>, Token>,
    /// The names of tokens by hash.
    pub(crate) token_names: HashMap<TokenHash, Arc<str>>,
    /// The names of users by the name of their certificate.
    pub(crate) certificates: HashMap<CertificateName, Arc<str>>,
    pub(crate) groups: BTreeMap<Arc<str>, Vec<Rule>>,
    pub(crate) anonymous: Option<Vec<Rule>>,
    pub(crate) jwt: Option<Jwt>,
    pub(crate) limits: LimitTables,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) password: Option<PasswordHash>,
    pub(crate) groups: Arc<[Arc<str>]>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) hash: TokenHash,
    /// The user for whom the token stands; `None` if it is a user of its own.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) groups: Arc<[Arc<str>]>,
    pub(crate) rules: Vec<Rule>,
}

/// A fault in the users file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The fault.
    pub message: String,
}

impl Users {
    /// Reads the text of a users file.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let document: Document = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            FileError::new(text, at, error.message())
        })?;
        document
            .check()
            .map_err(|fault| FileError::new(text, fault.at, &fault.message))
    }

    /// Returns the names of the users, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(|name| &**name)
    }

    /// Returns the names of the tokens, in order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.keys().map(|name| &**name)
    }

    /// Returns the user for whom the token with this name stands, if it is not a user of its own.
    #[must_use]
    pub fn user_of_token(&self, name: &str) -> Option<&Arc<str>> {
        self.tokens.get(name)?.user.as_ref()
    }

    /// Returns whether there is a user or an independent token with this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.users.contains_key(name)
            || self
                .tokens
                .get(name)
                .is_some_and(|token| token.user.is_none())
    }

    /// Returns the groups of a user or token.
    pub fn groups_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let groups = match (self.users.get(name), self.tokens.get(name)) {
            (Some(user), _) => &user.groups[..],
            (None, Some(token)) => &token.groups[..],
            (None, None) => &[],
        };
        groups.iter().map(|name| &**name)
    }

    /// Returns the password hash of a user, if the user exists and has a password.
    #[must_use]
    pub fn password_hash(&self, user: &str) -> Option<&PasswordHash> {
        self.users.get(user)?.password.as_ref()
    }

    /// Returns the name of the user for whom a token stands, or of the token if it is a user of its own.
    #[must_use]
    pub fn token(&self, token: &str) -> Option<&Arc<str>> {
        self.token_by_hash(&TokenHash::of(token)?)
    }

    /// Does the same as [`Users::token`] for the hash of a token.
    #[must_use]
    pub fn token_by_hash(&self, hash: &TokenHash) -> Option<&Arc<str>> {
        let name = self.token_names.get(hash)?;
        match &self.tokens.get(name)?.user {
            Some(user) => Some(user),
            None => Some(name),
        }
    }

    /// Returns the user who has a certificate. A fingerprint in the file has priority over other names. Returns `None` if the
    /// other names belong to several users.
    #[must_use]
    pub fn user_of_certificate(&self, certificate: &Certificate) -> Option<&Arc<str>> {
        let mut users = certificate
            .names()
            .iter()
            .filter_map(|name| Some((name, self.certificates.get(name)?)));
        let (name, user) = users.next()?;
        let is_fingerprint = matches!(name, CertificateName::Fingerprint(_));
        (is_fingerprint || users.all(|(_, other)| other == user)).then_some(user)
    }

    /// Returns the rules for JWTs, if they are accepted.
    #[must_use]
    pub fn jwt(&self) -> Option<&Jwt> {
        self.jwt.as_ref()
    }

    /// Sets the keys that may sign JWTs. Without keys, no JWT is accepted.
    pub fn set_jwt_keys(&mut self, keys: KeySet) {
        if let Some(jwt) = &mut self.jwt {
            jwt.keys = keys;
        }
    }

    /// Returns the groups of the file that have one of these names.
    #[must_use]
    pub fn known_groups<S: AsRef<str>>(&self, names: &[S]) -> Arc<[Arc<str>]> {
        let groups = self.groups.keys();
        groups
            .filter(|group| names.iter().any(|name| name.as_ref() == &***group))
            .cloned()
            .collect()
    }

    /// Returns true if anonymous clients are accepted.
    #[must_use]
    pub fn accepts_anonymous(&self) -> bool {
        self.anonymous.is_some()
    }

    /// Returns the limits of a user, or of the anonymous clients of one network address. `claimed` has the groups of a user
    /// with a JWT, which has no table of its own.
    #[must_use]
    pub fn limits(&self, user: Option<&str>, claimed: Option<&[Arc<str>]>) -> UserLimits {
        if let Some(claimed) = claimed {
            let groups = claimed.iter().map(|group| &**group);
            return self.limits.resolve(LimitsTable::default(), groups);
        }
        let groups = user.into_iter().flat_map(|user| self.groups_of(user));
        self.limits.resolve(self.limits.own(user), groups)
    }

    /// Returns the rights of an identity. An unknown user has none.
    #[must_use]
    pub fn grants(&self, identity: &Identity) -> Grants {
        let mut grants = Grants::default();
        let Some(name) = identity.user.as_deref() else {
            let rules = self.anonymous.iter().flatten();
            grants.add("anonymous", rules, identity);
            return grants;
        };
        let groups = match &identity.groups {
            // The user of the file with the same name, if there is one, is not asked.
            Some(groups) if self.jwt.is_some() => groups,
            Some(_) => return grants,
            None => {
                let (table, rules, groups) = match (self.users.get(name), self.tokens.get(name)) {
                    (Some(user), _) => ("users", &user.rules, &user.groups),
                    (None, Some(token)) if token.user.is_none() => {
                        ("tokens", &token.rules, &token.groups)
                    }
                    _ => return grants,
                };
                grants.add(&format!("{table}.{name}"), rules.iter(), identity);
                groups
            }
        };
        for group in groups.iter() {
            let rules = self.groups.get(group).into_iter().flatten();
            grants.add(&format!("groups.{group}"), rules, identity);
        }
        grants
    }
}

impl FileError {
    fn new(text: &str, at: usize, message: &str) -> Self {
        let Place { line, column } = Place::of(text, at);
        Self {
            line,
            column,
            message: message.to_owned(),
        }
    }
}

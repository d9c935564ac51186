//! The tables of the users file in TOML, and the checks between them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use broker::DestinationKind;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    certificate::CertificateName,
    file::{Token, User, Users},
    jwt::{Jwt, JwtRules, KeySet},
    limits::{LimitTables, LimitsTable},
    password::PasswordHash,
    pattern::Pattern,
    right::Right,
    rules::{Effect, Rule},
    token::TokenHash,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Document {
    users: BTreeMap<Spanned<String>, UserTable>,
    tokens: BTreeMap<Spanned<String>, TokenTable>,
    groups: BTreeMap<String, GroupTable>,
    anonymous: Option<GroupTable>,
    jwt: Option<JwtTable>,
    limits: LimitsTable,
}

/// Takes the lists of a table, each with its right.
macro_rules! patterns_by_right {
    ($table:expr) => {
        [
            (Right::Publish, std::mem::take(&mut $table.publish)),
            (Right::Subscribe, std::mem::take(&mut $table.subscribe)),
            (Right::Send, std::mem::take(&mut $table.send)),
            (Right::Receive, std::mem::take(&mut $table.receive)),
            (Right::Browse, std::mem::take(&mut $table.browse)),
            (Right::Manage, std::mem::take(&mut $table.manage)),
        ]
    };
}

/// Declares a table that has the six rights, `deny` with the six rights, limits, and further fields.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct $name {
            $($field: $type,)*
            publish: Vec<Spanned<String>>,
            subscribe: Vec<Spanned<String>>,
            send: Vec<Spanned<String>>,
            receive: Vec<Spanned<String>>,
            browse: Vec<Spanned<String>>,
            manage: Vec<Spanned<String>>,
            deny: DenyTable,
            limits: LimitsTable,
        }

        impl $name {
            fn take_rules(&mut self) -> Result<Vec<Rule>, Fault> {
                let allowed = patterns_by_right!(self);
                let mut rules = rules_of(Effect::Allow, allowed)?;
                rules.append(&mut self.deny.take_rules()?);
                Ok(rules)
            }
        }
    };
}

table! {
    UserTable {
        password: Option<PasswordHash>,
        certificate: Option<Spanned<String>>,
        groups: Vec<Spanned<String>>,
    }
}

table! {
    TokenTable {
        hash: Option<TokenHash>,
        user: Option<Spanned<String>>,
        groups: Vec<Spanned<String>>,
    }
}

table! {
    GroupTable {}
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JwtTable {
    keys: Spanned<String>,
    issuer: Option<Spanned<String>>,
    audience: Spanned<String>,
    user: Option<Spanned<String>>,
    groups: Option<Spanned<String>>,
}

impl JwtTable {
    fn into_jwt(self) -> Result<Jwt, Fault> {
        let text = |text: Spanned<String>| -> Result<Box<str>, Fault> {
            match text.get_ref().is_empty() {
                true => Err(Fault::at(&text, "the text must not be empty".to_owned())),
                false => Ok(text.into_inner().into()),
            }
        };
        Ok(Jwt {
            keys_file: text(self.keys)?,
            keys: KeySet::default(),
            rules: Arc::new(JwtRules {
                issuer: self.issuer.map(text).transpose()?,
                audience: text(self.audience)?,
                user: self.user.map_or(Ok("sub".into()), text)?,
                groups: self.groups.map_or(Ok("groups".into()), text)?,
            }),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DenyTable {
    publish: Vec<Spanned<String>>,
    subscribe: Vec<Spanned<String>>,
    send: Vec<Spanned<String>>,
    receive: Vec<Spanned<String>>,
    browse: Vec<Spanned<String>>,
    manage: Vec<Spanned<String>>,
}

impl DenyTable {
    fn take_rules(&mut self) -> Result<Vec<Rule>, Fault> {
        let denied = patterns_by_right!(self);
        rules_of(Effect::Deny, denied)
    }
}

fn rules_of(
    effect: Effect,
    patterns: [(Right, Vec<Spanned<String>>); 6],
) -> Result<Vec<Rule>, Fault> {
    let mut rules = Vec::new();
    for (right, texts) in patterns {
        for text in texts {
            let pattern = Pattern::new(text.get_ref())
                .map_err(|error| Fault::at(&text, error.to_string()))?;
            if let (Some(kind), Some(only)) = (pattern.kind(), right.kind())
                && kind != only
            {
                let message = format!(
                    "{:?}: the right {right} is for {}",
                    text.get_ref(),
                    plural(only)
                );
                return Err(Fault::at(&text, message));
            }
            rules.push(Rule {
                effect,
                right,
                pattern,
            });
        }
    }
    Ok(rules)
}

fn plural(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Topic => "topics",
        DestinationKind::Queue => "queues",
    }
}

/// A fault in a document, and its place in bytes.
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Document {
    /// Returns the content of the file.
    pub(crate) fn check(self) -> Result<Users, Fault> {
        let mut limits = LimitTables {
            default: self.limits,
            ..LimitTables::default()
        };
        let mut groups: BTreeMap<Arc<str>, Vec<Rule>> = BTreeMap::new();
        for (name, mut table) in self.groups {
            let name: Arc<str> = name.into();
            groups.insert(Arc::clone(&name), table.take_rules()?);
            limits.groups.extend(table.limits.named(&name));
        }
        let known_groups = |names: Vec<Spanned<String>>| -> Result<Arc<[Arc<str>]>, Fault> {
            names
                .into_iter()
                .map(|name| match groups.get_key_value(name.get_ref().as_str()) {
                    Some((known, _)) => Ok(Arc::clone(known)),
                    None => Err(Fault::at(
                        &name,
                        format!("there is no group {:?}", name.get_ref()),
                    )),
                })
                .collect()
        };
        let mut users: BTreeMap<Arc<str>, User> = BTreeMap::new();
        let mut certificates: HashMap<CertificateName, Arc<str>> = HashMap::new();
        for (name, mut table) in self.users {
            let key: Arc<str> = name.get_ref().as_str().into();
            check_name(&name)?;
            if let Some(certificate) = &table.certificate {
                let certificate_name = CertificateName::new(certificate.get_ref())
                    .map_err(|error| Fault::at(certificate, error.to_string()))?;
                if let Some(other) = certificates.insert(certificate_name, Arc::clone(&key)) {
                    let message = format!("user {other:?} has the same certificate");
                    return Err(Fault::at(certificate, message));
                }
            }
            let rules = table.take_rules()?;
            let user = User {
                password: table.password,
                groups: known_groups(table.groups)?,
                rules,
            };
            limits.users.extend(table.limits.named(&key));
            users.insert(key, user);
        }
        let mut tokens: BTreeMap<Arc<str>, Token> = BTreeMap::new();
        let mut token_names = HashMap::new();
        for (name, mut table) in self.tokens {
            let key: Arc<str> = name.get_ref().as_str().into();
            check_name(&name)?;
            let Some(hash) = table.hash else {
                return Err(Fault::at(&name, format!("token {key:?} has no hash")));
            };
            let rules = table.take_rules()?;
            let user = match &table.user {
                None if users.contains_key(&key) => {
                    let message = format!("user {key:?} has the same name as this token");
                    return Err(Fault::at(&name, message));
                }
                None => None,
                Some(user) => match users.get_key_value(user.get_ref().as_str()) {
                    Some((known, _))
                        if rules.is_empty()
                            && table.groups.is_empty()
                            && table.limits.is_empty() =>
                    {
                        Some(Arc::clone(known))
                    }
                    Some(_) => {
                        let message = "a token that stands for a user has the rights and limits of the user, and none of its own";
                        return Err(Fault::at(user, message.to_owned()));
                    }
                    None => {
                        return Err(Fault::at(
                            user,
                            format!("there is no user {:?}", user.get_ref()),
                        ));
                    }
                },
            };
            if let Some(other) = token_names.insert(hash, Arc::clone(&key)) {
                let message = format!("token {other:?} has the same hash");
                return Err(Fault::at(&name, message));
            }
            let token = Token {
                hash,
                user,
                groups: known_groups(table.groups)?,
                rules,
            };
            limits.tokens.extend(table.limits.named(&key));
            tokens.insert(key, token);
        }
        let anonymous = self.anonymous.map(|mut table| {
            limits.anonymous = std::mem::take(&mut table.limits);
            table.take_rules()
        });
        let jwt = self.jwt.map(JwtTable::into_jwt);
        Ok(Users {
            users,
            tokens,
            token_names,
            certificates,
            groups,
            anonymous: anonymous.transpose()?,
            jwt: jwt.transpose()?,
            limits,
        })
    }
}

/// Checks the name of a user or token.
fn check_name(name: &Spanned<String>) -> Result<(), Fault> {
    match name_fault(name.get_ref()) {
        Some(fault) => Err(Fault::at(name, fault)),
        None => Ok(()),
    }
}

/// Returns whether a text can be the name of a user.
pub(crate) fn is_name(text: &str) -> bool {
    name_fault(text).is_none()
}

/// Returns the reason why a text cannot be a name: protocols and logs must be able to show it.
fn name_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        Some("a name is empty".to_owned())
    } else if text.len() > MAX_NAME_BYTES {
        Some(format!("a name is longer than {MAX_NAME_BYTES} bytes"))
    } else if text.contains(|one: char| one.is_control() || one == ':') {
        // HTTP Basic separates name and password by a colon (RFC 7617, 2).
        Some(format!(
            "name {text:?}: control characters and ':' are not allowed"
        ))
    } else {
        None
    }
}

impl Fault {
    fn at<T>(value: &Spanned<T>, message: String) -> Self {
        Self {
            at: value.span().start,
            message,
        }
    }
}

/// Maximum length of the name of a user or token in bytes.
const MAX_NAME_BYTES: usize = 256;

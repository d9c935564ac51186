//! The credentials of clients, and the logins that follow from them.

use std::{net::IpAddr, sync::Arc};

use access::{TokenHash, Users};

use crate::audit::Method;

/// The credentials that a client presents.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// Nothing.
    Nothing,
    /// A user name and a password, which may be a token: then the user name does not matter.
    Password {
        /// The user name.
        user: &'a str,
        /// The password.
        password: &'a [u8],
    },
    /// A token.
    Token(&'a str),
}

/// The attempt of a client to log in.
#[derive(Clone, Copy)]
pub struct LoginAttempt<'a> {
    /// The credentials.
    pub credentials: Credentials<'a>,
    /// The network address of the client.
    pub address: IpAddr,
    /// The name of the protocol.
    pub protocol: &'static str,
    /// The client id, if the client has named one.
    pub client: Option<&'a str>,
}

/// A client whose credentials were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user; `None` if the client is anonymous.
    pub user: Option<Arc<str>>,
    /// The network address from which the client logged in, unless that was in an earlier run.
    pub(super) address: Option<IpAddr>,
    pub(super) proof: Proof,
}

/// The accepted credentials. If the users file does not have them any more, the client is disconnected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// There is no users file, or anonymous clients are accepted.
    Nothing,
    /// The password with this hash.
    Password(Box<str>),
    /// The token with this hash.
    Token(TokenHash),
    /// The user of a session that was restored: its client has logged in during an earlier run.
    EarlierRun,
}

/// The reason why a client is not accepted. A wrong password and an unknown user are one reason, so that clients cannot find
/// out which users exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Anonymous clients are not accepted.
    #[error("a user name and password, or a token, is required")]
    Required,
    /// The user is unknown, or the password or token is wrong.
    #[error("the user name or password is wrong")]
    Wrong,
}

impl Credentials<'_> {
    /// Returns the token, also if it is sent as a password.
    pub(super) fn as_token(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Token(token) => Some(token),
            Self::Password { password, .. } => {
                let text = std::str::from_utf8(password).ok();
                text.filter(|text| TokenHash::of(text).is_some())
            }
        }
    }

    /// Returns the method in the audit log.
    pub(super) fn method(&self) -> Method {
        match (self, self.as_token()) {
            (Self::Nothing, _) => Method::None,
            (_, Some(_)) => Method::Token,
            (_, None) => Method::Password,
        }
    }
}

impl Login {
    /// Returns the login of an anonymous client.
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self {
            user: None,
            address,
            proof: Proof::Nothing,
        }
    }

    /// Returns whether the users file still has the proof.
    pub(super) fn is_valid(&self, users: &Users) -> bool {
        match (&self.proof, self.user.as_deref()) {
            (Proof::Nothing, _) => users.accepts_anonymous(),
            (Proof::Password(hash), Some(user)) => {
                let current = users.password_hash(user);
                current.is_some_and(|current| *current.to_string() == **hash)
            }
            (Proof::Token(hash), Some(user)) => users
                .token_by_hash(hash)
                .is_some_and(|name| **name == *user),
            (Proof::EarlierRun, Some(user)) => users.has(user),
            (Proof::EarlierRun, None) => users.accepts_anonymous(),
            (Proof::Password(_) | Proof::Token(_), None) => false,
        }
    }
}

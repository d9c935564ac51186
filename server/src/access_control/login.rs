//! The credentials of clients, and the logins that follow from them.

use std::sync::Arc;

use access::{JwtError, JwtRules, KeyThumbprint, TokenHash, Users, VerifiedJwt, is_jwt};
use broker::ClientAddress;

use super::{
    expiry::Expiry,
    peer_certificate::{ClientTrust, PeerCertificate},
};
use crate::audit::Method;

/// The credentials that a client presents.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// Nothing.
    Nothing,
    /// The client certificate of the connection, and nothing else.
    Certificate(&'a Arc<PeerCertificate>),
    /// A user name and a password, which may be a token or a JWT: then the user name does not matter.
    Password {
        /// The user name.
        user: &'a str,
        /// The password.
        password: &'a [u8],
    },
    /// A token or a JWT.
    Token(&'a str),
}

/// The attempt of a client to log in.
#[derive(Clone, Copy)]
pub struct LoginAttempt<'a> {
    /// The credentials.
    pub credentials: Credentials<'a>,
    /// The network address of the client.
    pub address: ClientAddress,
    /// The name of the protocol.
    pub protocol: &'static str,
    /// The client id, if the client has named one.
    pub client: Option<&'a str>,
}

/// The login of a client that presents no credentials.
#[derive(Debug, Clone, Default)]
pub enum ImplicitLogin {
    /// Nothing: the client is anonymous.
    #[default]
    Nothing,
    /// The login of the web page that opened the connection.
    SignedIn(Login),
    /// The client certificate of the connection.
    Certificate(Arc<PeerCertificate>),
}

/// A client whose credentials were accepted.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user; `None` if the client is anonymous.
    pub user: Option<Arc<str>>,
    /// The network address from which the client logged in, unless that was in an earlier run.
    pub(super) address: Option<ClientAddress>,
    /// The groups that the user has by a JWT; `None` without one.
    pub(super) groups: Option<Arc<[Arc<str>]>>,
    pub(super) proof: Proof,
}

/// The accepted credentials. If they are not valid any more, the client is disconnected.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// There is no users file, or anonymous clients are accepted.
    Nothing,
    /// The password with this hash.
    Password(Box<str>),
    /// The token with this hash.
    Token(TokenHash),
    /// The client certificate.
    Certificate(Arc<PeerCertificate>),
    /// The JWT.
    Jwt(Arc<JwtProof>),
    /// The user of a session that was restored: its client has logged in during an earlier run.
    EarlierRun,
}

/// The conditions under which a JWT stays valid.
#[derive(Debug)]
pub(super) struct JwtProof {
    expiry: Expiry,
    key: KeyThumbprint,
    rules: Arc<JwtRules>,
}

/// The reason why a client is not accepted, for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// As the client learns it.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The client learns only that its credentials are wrong.
    #[error("the JWT is refused: {0}")]
    Jwt(#[from] JwtError),
}

impl Refusal {
    /// Returns the reason for the client.
    pub(super) fn for_client(&self) -> LoginError {
        match self {
            Self::Login(error) => *error,
            Self::Jwt(_) => LoginError::Wrong,
        }
    }
}

/// The reason why a client is not accepted. A wrong password and an unknown user are one reason, so that clients cannot find
/// out which users exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Anonymous clients are not accepted.
    #[error("a user name and password, a token, or a client certificate is required")]
    Required,
    /// The user is unknown, or the password or token is wrong.
    #[error("the user name or password is wrong")]
    Wrong,
}

impl Credentials<'_> {
    /// Returns the token or JWT that is presented as a password; other credentials as they are.
    pub(super) fn or_token(self, users: &Users) -> Self {
        let Self::Password { password, .. } = self else {
            return self;
        };
        match std::str::from_utf8(password) {
            Ok(token) if TokenHash::of(token).is_some() => Self::Token(token),
            Ok(token) if users.jwt().is_some() && is_jwt(token) => Self::Token(token),
            _ => self,
        }
    }

    /// Returns the method in the audit log.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Nothing => Method::None,
            Self::Certificate(_) => Method::Certificate,
            Self::Token(token) if is_jwt(token) => Method::Jwt,
            Self::Token(_) => Method::Token,
            Self::Password { .. } => Method::Password,
        }
    }
}

impl Login {
    /// Returns the login of an anonymous client.
    pub fn anonymous(address: Option<ClientAddress>) -> Self {
        Self {
            user: None,
            address,
            groups: None,
            proof: Proof::Nothing,
        }
    }

    /// Returns the login of a user of the file.
    pub(super) fn of(user: &Arc<str>, address: ClientAddress, proof: Proof) -> Self {
        Self {
            user: Some(Arc::clone(user)),
            address: Some(address),
            groups: None,
            proof,
        }
    }

    /// Returns the login of a user with a JWT that these rules accept.
    pub(super) fn with_jwt(
        jwt: VerifiedJwt,
        address: ClientAddress,
        users: &Users,
        rules: &Arc<JwtRules>,
    ) -> Self {
        let proof = JwtProof {
            expiry: Expiry::at(jwt.expires_s),
            key: jwt.key,
            rules: Arc::clone(rules),
        };
        Self {
            groups: Some(users.known_groups(&jwt.groups)),
            user: Some(jwt.user),
            address: Some(address),
            proof: Proof::Jwt(Arc::new(proof)),
        }
    }

    /// Returns the time at which the proof expires, if it does.
    pub(super) fn expiry(&self) -> Option<Expiry> {
        match &self.proof {
            Proof::Certificate(certificate) => Some(certificate.expiry),
            Proof::Jwt(jwt) => Some(jwt.expiry),
            Proof::Nothing | Proof::Password(_) | Proof::Token(_) | Proof::EarlierRun => None,
        }
    }

    /// Returns the client certificate, if it is the proof.
    pub(super) fn certificate(&self) -> Option<&Arc<PeerCertificate>> {
        match &self.proof {
            Proof::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// Returns whether the proof has expired.
    pub(super) fn has_expired(&self) -> bool {
        self.expiry().is_some_and(|expiry| expiry.is_due())
    }

    /// Returns whether the user has rights. A session without a connection keeps them when its credentials expire, and when the
    /// key of its JWT is replaced, which happens regularly: its client needs new credentials to continue the session.
    pub(super) fn has_rights(&self, users: &Users, trust: &ClientTrust) -> bool {
        matches!(self.proof, Proof::Jwt(_)) || self.is_known(users, trust)
    }

    /// Returns whether the users file still has the proof, and whether a certificate or the key of a JWT is still trusted.
    pub(super) fn is_known(&self, users: &Users, trust: &ClientTrust) -> bool {
        match (&self.proof, self.user.as_deref()) {
            (Proof::Nothing, _) => users.accepts_anonymous(),
            (Proof::Password(hash), Some(user)) => {
                let current = users.password_hash(user);
                current.is_some_and(|current| *current.to_string() == **hash)
            }
            (Proof::Token(hash), Some(user)) => users
                .token_by_hash(hash)
                .is_some_and(|name| **name == *user),
            (Proof::Certificate(peer), Some(user)) => {
                let owner = users.user_of_certificate(peer.certificate());
                owner.is_some_and(|owner| **owner == *user) && peer.is_trusted(trust)
            }
            (Proof::Jwt(proof), Some(_)) => users
                .jwt()
                .is_some_and(|jwt| *jwt.rules() == proof.rules && jwt.keys().contains(&proof.key)),
            (Proof::EarlierRun, Some(user)) => match self.groups {
                Some(_) => users.jwt().is_some(),
                None => users.has(user),
            },
            (Proof::EarlierRun, None) => users.accepts_anonymous(),
            (
                Proof::Password(_) | Proof::Token(_) | Proof::Certificate(_) | Proof::Jwt(_),
                None,
            ) => false,
        }
    }
}

impl ImplicitLogin {
    /// Returns the login of a web page.
    pub fn signed_in(&self) -> Option<&Login> {
        match self {
            Self::SignedIn(login) => Some(login),
            Self::Nothing | Self::Certificate(_) => None,
        }
    }

    /// Returns the credentials of a client without a login.
    pub fn credentials(&self) -> Credentials<'_> {
        match self {
            Self::Certificate(peer) => Credentials::Certificate(peer),
            Self::Nothing | Self::SignedIn(_) => Credentials::Nothing,
        }
    }
}

impl From<Option<Arc<PeerCertificate>>> for ImplicitLogin {
    fn from(certificate: Option<Arc<PeerCertificate>>) -> Self {
        certificate.map_or(Self::Nothing, Self::Certificate)
    }
}

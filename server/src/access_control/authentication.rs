//! The verification of credentials, and the record of logins and refusals.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use access::{TokenHash, Users};

use super::{
    AccessControl, Credentials, Login, LoginAttempt, LoginError, PeerCertificate, login::Proof,
};
use crate::audit::{Event, Text};

impl AccessControl {
    /// Determines the user of a client. Verifies passwords on threads of their own. The caller bounds the time.
    ///
    /// # Errors
    /// The credentials are missing or wrong. The answer to wrong ones is delayed.
    pub async fn log_in(&self, attempt: LoginAttempt<'_>) -> Result<Login, LoginError> {
        let Some(users) = self.users() else {
            return Ok(Login::anonymous(Some(attempt.address)));
        };
        let login = self.check_credentials(&users, &attempt).await;
        self.note_login(&attempt, &login);
        login
    }

    async fn check_credentials(
        &self,
        users: &Users,
        attempt: &LoginAttempt<'_>,
    ) -> Result<Login, LoginError> {
        let address = attempt.address;
        match attempt.credentials {
            Credentials::Nothing => Self::without_credentials(users, address),
            Credentials::Certificate(peer) => {
                match self.certificate_login(users, peer, Some(address)) {
                    Ok(login) => Ok(login),
                    Err(fault) => {
                        if let Some(unlogged) = self.login_log.count() {
                            // With the names that the users file can contain.
                            let certificate = peer.certificate();
                            tracing::info!(%address, unlogged, %certificate, "{fault}");
                        }
                        Self::without_credentials(users, address)
                    }
                }
            }
            Credentials::Token(token) => self.with_token(users, token, address).await,
            Credentials::Password { user, password } => match attempt.credentials.as_token() {
                Some(token) => self.with_token(users, token, address).await,
                None => self.with_password(users, user, password, address).await,
            },
        }
    }

    fn without_credentials(users: &Users, address: IpAddr) -> Result<Login, LoginError> {
        match users.accepts_anonymous() {
            true => Ok(Login::anonymous(Some(address))),
            false => Err(LoginError::Required),
        }
    }

    /// Returns the login of the user who has a certificate, or the reason why there is none.
    pub(super) fn certificate_login(
        &self,
        users: &Users,
        peer: &Arc<PeerCertificate>,
        address: Option<IpAddr>,
    ) -> Result<Login, &'static str> {
        let user = users
            .user_of_certificate(peer.certificate())
            .ok_or("no user has this client certificate, or several have")?;
        let login = Login {
            user: Some(Arc::clone(user)),
            address,
            proof: Proof::Certificate(Arc::clone(peer)),
        };
        if login.has_expired() {
            return Err("this client certificate has expired");
        }
        match login.is_known(users, &self.client_trust()) {
            true => Ok(login),
            false => Err("this client certificate is not trusted any more"),
        }
    }

    /// Records a login or its refusal.
    fn note_login(&self, attempt: &LoginAttempt<'_>, login: &Result<Login, LoginError>) {
        let LoginAttempt {
            credentials,
            address,
            protocol,
            client,
        } = *attempt;
        let client = client.map(Text::from);
        let method = credentials.method();
        match login {
            Ok(login) => self.audit.record(&Event::Login {
                user: login.user.as_ref().map(Text::from),
                method,
                protocol,
                address,
                client,
            }),
            Err(error) => {
                let user = match credentials {
                    Credentials::Password { user, .. } => Some(user),
                    _ => None,
                };
                self.audit.record(&Event::LoginRefused {
                    user: user.map(Text::from),
                    method,
                    protocol,
                    address,
                    client,
                    reason: &error.to_string(),
                });
                self.refused_logins.fetch_add(1, Ordering::Relaxed);
                if let Some(unlogged) = self.login_log.count() {
                    tracing::info!(%address, user, unlogged, %error, "a login was refused");
                }
            }
        }
    }

    async fn with_token(
        &self,
        users: &Users,
        token: &str,
        address: IpAddr,
    ) -> Result<Login, LoginError> {
        match (users.token(token), TokenHash::of(token)) {
            (Some(user), Some(hash)) => Ok(Login::of(user, address, Proof::Token(hash))),
            _ => {
                self.verifier.delay_failure(address).await;
                Err(LoginError::Wrong)
            }
        }
    }

    async fn with_password(
        &self,
        users: &Users,
        user: &str,
        password: &[u8],
        address: IpAddr,
    ) -> Result<Login, LoginError> {
        let hash = users.password_hash(user);
        match self.verifier.verify(user, password, hash, address).await {
            true => {
                let hash = hash.map(ToString::to_string).unwrap_or_default();
                let proof = Proof::Password(hash.into());
                Ok(Login::of(&user.into(), address, proof))
            }
            false => Err(LoginError::Wrong),
        }
    }
}

//! The verification of credentials, and the record of logins and refusals.

use std::sync::{Arc, atomic::Ordering};

use access::{TokenHash, Users, is_jwt};
use broker::ClientAddress;

use super::{
    AccessControl, Credentials, Login, LoginAttempt, LoginError, PeerCertificate,
    expiry::unix_time,
    login::{Proof, Refusal},
};
use crate::audit::{Event, Method, Text};

impl AccessControl {
    /// Determines the user of a client. Verifies passwords on threads of their own. The caller bounds the time.
    ///
    /// # Errors
    /// The credentials are missing or wrong. The answer to wrong ones is delayed.
    pub async fn log_in(&self, attempt: LoginAttempt<'_>) -> Result<Login, LoginError> {
        let Some(users) = self.users() else {
            return Ok(Login::anonymous(Some(attempt.address)));
        };
        let credentials = attempt.credentials.or_token(&users);
        let login = self
            .check_credentials(&users, credentials, attempt.address)
            .await;
        self.note_login(&attempt, credentials.method(), &login);
        login.map_err(|refusal| refusal.for_client())
    }

    async fn check_credentials(
        &self,
        users: &Users,
        credentials: Credentials<'_>,
        address: ClientAddress,
    ) -> Result<Login, Refusal> {
        match credentials {
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
            Credentials::Password { user, password } => {
                self.with_password(users, user, password, address).await
            }
        }
    }

    fn without_credentials(users: &Users, address: ClientAddress) -> Result<Login, Refusal> {
        match users.accepts_anonymous() {
            true => Ok(Login::anonymous(Some(address))),
            false => Err(LoginError::Required.into()),
        }
    }

    /// Returns the login of the user who has a certificate, or the reason why there is none.
    pub(super) fn certificate_login(
        &self,
        users: &Users,
        peer: &Arc<PeerCertificate>,
        address: Option<ClientAddress>,
    ) -> Result<Login, &'static str> {
        let user = users
            .user_of_certificate(peer.certificate())
            .ok_or("no user has this client certificate, or several have")?;
        let login = Login {
            user: Some(Arc::clone(user)),
            address,
            groups: None,
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
    fn note_login(
        &self,
        attempt: &LoginAttempt<'_>,
        method: Method,
        login: &Result<Login, Refusal>,
    ) {
        let LoginAttempt {
            credentials,
            address,
            protocol,
            client,
        } = *attempt;
        let client = client.map(Text::from);
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
        address: ClientAddress,
    ) -> Result<Login, Refusal> {
        let login = match (TokenHash::of(token), users.jwt()) {
            (Some(hash), _) => match users.token_by_hash(&hash) {
                Some(user) => Ok(Login::of(user, address, Proof::Token(hash))),
                None => Err(LoginError::Wrong.into()),
            },
            (None, Some(jwt)) if is_jwt(token) => jwt
                .verify(token, unix_time().as_secs())
                .map(|verified| Login::with_jwt(verified, address, users, jwt.rules()))
                .map_err(Refusal::from),
            (None, _) => Err(LoginError::Wrong.into()),
        };
        if login.is_err() {
            self.verifier.delay_failure(address).await;
        }
        login
    }

    async fn with_password(
        &self,
        users: &Users,
        user: &str,
        password: &[u8],
        address: ClientAddress,
    ) -> Result<Login, Refusal> {
        let hash = users.password_hash(user);
        match self.verifier.verify(user, password, hash, address).await {
            true => {
                let hash = hash.map(ToString::to_string).unwrap_or_default();
                let proof = Proof::Password(hash.into());
                Ok(Login::of(&user.into(), address, proof))
            }
            false => Err(LoginError::Wrong.into()),
        }
    }
}

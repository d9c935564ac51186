//! Access control: the users of clients, and their rights.
//!
//! The crate `access` has the rules and the formats; this module has what they need of a server: the users file and its
//! reload, the threads that verify passwords, and the clients that are connected when the rules change.
//!
//! Without a users file everything is allowed, and all clients share one [`Principal`].

mod addresses;
mod login;
mod principal;
mod principals;
mod refusal_log;
mod users_file;
mod verifier;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use access::{Grants, Identity, TokenHash, Users, UsersChanges};

pub use login::{Credentials, Login, LoginAttempt, LoginError};
pub use principal::{Forbidden, Principal};
pub use users_file::{UsersFile, reload_on_change};

use login::Proof;
use principals::Principals;
use refusal_log::RefusalLog;
use verifier::Verifier;

use crate::audit::{AuditLog, Event, Text};

/// Checks credentials and rights.
pub struct AccessControl {
    /// `None` without a users file.
    users: RwLock<Option<Arc<Users>>>,
    verifier: Verifier,
    /// The principals that a changed users file may concern.
    principals: Mutex<Principals>,
    refused_logins: AtomicU64,
    refused_requests: AtomicU64,
    login_log: RefusalLog,
    request_log: RefusalLog,
    audit: AuditLog,
    open: Arc<Principal>,
}

impl AccessControl {
    /// Allows everything if there are no users.
    pub fn new(users: Option<Users>, audit: AuditLog) -> Self {
        Self {
            users: RwLock::new(users.map(Arc::new)),
            verifier: Verifier::new(),
            principals: Mutex::default(),
            refused_logins: AtomicU64::new(0),
            refused_requests: AtomicU64::new(0),
            login_log: RefusalLog::default(),
            request_log: RefusalLog::default(),
            audit,
            open: Arc::new(Principal::open()),
        }
    }

    /// Returns true if everything is allowed because there is no users file.
    pub fn is_open(&self) -> bool {
        self.users().is_none()
    }

    /// Returns true if clients without credentials are accepted.
    pub fn accepts_anonymous(&self) -> bool {
        self.users().is_none_or(|users| users.accepts_anonymous())
    }

    /// Returns the principal of clients while there is no users file.
    pub fn open_principal(&self) -> &Arc<Principal> {
        &self.open
    }

    /// Returns a principal without rights, for a client that is refused before it logs in.
    pub fn without_rights(&self) -> Arc<Principal> {
        let identity = Identity::default();
        Arc::new(Principal::new(
            identity,
            Login::anonymous(None),
            Grants::default(),
        ))
    }

    /// Returns the number of clients that were refused because of their credentials.
    pub fn refused_logins(&self) -> u64 {
        self.refused_logins.load(Ordering::Relaxed)
    }

    /// Returns the number of requests for which a right was missing.
    pub fn refused_requests(&self) -> u64 {
        self.refused_requests.load(Ordering::Relaxed)
    }

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
            Credentials::Nothing if users.accepts_anonymous() => {
                Ok(Login::anonymous(Some(address)))
            }
            Credentials::Nothing => Err(LoginError::Required),
            Credentials::Token(token) => self.with_token(users, token, address).await,
            Credentials::Password { user, password } => match attempt.credentials.as_token() {
                Some(token) => self.with_token(users, token, address).await,
                None => self.with_password(users, user, password, address).await,
            },
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
                    Credentials::Nothing | Credentials::Token(_) => None,
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
            (Some(user), Some(hash)) => Ok(Login {
                user: Some(Arc::clone(user)),
                address: Some(address),
                proof: Proof::Token(hash),
            }),
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
            true => Ok(Login {
                user: Some(user.into()),
                address: Some(address),
                proof: Proof::Password(hash.map(ToString::to_string).unwrap_or_default().into()),
            }),
            false => Err(LoginError::Wrong),
        }
    }

    /// Returns the principal of a client that has logged in. `client` is its client id, if the protocol has one.
    pub fn principal(&self, login: Login, client: Option<Arc<str>>) -> Arc<Principal> {
        // Under the lock, so that a reload sees every principal that has the rules from before it.
        let mut principals = self
            .principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(users) = self.users() else {
            return Arc::clone(&self.open);
        };
        let identity = Identity {
            user: login.user.clone(),
            client,
        };
        // The users may have changed since the login.
        let is_valid = login.is_valid(&users);
        let grants = match is_valid {
            true => users.grants(&identity),
            false => Grants::default(),
        };
        let principal = Arc::new(Principal::new(identity, login, grants));
        if !is_valid {
            principal.revoke();
        }
        principals.add(&principal);
        principal
    }

    /// Returns the principal of a session that was restored.
    pub fn principal_of_earlier_run(
        &self,
        user: Option<Arc<str>>,
        client: Arc<str>,
    ) -> Arc<Principal> {
        let login = Login {
            user,
            address: None,
            proof: Proof::EarlierRun,
        };
        self.principal(login, Some(client))
    }

    /// Returns whether the users file still has the credentials of a login.
    pub fn is_valid(&self, login: &Login) -> bool {
        self.users().is_none_or(|users| login.is_valid(&users))
    }

    /// Counts a refused request, and logs it.
    pub fn note_forbidden(&self, principal: &Principal, forbidden: &Forbidden) {
        self.refused_requests.fetch_add(1, Ordering::Relaxed);
        self.audit.record(&Event::RequestRefused {
            user: principal.user().map(Text::from),
            address: principal.login().address,
            client: principal.client().map(Text::from),
            right: &forbidden.right.to_string(),
            on: Text::from(&forbidden.name),
        });
        let Some(unlogged) = self.request_log.count() else {
            return;
        };
        let user = principal.user().map(|user| &**user);
        let client = principal.client().map(|client| &**client);
        tracing::info!(user, client, unlogged, %forbidden, "a request was refused");
    }

    /// Records that a client has changed or ended something: `action` is its name in the audit log, `on` the destination,
    /// connection or session.
    pub fn note_managed(&self, principal: &Principal, action: &str, on: &str) {
        self.audit.record(&Event::Managed {
            user: principal.user().map(Text::from),
            address: principal.login().address,
            action,
            on: on.into(),
        });
    }

    /// Returns the audit log.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// Replaces the users. Principals whose credentials are gone, or whose rights were reduced, are revoked: their connections
    /// end. Returns true if rights were extended.
    pub fn replace(&self, users: Users) -> bool {
        let users = Arc::new(users);
        let mut principals = self
            .principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut current = self.users.write().unwrap_or_else(PoisonError::into_inner);
        let before = current.replace(Arc::clone(&users)).unwrap_or_default();
        drop(current);
        let UsersChanges {
            added,
            removed,
            changed,
        } = &users.changes_since(&before);
        self.audit.record(&Event::UsersChanged {
            added,
            removed,
            changed,
        });
        let mut is_extended = false;
        for principal in principals.in_use() {
            let is_known = principal.login().is_valid(&users);
            let grants = match is_known {
                true => users.grants(principal.identity()),
                false => Grants::default(),
            };
            is_extended |= principal.replace(grants, is_known);
        }
        principals.sweep();
        is_extended
    }

    fn users(&self) -> Option<Arc<Users>> {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.clone()
    }
}

//! Access control: the users of clients, their rights and their limits.
//!
//! The crate `access` has the rules and the formats; this module has what they need of a server: the users file and its
//! reload, the threads that verify passwords, the certificates of connections, and the clients that are connected when the
//! rules change or their credentials expire.
//!
//! Without a users file everything is allowed, and all clients share one [`Principal`].

mod addresses;
mod authentication;
mod expiry;
mod login;
mod peer_certificate;
mod principal;
mod principals;
mod publish_rate;
mod user_account;
mod user_accounts;
mod users_file;
mod verifier;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use access::{Grants, Identity, KeySet, Users, UsersChanges};
use broker::network;

pub use login::{Credentials, ImplicitLogin, Login, LoginAttempt, LoginError};
pub use peer_certificate::{ClientTrust, PeerCertificate};
pub use principal::{Forbidden, Principal, SessionOwner};
pub use user_account::{RateExceeded, Subject, UserAccount};
pub use users_file::{UsersFile, UsersPath, reload_on_change};

use login::Proof;
use principals::Principals;
use user_accounts::UserAccounts;
use verifier::Verifier;

use crate::{
    audit::{AuditLog, Event, Text},
    log_rate::LineLimit,
};

/// Checks credentials and rights.
pub struct AccessControl {
    /// `None` without a users file.
    users: RwLock<Option<Arc<Users>>>,
    client_trust: RwLock<Arc<ClientTrust>>,
    verifier: Verifier,
    /// Locked before `users` and `client_trust`.
    principals: Mutex<Principals>,
    accounts: UserAccounts,
    refused_logins: AtomicU64,
    refused_requests: AtomicU64,
    login_log: LineLimit,
    request_log: LineLimit,
    audit: AuditLog,
    open: Arc<Principal>,
}

impl AccessControl {
    /// Allows everything if there are no users.
    pub fn new(users: Option<Users>, audit: AuditLog) -> Self {
        Self {
            users: RwLock::new(users.map(Arc::new)),
            client_trust: RwLock::default(),
            verifier: Verifier::new(),
            principals: Mutex::default(),
            accounts: UserAccounts::default(),
            refused_logins: AtomicU64::new(0),
            refused_requests: AtomicU64::new(0),
            login_log: LineLimit::new(),
            request_log: LineLimit::new(),
            audit,
            open: Arc::new(Principal::open()),
        }
    }

    /// Returns true if everything is allowed because there is no users file.
    pub fn is_open(&self) -> bool {
        self.users().is_none()
    }

    /// Returns true if a client that presents no credentials is accepted.
    pub fn accepts(&self, implicit: &ImplicitLogin) -> bool {
        let Some(users) = self.users() else {
            return true;
        };
        let is_known = match implicit {
            ImplicitLogin::Nothing => false,
            ImplicitLogin::SignedIn(_) => true,
            ImplicitLogin::Certificate(peer) => self.certificate_login(&users, peer, None).is_ok(),
        };
        is_known || users.accepts_anonymous()
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
            None,
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

    /// Returns the principal of a client that has logged in. `client` is its client id, if the protocol has one.
    pub fn principal(&self, login: Login, client: Option<Arc<str>>) -> Arc<Principal> {
        // Under the lock, so that a reload sees every principal that has the rules from before it.
        let mut principals = self.principals();
        let Some(users) = self.users() else {
            return Arc::clone(&self.open);
        };
        let identity = Identity {
            user: login.user.clone(),
            groups: login.groups.clone(),
            client,
        };
        // The users may have changed since the login.
        let is_valid = self.is_valid_for(&users, &login);
        let grants = match is_valid {
            true => users.grants(&identity),
            false => Grants::default(),
        };
        let subject = match (&login.user, login.address) {
            (Some(user), _) => Some(Subject::User(Arc::clone(user))),
            (None, address) => address.map(|address| Subject::Address(network(address))),
        };
        let account = subject.map(|subject| {
            let limits = || users.limits(login.user.as_deref(), None);
            let account = self.accounts.find(subject, limits);
            account.set_claimed(login.groups.as_ref(), &users);
            account
        });
        let principal = Arc::new(Principal::new(identity, login, grants, account));
        if !is_valid {
            principal.revoke();
        }
        principals.add(&principal);
        principal
    }

    /// Returns the principal of a session that was restored. If it is anonymous, its address is not known.
    pub fn principal_of_earlier_run(
        &self,
        owner: SessionOwner,
        client: Arc<str>,
    ) -> Arc<Principal> {
        let login = Login {
            user: owner.user,
            groups: owner.groups,
            address: None,
            proof: Proof::EarlierRun,
        };
        self.principal(login, Some(client))
    }

    /// Returns whether the credentials of a login are still valid.
    pub fn is_valid(&self, login: &Login) -> bool {
        self.users()
            .is_none_or(|users| self.is_valid_for(&users, login))
    }

    fn is_valid_for(&self, users: &Users, login: &Login) -> bool {
        !login.has_expired() && login.is_known(users, &self.client_trust())
    }

    /// Counts a refused request, and logs it.
    pub fn note_forbidden(&self, principal: &Principal, forbidden: &Forbidden) {
        self.refused_requests.fetch_add(1, Ordering::Relaxed);
        self.audit.record(&Event::RequestRefused {
            user: principal.user().map(Text::from),
            address: principal.login().address,
            client: principal.client().map(Text::from),
            right: forbidden.right.name(),
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

    /// Returns the accounts of active users after one, at most `max`, and the number of all.
    pub fn accounts(&self, after: Option<&Subject>, max: usize) -> (Vec<Arc<UserAccount>>, usize) {
        self.accounts.list(after, max)
    }

    /// Updates the rates in the figures of the users. Must be called once a second.
    pub fn tick(&self) {
        self.accounts.for_each(|account| account.tick());
    }

    /// Replaces the users. Principals whose credentials are gone, or whose rights were reduced, are revoked: their connections
    /// end. Returns true if rights were extended.
    pub fn replace(&self, users: Users) -> bool {
        let users = Arc::new(users);
        let mut principals = self.principals();
        let mut current = self.users.write().unwrap_or_else(PoisonError::into_inner);
        let before = current.replace(Arc::clone(&users)).unwrap_or_default();
        drop(current);
        self.accounts.for_each(|account| account.apply(&users));
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
        self.apply_to(&mut principals)
    }

    /// Replaces the trust in client certificates. Connections whose certificates are not trusted any more end.
    pub fn replace_client_trust(&self, trust: Arc<ClientTrust>) {
        // Verified before the list is locked, because this takes long. The results are kept with the certificates.
        let in_use: Vec<_> = self.principals().in_use().collect();
        for peer in in_use.iter().filter_map(|one| one.login().certificate()) {
            peer.is_trusted(&trust);
        }
        let mut principals = self.principals();
        let current = self.client_trust.write();
        *current.unwrap_or_else(PoisonError::into_inner) = trust;
        self.apply_to(&mut principals);
    }

    /// Ends the connections whose credentials have expired. The sessions of their clients stay.
    pub fn end_expired(&self) {
        let expired = self.principals().take_expired();
        expired.iter().for_each(|principal| principal.revoke());
    }

    /// Gives the principals the rights that they have now. Returns true if rights were extended.
    fn apply_to(&self, principals: &mut Principals) -> bool {
        let Some(users) = self.users() else {
            return false;
        };
        let trust = self.client_trust();
        let mut is_extended = false;
        for principal in principals.in_use() {
            let login = principal.login();
            let grants = match login.has_rights(&users, &trust) {
                true => users.grants(principal.identity()),
                false => Grants::default(),
            };
            is_extended |= principal.replace(grants, login.is_known(&users, &trust));
        }
        principals.sweep();
        is_extended
    }

    /// Returns the keys that may sign JWTs now.
    fn jwt_keys(&self) -> Option<KeySet> {
        let users = self.users()?;
        users.jwt().map(|jwt| jwt.keys().clone())
    }

    fn principals(&self) -> MutexGuard<'_, Principals> {
        self.principals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn client_trust(&self) -> Arc<ClientTrust> {
        let trust = self.client_trust.read();
        Arc::clone(&trust.unwrap_or_else(PoisonError::into_inner))
    }

    fn users(&self) -> Option<Arc<Users>> {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.clone()
    }
}

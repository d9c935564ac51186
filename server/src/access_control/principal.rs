//! A client with its rights, which may change while it is connected.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use access::{Grants, Identity, Right};
use broker::{DestinationKind, Permissions, TopicFilter, TopicName};
use futures_util::task::AtomicWaker;

use super::{Login, UserAccount};

/// The identity of one connection or detached session, and its rights.
#[derive(Debug)]
pub struct Principal {
    identity: Identity,
    login: Login,
    /// `None` without a users file.
    account: Option<Arc<UserAccount>>,
    /// There is no users file: all clients share this principal, whose rights never change.
    is_open: bool,
    grants: RwLock<Arc<Grants>>,
    /// Increases when the rights change.
    version: AtomicU32,
    is_revoked: AtomicBool,
    connection: AtomicWaker,
}

/// The owner of a session, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionOwner {
    /// The user; `None` if the client is anonymous.
    pub user: Option<Arc<str>>,
    /// The groups that the user has by a JWT; `None` without one.
    pub groups: Option<Arc<[Arc<str>]>>,
}

/// A right that a principal does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Forbidden {
    /// The missing right.
    pub right: Right,
    /// The topic, queue or filter; empty if the right concerns the whole server.
    pub name: Box<str>,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { right, name } = self;
        let kind = match right.kind() {
            Some(DestinationKind::Topic) => "topic ",
            Some(DestinationKind::Queue) => "queue ",
            None => "",
        };
        match name.is_empty() {
            true => write!(formatter, "the right `{right}` on everything is missing"),
            false => write!(formatter, "the right `{right}` on {kind}{name} is missing"),
        }
    }
}

impl Principal {
    /// Returns a principal that may do everything.
    pub(super) fn open() -> Self {
        let identity = Identity::default();
        Self::new(identity, Login::anonymous(None), Grants::open(), None)
    }

    pub(super) fn new(
        identity: Identity,
        login: Login,
        grants: Grants,
        account: Option<Arc<UserAccount>>,
    ) -> Self {
        Self {
            is_open: grants.is_open(),
            grants: RwLock::new(shared(account.as_ref(), grants)),
            identity,
            login,
            account,
            version: AtomicU32::new(0),
            is_revoked: AtomicBool::new(false),
            connection: AtomicWaker::new(),
        }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// Returns the user; `None` if the client is anonymous.
    pub fn user(&self) -> Option<&Arc<str>> {
        self.identity.user.as_ref()
    }

    /// Returns the owner of the sessions of this client.
    pub fn session_owner(&self) -> SessionOwner {
        SessionOwner {
            user: self.identity.user.clone(),
            groups: self.identity.groups.clone(),
        }
    }

    /// Returns the account with the user's limits and figures; `None` without a users file.
    #[inline]
    pub fn account(&self) -> Option<&Arc<UserAccount>> {
        self.account.as_ref()
    }

    /// Returns the client id, if there is one.
    pub fn client(&self) -> Option<&Arc<str>> {
        self.identity.client.as_ref()
    }

    /// Returns true if everything is allowed because there is no users file.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns a number that changes with the rights, for results of checks that are kept.
    #[inline]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// Checks a right on a topic or queue.
    ///
    /// # Errors
    /// The right is missing.
    pub fn check(
        &self,
        right: Right,
        kind: DestinationKind,
        name: &TopicName,
    ) -> Result<(), Forbidden> {
        match self.grants().allows(right, kind, name) {
            true => Ok(()),
            false => Err(Forbidden::new(right, name.as_str())),
        }
    }

    /// Checks that the principal has a right on at least one destination that a filter may cover.
    ///
    /// # Errors
    /// Nothing could match.
    pub fn check_filter(
        &self,
        right: Right,
        kind: DestinationKind,
        filter: &TopicFilter,
    ) -> Result<(), Forbidden> {
        match self.grants().may_match(right, kind, filter) {
            true => Ok(()),
            false => Err(Forbidden::new(right, filter.as_str())),
        }
    }

    /// Checks that the principal has a right on everything that a filter covers: for subscriptions whose messages are
    /// collected while their client is away, or that several clients share.
    ///
    /// # Errors
    /// The right is missing on a part.
    pub fn check_whole_filter(
        &self,
        right: Right,
        kind: DestinationKind,
        filter: &TopicFilter,
    ) -> Result<(), Forbidden> {
        match self.grants().covers(right, kind, filter) {
            true => Ok(()),
            false => Err(Forbidden::new(right, filter.as_str())),
        }
    }

    /// Returns whether the principal may see a topic or queue with its figures: whether it may read or manage it.
    pub fn sees(&self, kind: DestinationKind, name: &TopicName) -> bool {
        let rights = match kind {
            DestinationKind::Topic => &[Right::Subscribe, Right::Manage][..],
            DestinationKind::Queue => &[Right::Receive, Right::Browse, Right::Manage],
        };
        let grants = self.grants();
        rights.iter().any(|right| grants.allows(*right, kind, name))
    }

    /// Checks the right to see and end what belongs to others.
    ///
    /// # Errors
    /// The right is missing.
    pub fn check_server(&self) -> Result<(), Forbidden> {
        match self.grants().may_manage_server() {
            true => Ok(()),
            false => Err(Forbidden::new(Right::Manage, "")),
        }
    }

    /// Ready when the principal is revoked. Wakes the task of the last call.
    pub fn poll_revoked(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_open {
            return Poll::Pending;
        }
        // Register before checking: a change in between wakes the task.
        self.connection.register(context.waker());
        match self.is_revoked.load(Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Returns whether the principal is revoked.
    pub fn is_revoked(&self) -> bool {
        self.is_revoked.load(Ordering::SeqCst)
    }

    /// Replaces the rights. The principal is revoked if it lost a right, or its credentials are not valid any more. Returns true
    /// if it got a right.
    pub(super) fn replace(&self, grants: Grants, is_known: bool) -> bool {
        if !is_known {
            self.revoke();
        }
        let mut current = self.grants.write().unwrap_or_else(PoisonError::into_inner);
        if **current == grants {
            return false;
        }
        let is_reduced = !grants.includes(&current);
        let is_extended = !current.includes(&grants);
        *current = shared(self.account.as_ref(), grants);
        drop(current);
        self.version.fetch_add(1, Ordering::Relaxed);
        if is_reduced {
            self.revoke();
        }
        is_extended
    }

    /// Ends the connection.
    pub(super) fn revoke(&self) {
        self.is_revoked.store(true, Ordering::SeqCst);
        self.connection.wake();
    }

    fn grants(&self) -> Arc<Grants> {
        let grants = self.grants.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&grants)
    }
}

/// Returns rights that the connections of a user share, because each rule takes about 100 bytes.
fn shared(account: Option<&Arc<UserAccount>>, grants: Grants) -> Arc<Grants> {
    match account {
        Some(account) => account.share(grants),
        None => Arc::new(grants),
    }
}

impl Permissions for Principal {
    fn may_subscribe(&self, topic: &TopicName) -> bool {
        self.grants()
            .allows(Right::Subscribe, DestinationKind::Topic, topic)
    }

    fn may_receive(&self, queue: &TopicName) -> bool {
        self.grants()
            .allows(Right::Receive, DestinationKind::Queue, queue)
    }
}

impl Forbidden {
    fn new(right: Right, name: &str) -> Self {
        Self {
            right,
            name: name.into(),
        }
    }
}

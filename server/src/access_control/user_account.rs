//! The account of one user: the holder of its shares and quotas, the rate of its publications, and figures.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access::{Grants, UserLimits, Users};
use broker::{Client, ClientAddress, Holder, PoolError, Pools, Quota, QuotaCharge};

use super::publish_rate::PublishRate;

/// A user, or the anonymous clients of one network address. The order is that of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The user with this name.
    User(Arc<str>),
    /// The anonymous clients of this address; for IPv6 of this network.
    Address(ClientAddress),
}

/// The account of one user, which all its connections share.
#[derive(Debug)]
pub struct UserAccount {
    subject: Subject,
    holder: Arc<Holder>,
    /// The groups of the newest login with a JWT; `None` if the newest login had none.
    claimed: Mutex<Option<Arc<[Arc<str>]>>>,
    limits: Mutex<UserLimits>,
    /// The rights that a client got last.
    grants: Mutex<Weak<Grants>>,
    rate: PublishRate,
    messages: Published,
    bytes: Published,
    /// Publications refused because of the rate.
    refused: AtomicU64,
}

/// A number of published messages or bytes.
#[derive(Debug, Default)]
struct Published {
    total: AtomicU64,
    /// The total at the last tick.
    counted: AtomicU64,
    /// The increase between the last two ticks.
    per_tick: AtomicU64,
}

/// The figures of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserFigures {
    /// Messages that its clients published, since the account exists.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Messages in the last second.
    pub messages_per_second: u64,
    /// Bytes in the last second.
    pub bytes_per_second: u64,
    /// Publications refused because of the rate.
    pub refused: u64,
    /// The limits in force.
    pub limits: UserLimits,
}

/// The error for a publication beyond the rate of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateExceeded {
    /// The time after which a publication is allowed again.
    pub retry_after: Duration,
}

impl UserAccount {
    pub(super) fn new(subject: Subject, limits: &UserLimits) -> Self {
        let holder = match &subject {
            Subject::User(_) => Holder::user(),
            Subject::Address(address) => Holder::anonymous(*address),
        };
        let account = Self {
            subject,
            holder,
            claimed: Mutex::default(),
            limits: Mutex::default(),
            grants: Mutex::default(),
            rate: PublishRate::new(),
            messages: Published::default(),
            bytes: Published::default(),
            refused: AtomicU64::new(0),
        };
        account.set_limits(limits);
        account
    }

    /// Returns the user or address.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the holder of the shares and quotas.
    pub fn holder(&self) -> &Arc<Holder> {
        &self.holder
    }

    /// Returns the client of a connection of this user.
    pub fn client(&self, pools: &Arc<Pools>) -> Arc<Client> {
        pools.client_of(&self.holder)
    }

    /// Takes one connection from the quota, until the result is dropped.
    ///
    /// # Errors
    /// The quota of connections is used up.
    pub fn connect(&self) -> Result<QuotaCharge, PoolError> {
        self.holder.take(Quota::Connections)
    }

    /// Returns the time that the next publication has to wait; `None` if it need not wait, or would be refused.
    pub fn wait_time(&self) -> Option<Duration> {
        match self.rate.refuses_excess() {
            true => None,
            false => self.rate.wait_time(),
        }
    }

    /// Admits publications of one request with bodies of this size in all, and takes them from the rate.
    ///
    /// # Errors
    /// The rate is exceeded, and its excess is refused. Nothing is taken then.
    pub fn admit(&self, messages: usize, bytes: usize) -> Result<(), RateExceeded> {
        if !self.rate.is_limited() {
            return Ok(());
        }
        if self.rate.refuses_excess()
            && let Some(retry_after) = self.rate.wait_time()
        {
            self.refused.fetch_add(messages as u64, Ordering::Relaxed);
            return Err(RateExceeded { retry_after });
        }
        self.rate.take(messages as u64, bytes as u64);
        Ok(())
    }

    /// Counts published messages.
    pub fn count_published(&self, messages: u64, bytes: u64) {
        self.messages.total.fetch_add(messages, Ordering::Relaxed);
        self.bytes.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the figures.
    pub fn figures(&self) -> UserFigures {
        UserFigures {
            messages: self.messages.total.load(Ordering::Relaxed),
            bytes: self.bytes.total.load(Ordering::Relaxed),
            messages_per_second: self.messages.per_tick.load(Ordering::Relaxed),
            bytes_per_second: self.bytes.per_tick.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            limits: *self.limits.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Must be called once a second.
    pub(super) fn tick(&self) {
        self.messages.tick();
        self.bytes.tick();
    }

    /// Returns these rights, in the memory of those that a client got last if they are the same. Rules with `%c` differ for
    /// each client.
    pub(super) fn share(&self, grants: Grants) -> Arc<Grants> {
        let mut last = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        match last.upgrade() {
            Some(last) if *last == grants => last,
            _ => {
                let grants = Arc::new(grants);
                *last = Arc::downgrade(&grants);
                grants
            }
        }
    }

    /// Takes over the groups of a login. They are `None` without a JWT.
    pub(super) fn set_claimed(&self, groups: Option<&Arc<[Arc<str>]>>, users: &Users) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.as_ref() == groups {
            return;
        }
        *claimed = groups.cloned();
        drop(claimed);
        self.apply(users);
    }

    /// Applies the limits that the users file has now.
    pub(super) fn apply(&self, users: &Users) {
        let user = self.subject.user().map(|user| &**user);
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = claimed.clone();
        self.set_limits(&users.limits(user, claimed.as_deref()));
    }

    /// Sets the limits, also for the open connections.
    fn set_limits(&self, limits: &UserLimits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = *limits;
        for (quota, limit) in [
            (Quota::Connections, limits.connections),
            (Quota::Subscriptions, limits.subscriptions),
            (Quota::Queues, limits.queues),
            (Quota::QueuedBytes, limits.queued_bytes),
            (Quota::Sessions, limits.sessions),
        ] {
            self.holder.set_limit(quota, limit);
        }
        self.rate.set(limits);
    }

    /// Returns whether a client, queue or session refers to the account. Only the list of accounts may have another
    /// reference.
    pub(super) fn is_in_use(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1 || Arc::strong_count(&self.holder) > 1
    }
}

impl Published {
    fn tick(&self) {
        let total = self.total.load(Ordering::Relaxed);
        let counted = self.counted.swap(total, Ordering::Relaxed);
        self.per_tick.store(total - counted, Ordering::Relaxed);
    }
}

impl Subject {
    /// Returns the name of the user.
    pub fn user(&self) -> Option<&Arc<str>> {
        match self {
            Self::User(user) => Some(user),
            Self::Address(_) => None,
        }
    }

    /// Returns the address of the anonymous clients.
    pub fn address(&self) -> Option<ClientAddress> {
        match self {
            Self::User(_) => None,
            Self::Address(address) => Some(*address),
        }
    }
}

impl fmt::Display for RateExceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.retry_after.as_secs_f64();
        write!(
            formatter,
            "the user publishes faster than its limit; it may publish again in {seconds:.1} s"
        )
    }
}

#[cfg(test)]
mod tests {
    use access::Identity;

    use super::*;

    #[test]
    fn clients_of_a_user_with_the_same_rights_share_their_memory() {
        let users = "[users.a]\npublish = [\"a\"]\n[users.b]\npublish = [\"%c\"]\n";
        let users = Users::parse(users).expect("a valid file");
        let share = |user: &str| {
            let subject = Subject::User(user.into());
            let account = UserAccount::new(subject, &UserLimits::default());
            ["1", "2"].map(|client| {
                account.share(users.grants(&Identity {
                    user: Some(user.into()),
                    client: Some(client.into()),
                    ..Identity::default()
                }))
            })
        };
        let [one, other] = share("a");
        assert!(Arc::ptr_eq(&one, &other));
        let [one, other] = share("b");
        assert_ne!(one, other);
    }
}

//! The accounts of all users that were active.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use access::UserLimits;

use super::user_account::{Subject, UserAccount};

/// The accounts. One that is not in use stays for its figures and its rate, until there are `MAX_UNUSED` of them.
#[derive(Default)]
pub(super) struct UserAccounts(Mutex<State>);

#[derive(Default)]
struct State {
    all: BTreeMap<Subject, Arc<UserAccount>>,
    /// When the map has this number of entries, those that are not in use are removed.
    sweep_at: usize,
}

impl UserAccounts {
    /// Returns the account of a user, and creates it with `limits`.
    pub(super) fn find(
        &self,
        subject: Subject,
        limits: impl FnOnce() -> UserLimits,
    ) -> Arc<UserAccount> {
        let mut state = self.state();
        if let Some(known) = state.all.get(&subject) {
            return Arc::clone(known);
        }
        state.sweep();
        let account = Arc::new(UserAccount::new(subject.clone(), &limits()));
        state.all.insert(subject, Arc::clone(&account));
        account
    }

    /// Returns the accounts after one, at most `max`, and the number of all.
    pub(super) fn list(
        &self,
        after: Option<&Subject>,
        max: usize,
    ) -> (Vec<Arc<UserAccount>>, usize) {
        let state = self.state();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = state.all.range((start, Bound::Unbounded));
        let found = found.take(max).map(|(_, account)| Arc::clone(account));
        (found.collect(), state.all.len())
    }

    /// Calls a function for each account.
    pub(super) fn for_each(&self, each: impl FnMut(&Arc<UserAccount>)) {
        self.state().all.values().for_each(each);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn sweep(&mut self) {
        if self.all.len() >= self.sweep_at.max(MAX_UNUSED) {
            self.all.retain(|_, account| account.is_in_use());
            self.sweep_at = 2 * self.all.len();
        }
    }
}

/// Maximum number of accounts that are not in use.
const MAX_UNUSED: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn find(accounts: &UserAccounts, subject: Subject) -> Arc<UserAccount> {
        accounts.find(subject, UserLimits::default)
    }

    #[test]
    fn the_number_of_unused_accounts_is_bounded_and_used_ones_stay() {
        let accounts = UserAccounts::default();
        let used = find(&accounts, Subject::User("used".into()));
        let of_queue = find(&accounts, Subject::User("queue".into()));
        let charged = Arc::clone(of_queue.holder());
        drop(of_queue);
        for number in 0..3 * MAX_UNUSED as u32 {
            find(
                &accounts,
                Subject::Address(IpAddr::V4(number.into()).into()),
            );
        }
        let (listed, total) = accounts.list(None, 2);
        assert!(total <= MAX_UNUSED + 2, "{total}");
        assert!(Arc::ptr_eq(listed[0].holder(), &charged));
        assert!(Arc::ptr_eq(&listed[1], &used));
    }

    #[test]
    fn a_list_continues_after_an_account() {
        let accounts = UserAccounts::default();
        let subjects = [
            Subject::User("a".into()),
            Subject::User("b".into()),
            Subject::Address(IpAddr::from([192, 0, 2, 1]).into()),
        ];
        for subject in subjects.iter().rev() {
            find(&accounts, subject.clone());
        }
        let mut after = None;
        for expected in &subjects {
            let (page, total) = accounts.list(after.as_ref(), 1);
            assert_eq!((page[0].subject(), total), (expected, 3));
            after = Some(expected.clone());
        }
        assert!(accounts.list(after.as_ref(), 1).0.is_empty());
    }
}

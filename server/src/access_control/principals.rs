//! The lists of the principals.

use std::sync::{Arc, Weak};

use super::{Principal, expiry::Expiry};

/// The principals that changed rules or the time may concern.
#[derive(Default)]
pub(super) struct Principals {
    all: List,
    /// Those whose credentials expire.
    expiring: List,
    /// Not due before one of them has expired.
    next_expiry: Option<Expiry>,
}

/// Principals, of which some may be gone.
#[derive(Default)]
struct List {
    principals: Vec<Weak<Principal>>,
    /// When the list has this length, principals that are gone are removed.
    sweep_at: usize,
}

impl Principals {
    /// Adds a principal.
    pub(super) fn add(&mut self, principal: &Arc<Principal>) {
        self.all.add(principal);
        if let Some(expiry) = principal.login().expiry() {
            self.expiring.add(principal);
            self.note_expiry(expiry);
        }
    }

    /// Returns the principals that are in use.
    pub(super) fn in_use(&self) -> impl Iterator<Item = Arc<Principal>> {
        self.all.principals.iter().filter_map(Weak::upgrade)
    }

    /// Removes the principals that are not in use any more.
    pub(super) fn sweep(&mut self) {
        self.all.sweep();
    }

    /// Returns the principals whose credentials have expired, once for each. Examines the others only if one may have expired.
    pub(super) fn take_expired(&mut self) -> Vec<Arc<Principal>> {
        if !self.next_expiry.is_some_and(|next| next.is_due()) {
            return Vec::new();
        }
        self.next_expiry = None;
        let mut expired = Vec::new();
        let mut list = std::mem::take(&mut self.expiring);
        list.principals.retain(|principal| {
            let Some(principal) = principal.upgrade() else {
                return false;
            };
            match principal.login().expiry() {
                Some(expiry) if !expiry.is_due() => {
                    self.note_expiry(expiry);
                    true
                }
                _ => {
                    expired.push(principal);
                    false
                }
            }
        });
        self.expiring = list;
        expired
    }

    fn note_expiry(&mut self, expiry: Expiry) {
        let earliest = self
            .next_expiry
            .map_or(expiry, |next| next.earliest(expiry));
        self.next_expiry = Some(earliest);
    }
}

impl List {
    fn add(&mut self, principal: &Arc<Principal>) {
        if self.principals.len() >= self.sweep_at {
            self.sweep();
        }
        self.principals.push(Arc::downgrade(principal));
    }

    fn sweep(&mut self) {
        self.principals
            .retain(|principal| principal.strong_count() > 0);
        self.principals.shrink_to(2 * self.principals.len());
        self.sweep_at = (2 * self.principals.len()).max(FEWEST_PRINCIPALS);
    }
}

/// A list of principals is not swept below this length.
const FEWEST_PRINCIPALS: usize = 64;

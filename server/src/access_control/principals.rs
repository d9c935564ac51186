//! The list of the principals.

use std::sync::{Arc, Weak};

use super::Principal;

/// The principals that a changed users file may concern.
#[derive(Default)]
pub(super) struct Principals {
    all: Vec<Weak<Principal>>,
    /// When the list has this length, principals that are gone are removed.
    sweep_at: usize,
}

impl Principals {
    /// Adds a principal.
    pub(super) fn add(&mut self, principal: &Arc<Principal>) {
        if self.all.len() >= self.sweep_at {
            self.sweep();
        }
        self.all.push(Arc::downgrade(principal));
    }

    /// Returns the principals that are in use.
    pub(super) fn in_use(&self) -> impl Iterator<Item = Arc<Principal>> {
        self.all.iter().filter_map(Weak::upgrade)
    }

    /// Removes the principals that are not in use any more.
    pub(super) fn sweep(&mut self) {
        self.all.retain(|principal| principal.strong_count() > 0);
        self.all.shrink_to(2 * self.all.len());
        self.sweep_at = (2 * self.all.len()).max(FEWEST_PRINCIPALS);
    }
}

/// The list of principals is not swept below this length.
const FEWEST_PRINCIPALS: usize = 64;

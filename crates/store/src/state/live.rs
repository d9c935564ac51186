//! Bytes of each segment that held messages need.

use std::collections::BTreeMap;

use crate::format::ids::{Generation, Location};

/// Live bytes by segment. A segment without live bytes has no entry, so there are at most as many entries as segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Live {
    segments: BTreeMap<Generation, u64>,
}

impl Live {
    pub(crate) fn bytes(&self, generation: Generation) -> u64 {
        self.segments.get(&generation).copied().unwrap_or(0)
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Generation> {
        self.segments.keys().copied()
    }

    pub(crate) fn add(&mut self, location: Location) {
        *self.segments.entry(location.generation).or_default() += u64::from(location.length);
    }

    pub(crate) fn remove(&mut self, location: Location) {
        if let Some(bytes) = self.segments.get_mut(&location.generation) {
            *bytes = bytes.saturating_sub(location.length.into());
            if *bytes == 0 {
                self.segments.remove(&location.generation);
            }
        }
    }
}

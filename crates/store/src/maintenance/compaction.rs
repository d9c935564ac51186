//! Compaction: copies the held messages of segments that are mostly unused to the end of the log, so that the segments can
//! be dropped.

use std::collections::BTreeSet;

use crate::{
    disk::{Disk, DiskError},
    error::{Damage, ReadError, StoreError},
    format::ids::{Generation, Location},
    log::{encoder::relocated_bound, files},
    maintenance::{Relocation, Work},
    options::Options,
    record::Held,
    state::WalkKey,
    store::Store,
};

/// The progress of compaction.
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    phase: Phase,
    /// Bytes that may be copied now; at most one step.
    credit: u64,
    /// The time of the last step, in milliseconds.
    last_ms: Option<u64>,
    /// Segments with a damaged message; they stay as they are. At most as many as there are segments.
    damaged: BTreeSet<Generation>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    /// Searches the state for messages in these segments.
    Searching {
        victims: Vec<Generation>,
        key: WalkKey,
        found: Vec<Found>,
    },
    /// Copies messages, the last one of the list first.
    Copying { found: Vec<Found> },
}

/// A message in a segment that is compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    location: Location,
    held: Held,
}

/// Messages that one search collects at most, 36 bytes each; others are left to the next search.
const FOUND: usize = 100_000;
/// Segments that one search covers at most.
const VICTIMS: usize = 16;

/// The result of a step of compaction.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub relocations: Vec<Relocation>,
    pub damages: Vec<Damage>,
}

impl Compaction {
    /// Earns credit for bytes that were written.
    pub(crate) fn count_written(&mut self, bytes: u64, options: &Options) {
        let share = bytes * u64::from(options.compaction_share_percent) / 100;
        self.earn(share, options);
    }

    /// Earns credit for time that has passed.
    fn count_time(&mut self, now_ms: u64, options: &Options) {
        let elapsed = now_ms.saturating_sub(self.last_ms.unwrap_or(now_ms));
        self.last_ms = Some(now_ms);
        let bytes = elapsed.saturating_mul(options.compaction_bytes_per_second) / 1000;
        self.earn(bytes, options);
    }

    fn earn(&mut self, bytes: u64, options: &Options) {
        let limit = options.compaction_step_bytes.into();
        self.credit = self.credit.saturating_add(bytes).min(limit);
    }
}

impl<D: Disk> Store<D> {
    /// Does a step of compaction, and adds what was copied to `copied`.
    pub(crate) fn compact(&mut self, now_ms: u64, copied: &mut Copied) -> Result<Work, StoreError> {
        self.compaction.count_time(now_ms, &self.options);
        let phase = std::mem::take(&mut self.compaction.phase);
        let (phase, work) = match phase {
            Phase::Idle => self.choose_victims(),
            Phase::Searching {
                victims,
                key,
                found,
            } => (self.search(victims, key, found), Work::More),
            Phase::Copying { found } => self.copy(found, copied)?,
        };
        self.compaction.phase = phase;
        Ok(work)
    }

    fn choose_victims(&self) -> (Phase, Work) {
        let victims: Vec<Generation> = self
            .sealed_and_covered()
            .filter(|segment| !self.compaction.damaged.contains(&segment.generation))
            .filter(|segment| self.state.live_bytes(segment.generation) > 0)
            .filter(|segment| self.is_mostly_unused(segment))
            .map(|segment| segment.generation)
            .take(VICTIMS)
            .collect();
        if victims.is_empty() {
            return (Phase::Idle, Work::Done);
        }
        let phase = Phase::Searching {
            victims,
            key: WalkKey::default(),
            found: Vec::new(),
        };
        (phase, Work::More)
    }

    fn search(&self, victims: Vec<Generation>, mut key: WalkKey, mut found: Vec<Found>) -> Phase {
        let limit = self.options.step_items.max(1);
        let messages = self.state.walk(&mut key, limit);
        let visited = messages.len();
        for message in messages {
            let location = message.waiting.location;
            if found.len() < FOUND && victims.contains(&location.generation) {
                found.push(Found {
                    location,
                    held: message.held,
                });
            }
        }
        if visited == limit && found.len() < FOUND {
            return Phase::Searching {
                victims,
                key,
                found,
            };
        }
        // Places that hold the same message are next to each other; reads go through the files in order.
        found.sort_unstable_by(|a, b| b.cmp(a));
        Phase::Copying { found }
    }

    /// Copies messages as long as credit lasts, at most one step.
    fn copy(
        &mut self,
        mut found: Vec<Found>,
        copied: &mut Copied,
    ) -> Result<(Phase, Work), StoreError> {
        while self.compaction.credit > 0 {
            let Some(&Found { location, .. }) = found.last() else {
                break;
            };
            let mut holders = Vec::new();
            while let Some(next) = found.last()
                && next.location == location
                && holders.len() < HOLDERS
            {
                // The message may have been settled since the search.
                if self.state.location(next.held) == Some(location) {
                    holders.push(next.held);
                }
                found.pop();
            }
            if !holders.is_empty() {
                self.relocate(&holders, location, copied)?;
            }
        }
        self.write_and_sync()?;
        if found.is_empty() {
            return Ok((Phase::Idle, Work::More));
        }
        let work = match self.compaction.credit {
            0 => Work::Done,
            _ => Work::More,
        };
        Ok((Phase::Copying { found }, work))
    }

    fn relocate(
        &mut self,
        holders: &[Held],
        location: Location,
        copied: &mut Copied,
    ) -> Result<(), StoreError> {
        let stored = match files::read_message(&self.disk, self.meta.store, location) {
            Ok(stored) => stored,
            Err(ReadError::Disk(error)) => return Err(error.into()),
            Err(ReadError::Damaged(damage)) => {
                self.compaction.damaged.insert(location.generation);
                copied.damages.push(damage);
                return Ok(());
            }
            Err(ReadError::Moved) => return Err(self.missing(location).into()),
        };
        let Some(message) = stored.message() else {
            return Ok(());
        };
        let bytes = relocated_bound(holders, &message);
        self.make_room(bytes)?;
        let location = self.encoder.relocated(holders, &message, &mut self.state);
        let written = u64::from(location.length);
        self.compaction.credit = self.compaction.credit.saturating_sub(written);
        copied
            .relocations
            .extend(holders.iter().map(|&held| Relocation { held, location }));
        Ok(())
    }

    fn missing(&self, location: Location) -> DiskError {
        DiskError {
            kind: crate::disk::DiskErrorKind::NotFound,
            operation: "open",
            path: crate::format::paths::segment(location.generation),
            message: "the segment of a held message is missing".to_owned(),
        }
    }
}

/// Places that one copy of a message names at most; a message with more holders is copied again for the others.
const HOLDERS: usize = 256;

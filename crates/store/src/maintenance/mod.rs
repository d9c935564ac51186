//! Work between groups, in small steps: snapshots, dropping of unused segments, spare segments, compaction.

pub(crate) mod compaction;

use crate::{
    disk::{Disk, DiskError, DiskErrorKind},
    error::{Damage, StoreError},
    format::{
        ids::{Generation, Location},
        paths,
    },
    log::files,
    maintenance::compaction::Copied,
    record::Held,
    snapshot::{
        KEPT,
        writer::{SnapshotWriter, Step},
    },
    store::{Segment, Store},
};

/// State of the maintenance besides snapshots and compaction.
#[derive(Debug, Default)]
pub(crate) struct Maintenance {
    /// Segments that no message needed at the end of the previous step. They are dropped in the next step, so that readers
    /// learn about moved messages before.
    condemned: Vec<Generation>,
    /// True while all spare segments exist. Looking for them takes several system calls, so it is not done after each group.
    pub(crate) has_spares: bool,
    /// The time of the last attempt to create a spare segment that failed because the disk is full.
    spares_failed_ms: Option<u64>,
    /// The owner has reported that the disk is nearly full.
    is_short_of_space: bool,
}

/// The result of a step of maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceStep {
    /// True if more work is left; the caller takes another step soon.
    pub has_more: bool,
    /// Messages whose records have moved. Their old places may be gone after the next step.
    pub relocations: Vec<Relocation>,
    /// Messages that compaction found damaged. Their segments stay as they are.
    pub damages: Vec<Damage>,
}

/// A message whose record has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocation {
    /// The message.
    pub held: Held,
    /// The new place of its record.
    pub location: Location,
}

/// Milliseconds until another attempt to create a spare segment on a full disk.
const SPARE_RETRY_MS: u64 = 10_000;
/// Milliseconds between snapshots that are taken because the disk is nearly full.
const SHORTAGE_SNAPSHOT_MS: u64 = 1_000;

impl<D: Disk> Store<D> {
    /// Does a step of maintenance; `now_ms` are milliseconds of a clock that does not go backwards. The caller takes a step
    /// after each group, and from time to time while no group is written.
    ///
    /// # Errors
    ///
    /// Any error of the disk. A full disk is no error for a spare segment or a snapshot.
    pub fn maintain(&mut self, now_ms: u64) -> Result<MaintenanceStep, StoreError> {
        self.guard(|store| {
            store.drop_condemned()?;
            store.create_spare(now_ms)?;
            let snapshot = store.snapshot_step(now_ms)?;
            let mut copied = Copied::default();
            let compaction = store.compact(now_ms, &mut copied)?;
            store.condemn();
            Ok(MaintenanceStep {
                has_more: snapshot == Work::More
                    || compaction == Work::More
                    || !store.maintenance.condemned.is_empty(),
                relocations: copied.relocations,
                damages: copied.damages,
            })
        })
    }

    /// Reports whether the disk is nearly full. Snapshots are then taken as soon as they let segments be dropped, and not only
    /// when they are due.
    pub fn set_short_of_space(&mut self, is_short: bool) {
        self.maintenance.is_short_of_space = is_short;
    }

    /// Takes a complete snapshot now.
    ///
    /// # Errors
    ///
    /// Any error of the disk.
    pub fn snapshot(&mut self) -> Result<(), StoreError> {
        self.guard(|store| {
            if store.snapshots.writer.is_none() && store.snapshots.log_bytes > 0 {
                store.begin_snapshot()?;
            }
            while store.snapshots.writer.is_some() {
                store.continue_snapshot()?;
            }
            Ok(())
        })
    }

    fn drop_condemned(&mut self) -> Result<(), DiskError> {
        let length = self.options.limit().segment_bytes as u64;
        for generation in std::mem::take(&mut self.maintenance.condemned) {
            if !self.is_unused(generation) {
                continue;
            }
            files::drop_segment(&self.disk, &paths::segment(generation), length)?;
            self.segments
                .retain(|segment| segment.generation != generation);
        }
        Ok(())
    }

    fn condemn(&mut self) {
        let unused: Vec<Generation> = self
            .sealed_and_covered()
            .map(|segment| segment.generation)
            .filter(|generation| self.state.live_bytes(*generation) == 0)
            .collect();
        self.maintenance.condemned = unused;
    }

    fn is_unused(&self, generation: Generation) -> bool {
        self.state.live_bytes(generation) == 0
    }

    /// Returns the segments that recovery does not read even if the newest snapshot is damaged.
    pub(crate) fn sealed_and_covered(&self) -> impl Iterator<Item = Segment> {
        let covered = self.snapshots.covered_frame();
        self.segments
            .windows(2)
            .filter(move |pair| pair[1].first_frame <= covered + 1)
            .map(|pair| pair[0])
    }

    /// Creates a missing spare segment. On a full disk, the next attempt is made after some seconds.
    fn create_spare(&mut self, now_ms: u64) -> Result<(), DiskError> {
        if self.maintenance.has_spares {
            return Ok(());
        }
        let retry_ms = |failed: u64| failed.saturating_add(SPARE_RETRY_MS);
        if self
            .maintenance
            .spares_failed_ms
            .is_some_and(|failed| now_ms < retry_ms(failed))
        {
            return Ok(());
        }
        self.maintenance.spares_failed_ms = None;
        let length = self.options.limit().segment_bytes as u64;
        let Some(path) = files::missing_spare(&self.disk, length)? else {
            self.maintenance.has_spares = true;
            return Ok(());
        };
        match files::create_spare(&self.disk, path, length) {
            Err(error) if error.kind == DiskErrorKind::NoSpace => {
                self.maintenance.spares_failed_ms = Some(now_ms);
                Ok(())
            }
            created => created,
        }
    }

    fn snapshot_step(&mut self, now_ms: u64) -> Result<Work, DiskError> {
        let began_ms = *self.snapshots.began_ms.get_or_insert(now_ms);
        if self.snapshots.writer.is_none() {
            let elapsed_ms = now_ms.saturating_sub(began_ms);
            let is_due = self.snapshots.log_bytes >= self.options.snapshot_log_bytes
                || elapsed_ms >= self.options.snapshot_interval_ms;
            let frees_space = elapsed_ms >= SHORTAGE_SNAPSHOT_MS && self.would_free_space();
            if !frees_space && (!is_due || self.snapshots.log_bytes == 0) {
                return Ok(Work::Done);
            }
            if self.snapshots.log_bytes == 0 {
                // The name of a snapshot is its frame, and two different ones have to cover a segment.
                self.make_room(0)?;
                self.encoder.empty_frame();
                self.write_and_sync()?;
            }
            self.snapshots.began_ms = Some(now_ms);
            return allow_full_disk(self.begin_snapshot());
        }
        let step = self.continue_snapshot();
        if step
            .as_ref()
            .is_err_and(|error| error.kind == DiskErrorKind::NoSpace)
        {
            // The incomplete file is overwritten by the next attempt, or removed at the next start.
            self.snapshots.writer = None;
        }
        allow_full_disk(step)
    }

    /// True if the disk is nearly full, and segments that hold little or nothing wait for a snapshot.
    fn would_free_space(&self) -> bool {
        let is_short =
            self.maintenance.is_short_of_space || self.maintenance.spares_failed_ms.is_some();
        let covered = self.snapshots.covered_frame();
        let mut sealed = self.segments.windows(2);
        is_short
            && sealed
                .any(|pair| pair[1].first_frame > covered + 1 && self.is_mostly_unused(&pair[0]))
    }

    /// True if compaction or dropping gets back most of the space of a segment.
    pub(crate) fn is_mostly_unused(&self, segment: &Segment) -> bool {
        let percent = u64::from(self.options.compact_below_percent);
        let live = self.state.live_bytes(segment.generation);
        live.saturating_mul(100) < segment.used.saturating_mul(percent)
    }

    fn begin_snapshot(&mut self) -> Result<Work, DiskError> {
        let frame = self.encoder.end().next_frame - 1;
        let writer = SnapshotWriter::begin(&self.disk, self.meta.store, frame)?;
        self.snapshots.writer = Some(writer);
        self.snapshots.log_bytes = 0;
        Ok(Work::More)
    }

    fn continue_snapshot(&mut self) -> Result<Work, DiskError> {
        let Some(writer) = &mut self.snapshots.writer else {
            return Ok(Work::Done);
        };
        match writer.step(&self.disk, &self.state, self.options.step_items)? {
            Step::More => Ok(Work::More),
            Step::Complete => {
                let frame = writer.frame();
                self.snapshots.writer = None;
                self.complete_snapshot(frame)?;
                Ok(Work::Done)
            }
        }
    }

    /// Keeps the two newest snapshots, and removes all others.
    fn complete_snapshot(&mut self, frame: u64) -> Result<(), DiskError> {
        let complete = &mut self.snapshots.complete;
        complete.retain(|&known| known != frame);
        complete.push(frame);
        let excess = complete.len().saturating_sub(KEPT);
        complete.drain(..excess);
        for name in self.disk.list(paths::SNAPSHOTS)? {
            let known = paths::parse_snapshot(&name);
            if known.is_some_and(|known| !self.snapshots.complete.contains(&known)) {
                self.disk.remove(&format!("{}/{name}", paths::SNAPSHOTS))?;
            }
        }
        Ok(())
    }
}

/// The result of a part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Done,
    More,
}

/// A snapshot on a full disk is given up until the next one is due.
fn allow_full_disk(result: Result<Work, DiskError>) -> Result<Work, DiskError> {
    match result {
        Err(error) if error.kind == DiskErrorKind::NoSpace => Ok(Work::Done),
        result => result,
    }
}

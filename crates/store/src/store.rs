//! The open store: writes groups, and reports what is durable.

use crate::{
    disk::{Disk, DiskError, DiskErrorKind},
    error::StoreError,
    format::{
        ids::{Generation, StoreId},
        meta::{CleanEnd, Epoch, Meta},
        paths,
        segment_header::SegmentHeader,
    },
    log::{
        encoder::{Encoder, Placement},
        files,
        group::{Group, GroupLimits},
        settled,
    },
    maintenance::{Maintenance, compaction::Compaction},
    options::Options,
    record::{Record, content::Content},
    snapshot::Snapshots,
    state::State,
};

/// A store that is open for writing. One thread owns it.
///
/// The owner takes a [`Group`] from the open group under a short lock, calls [`commit`](Self::commit) outside the lock,
/// and publishes the [`Durable`] that it returns. Between groups, it calls [`maintain`](Self::maintain).
///
/// After any error the store accepts nothing more.
#[derive(Debug)]
pub struct Store<D: Disk> {
    pub(crate) disk: D,
    pub(crate) options: Options,
    pub(crate) meta: Meta,
    pub(crate) state: State,
    pub(crate) segments: Vec<Segment>,
    /// The last segment.
    pub(crate) file: D::File,
    pub(crate) encoder: Encoder,
    pub(crate) snapshots: Snapshots<D::File>,
    pub(crate) compaction: Compaction,
    pub(crate) maintenance: Maintenance,
    pub(crate) durable: Durable,
    /// The salt of new segments.
    pub(crate) salt: u32,
    pub(crate) is_failed: bool,
}

/// A segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub generation: Generation,
    pub first_frame: u64,
    /// Bytes with the header; of a segment that recovery did not read, the length of the file.
    pub used: u64,
}

/// The synced state of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durable {
    /// All groups up to this number.
    pub group: u64,
    /// All messages that were pushed, up to this position: the highest position in these groups.
    pub position: u64,
}

impl<D: Disk> Store<D> {
    /// Writes and syncs a group.
    ///
    /// # Errors
    ///
    /// Any error of the disk. Nothing of the group counts as durable then, and the store accepts nothing more.
    pub fn commit<C: Content>(&mut self, group: Group<C>) -> Result<Durable, StoreError> {
        self.guard(|store| Ok(store.write_group(group)?))
    }

    /// Runs an operation unless an earlier one failed.
    pub(crate) fn guard<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_failed {
            return Err(StoreError::Failed);
        }
        let result = operation(self);
        self.is_failed = result.is_err();
        result
    }

    fn write_group<C: Content>(&mut self, mut group: Group<C>) -> Result<Durable, DiskError> {
        settled::leave_out(&mut group.units);
        self.encoder.placements.clear();
        let mut position = self.durable.position;
        for unit in group.units {
            for record in unit.as_slice() {
                if let Record::Publish(publish) = record {
                    position = position.max(publish.position);
                }
            }
            self.make_room(unit.bytes)?;
            self.encoder.unit(unit, &mut self.state);
        }
        self.write_and_sync()?;
        self.durable = Durable {
            group: group.number,
            position,
        };
        Ok(self.durable)
    }

    /// Continues in a new segment if the current one has no room for this many bytes.
    pub(crate) fn make_room(&mut self, bytes: usize) -> Result<(), DiskError> {
        if self.encoder.has_room(bytes) {
            return Ok(());
        }
        self.write_and_sync()?;
        self.begin_segment()
    }

    /// Writes all frames and waits until they are on the medium.
    pub(crate) fn write_and_sync(&mut self) -> Result<(), DiskError> {
        self.encoder.seal();
        let bytes = self.encoder.unwritten();
        if bytes.is_empty() {
            return Ok(());
        }
        let written = bytes.len() as u64;
        let offset = self.encoder.written() as u64;
        self.disk.write_at(&self.file, offset, bytes)?;
        self.disk.sync_data(&self.file)?;
        self.encoder.set_written();
        self.encoder.durable = self.encoder.end().next_frame - 1;
        self.snapshots.log_bytes += written;
        self.compaction.count_written(written, &self.options);
        if let Some(segment) = self.segments.last_mut() {
            segment.used = offset + written;
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), DiskError> {
        let end = self.encoder.end();
        let generation = Generation(end.generation.0 + 1);
        let header = SegmentHeader {
            generation,
            replaces: generation,
            store: self.meta.store,
            first_frame: end.next_frame,
            previous: end.previous,
            position: end.position,
            salt: self.salt,
        };
        let length = self.options.limit().segment_bytes as u64;
        self.file = files::create(&self.disk, generation, &header.encode(), length)?;
        // A spare may have become this segment.
        self.maintenance.has_spares = false;
        self.encoder.continue_in(&header);
        self.segments.push(Segment {
            generation,
            first_frame: header.first_frame,
            used: SegmentHeader::LENGTH as u64,
        });
        self.meta.newest = generation;
        write_meta(&self.disk, &mut self.meta)
    }

    /// Ends the use of the store after a clean stop: the epoch goes on at the next start. The caller has committed all
    /// groups. `next_position` is the next position that the broker would give out.
    ///
    /// # Errors
    ///
    /// Any error of the disk. The next start is an unclean one then.
    pub fn close(mut self, next_position: u64) -> Result<D, StoreError> {
        self.guard(|store| {
            let end = store.encoder.end();
            store.meta.clean = Some(CleanEnd {
                frame: end.next_frame - 1,
                checksum: end.previous,
                next_position,
            });
            Ok(write_meta(&store.disk, &mut store.meta)?)
        })?;
        Ok(self.disk)
    }

    /// Returns the disk.
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// Returns the id of the store, for [`read_message`](crate::read_message).
    pub fn id(&self) -> StoreId {
        self.meta.store
    }

    /// Returns the state with all records of committed groups.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the bytes of the log that are in use, without the part of the last segment that is allocated ahead.
    pub fn log_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.used).sum()
    }

    /// Returns the epochs, oldest first.
    pub fn epochs(&self) -> &[Epoch] {
        &self.meta.epochs
    }

    /// Returns the places of the messages of the last group.
    pub fn placements(&self) -> &[Placement] {
        &self.encoder.placements
    }

    /// Returns the bounds of an open group for this store; `group_bytes` is the bound of the group in bytes.
    pub fn group_limits(&self, group_bytes: usize) -> GroupLimits {
        GroupLimits {
            group_bytes,
            unit_bytes: self.options.largest_unit(),
        }
    }
}

/// Writes both copies of the store's description, each with a sync.
pub(crate) fn write_meta<D: Disk>(disk: &D, meta: &mut Meta) -> Result<(), DiskError> {
    debug_assert!(meta.copy < 2);
    meta.counter += 1;
    let content = meta.encode();
    let first = 1 - meta.copy;
    for path in [paths::META[first], paths::META[meta.copy]] {
        let (file, is_new) = match disk.open(path) {
            Err(error) if error.kind == DiskErrorKind::NotFound => (disk.create(path)?, true),
            opened => (opened?, false),
        };
        disk.write_at(&file, 0, &content)?;
        disk.sync_data(&file)?;
        if is_new {
            disk.sync_dir("")?;
        }
    }
    Ok(())
}

//! Segment files: new segments, spare segments, reading of messages.

use crate::{
    disk::{Disk, DiskError, DiskErrorKind, read_part},
    error::{Damage, ReadError},
    format::{
        checksum::Checksum,
        ids::{Generation, Location, StoreId},
        paths,
    },
    record::{
        self, Logged, Publish, Record, content::StoredContent, decode::MessageHead, encode::Target,
    },
};

/// Creates a segment file that begins with `content`. The file gets its name when `content` is synced; after this function
/// returns, the name is durable as well.
///
/// Uses a spare segment if there is one, so a full disk does not prevent it.
pub(crate) fn create<D: Disk>(
    disk: &D,
    generation: Generation,
    content: &[u8],
    segment_bytes: u64,
) -> Result<D::File, DiskError> {
    let length = segment_bytes.max(content.len() as u64);
    let path = paths::segment(generation);
    let (file, temporary) = match take_spare(disk, length)? {
        Some(spare) => spare,
        None => {
            let temporary = format!("{path}{}", paths::INCOMPLETE);
            let file = disk.create(&temporary)?;
            disk.allocate(&file, length)?;
            (file, temporary)
        }
    };
    disk.write_at(&file, 0, content)?;
    disk.sync_data(&file)?;
    disk.rename(&temporary, &path)?;
    disk.sync_dir(paths::LOG)?;
    Ok(file)
}

/// Returns a spare segment of this length and its path.
fn take_spare<D: Disk>(disk: &D, length: u64) -> Result<Option<(D::File, String)>, DiskError> {
    for path in paths::SPARES {
        if let Some(file) = open_spare(disk, path, length)? {
            return Ok(Some((file, path.to_owned())));
        }
    }
    Ok(None)
}

fn open_spare<D: Disk>(disk: &D, path: &str, length: u64) -> Result<Option<D::File>, DiskError> {
    match disk.open(path) {
        Ok(file) if disk.length(&file)? == length => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the path of a missing spare segment, or of one with another length.
pub(crate) fn missing_spare<D: Disk>(
    disk: &D,
    length: u64,
) -> Result<Option<&'static str>, DiskError> {
    for path in paths::SPARES {
        if open_spare(disk, path, length)?.is_none() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Creates a spare segment. A spare that is incomplete after a crash has another length and is created again.
pub(crate) fn create_spare<D: Disk>(disk: &D, path: &str, length: u64) -> Result<(), DiskError> {
    let file = disk.create(path)?;
    disk.allocate(&file, length)?;
    disk.sync_data(&file)
}

/// Removes a segment, or keeps it as a spare if one is missing.
pub(crate) fn drop_segment<D: Disk>(disk: &D, path: &str, length: u64) -> Result<(), DiskError> {
    let spare = missing_spare(disk, length)?;
    match spare {
        Some(spare) if disk.length(&disk.open(path)?)? == length => {
            disk.rename(path, spare)?;
            // The old name must not come back after a power failure, when the file belongs to a newer segment.
            disk.sync_dir(paths::LOG)
        }
        _ => disk.remove(path),
    }
}

/// A message that was read from the log.
#[derive(Debug)]
pub struct StoredMessage {
    pub(crate) bytes: Vec<u8>,
    pub(crate) target: Target,
}

impl StoredMessage {
    fn new(bytes: Vec<u8>, store: StoreId, location: Location) -> Self {
        Self {
            bytes,
            target: Target {
                checksum: Checksum::new(store),
                generation: location.generation,
            },
        }
    }

    /// Returns the message with the position at which it was published. Its queues are those at that time.
    #[must_use]
    pub fn message(&self) -> Option<Publish<StoredContent<'_>>> {
        match record::decode::record(&self.bytes, self.target) {
            Ok(Logged::Pushed(Record::Publish(message)) | Logged::Relocated { message, .. }) => {
                Some(message)
            }
            _ => None,
        }
    }
}

/// Reads a message. Any thread may call this function while the store writes.
///
/// # Errors
///
/// [`ReadError::Moved`] if compaction has moved the message or the message is not held any more;
/// [`ReadError::Damaged`] if the message's checksum does not match.
pub fn read_message<D: Disk>(
    disk: &D,
    store: StoreId,
    location: Location,
) -> Result<StoredMessage, ReadError> {
    let path = paths::segment(location.generation);
    let open = || match disk.open(&path) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Err(ReadError::Moved),
        opened => opened.map_err(ReadError::Disk),
    };
    let file = open()?;
    let length = location.length as usize;
    let bytes = read_part(disk, &file, location.offset.into(), length)?;
    let message = StoredMessage::new(bytes, store, location);
    if message.bytes.len() == length && message.message().is_some() {
        return Ok(message);
    }
    // The segment may have been dropped and its file used again while it was read.
    open()?;
    Err(ReadError::Damaged(Damage {
        file: path,
        offset: location.offset.into(),
        reason: "the checksum of a message does not match its bytes".to_owned(),
        positions: None,
    }))
}

/// Reads many messages, fastest in the order of their locations. For a store that is not written to in the meantime.
#[derive(Debug)]
pub struct MessageReader<'a, D: Disk> {
    disk: &'a D,
    store: StoreId,
    segment: Option<(Generation, D::File)>,
    /// A part of the segment, and its offset.
    part: Vec<u8>,
    offset: u64,
}

impl<'a, D: Disk> MessageReader<'a, D> {
    /// Returns a reader of the store with this id.
    pub fn new(disk: &'a D, store: StoreId) -> Self {
        Self {
            disk,
            store,
            segment: None,
            part: Vec::new(),
            offset: 0,
        }
    }

    /// Reads a message. [`StoredMessage::message`] returns `None` if it is damaged; [`read_message`] then returns the cause.
    ///
    /// # Errors
    ///
    /// An operation of the disk failed.
    pub fn read(&mut self, location: Location) -> Result<StoredMessage, DiskError> {
        let (offset, length) = (u64::from(location.offset), location.length as usize);
        if !self.has(location) {
            self.load(location)?;
        }
        let at = (offset - self.offset) as usize;
        let bytes = self.part.get(at..at + length).unwrap_or_default();
        Ok(StoredMessage::new(bytes.to_vec(), self.store, location))
    }

    /// Reads the beginning of a message, without the content of a long one, and without a check for damage. Returns `None`
    /// if it cannot be decoded.
    ///
    /// # Errors
    ///
    /// An operation of the disk failed.
    pub fn head(&mut self, location: Location) -> Result<Option<MessageHead>, DiskError> {
        let beginning = Location {
            length: location.length.min(HEAD),
            ..location
        };
        if !self.has(beginning) {
            if location.length > LONG {
                let file = self.open(location.generation)?;
                let length = beginning.length as usize;
                let bytes = read_part(self.disk, &file, location.offset.into(), length)?;
                self.keep(location.generation, file);
                if let Ok(head) = record::decode::head(&bytes) {
                    return Ok(Some(head));
                }
                // Very many places hold it.
            }
            self.load(location)?;
        }
        let at = (u64::from(location.offset) - self.offset) as usize;
        let head = self.part.get(at..).map(record::decode::head);
        Ok(head.and_then(Result::ok))
    }

    /// Returns true if the part in memory has the record.
    fn has(&self, location: Location) -> bool {
        let segment = self.segment.as_ref().map(|(generation, _)| *generation);
        let (from, length) = (u64::from(location.offset), u64::from(location.length));
        segment == Some(location.generation)
            && from >= self.offset
            && from + length <= self.offset + self.part.len() as u64
    }

    fn load(&mut self, location: Location) -> Result<(), DiskError> {
        let file = self.open(location.generation)?;
        self.offset = location.offset.into();
        let length = PART.max(location.length as usize);
        self.part = read_part(self.disk, &file, self.offset, length)?;
        self.segment = Some((location.generation, file));
        Ok(())
    }

    /// Returns the file of a segment. [`MessageReader::keep`] takes it back.
    fn open(&mut self, generation: Generation) -> Result<D::File, DiskError> {
        match self.segment.take() {
            Some((open, file)) if open == generation => Ok(file),
            _ => {
                // The part is of the other segment.
                self.part.clear();
                self.disk.open(&paths::segment(generation))
            }
        }
    }

    fn keep(&mut self, generation: Generation, file: D::File) {
        self.segment = Some((generation, file));
    }
}

/// Reads messages with few operations if they are close to each other. Any thread may call this function while the store
/// writes. Returns them in the order of `locations`.
///
/// # Errors
///
/// The first error, as of [`read_message`].
pub fn read_messages<D: Disk>(
    disk: &D,
    store: StoreId,
    locations: &[Location],
) -> Result<Vec<StoredMessage>, ReadError> {
    let mut messages = Vec::with_capacity(locations.len());
    let mut rest = locations;
    while let Some(first) = rest.first() {
        let (run, later) = rest.split_at(run_length(rest));
        rest = later;
        let part = read_run(disk, first, run);
        for location in run {
            let message = part.as_ref().and_then(|part| {
                let at = (location.offset - first.offset) as usize;
                let bytes = part.get(at..at + location.length as usize)?;
                Some(StoredMessage::new(bytes.to_vec(), store, *location))
            });
            match message.filter(|message| message.message().is_some()) {
                Some(message) => messages.push(message),
                // Finds the cause.
                None => messages.push(read_message(disk, store, *location)?),
            }
        }
    }
    Ok(messages)
}

/// Returns the number of locations that are read together: ascending in one segment, with small gaps.
fn run_length(locations: &[Location]) -> usize {
    let Some(first) = locations.first() else {
        return 0;
    };
    let end = |location: &Location| u64::from(location.offset) + u64::from(location.length);
    let belongs = |pair: &[Location]| {
        pair[1].generation == first.generation
            && u64::from(pair[1].offset) >= end(&pair[0])
            && u64::from(pair[1].offset) - end(&pair[0]) <= GAP
            && end(&pair[1]) - u64::from(first.offset) <= PART as u64
    };
    1 + locations
        .windows(2)
        .take_while(|pair| belongs(pair))
        .count()
}

/// Reads the part of a segment that has these messages. `None` if that fails.
fn read_run<D: Disk>(disk: &D, first: &Location, run: &[Location]) -> Option<Vec<u8>> {
    let last = run.last()?;
    let length = (last.offset - first.offset) as usize + last.length as usize;
    let file = disk.open(&paths::segment(first.generation)).ok()?;
    read_part(disk, &file, first.offset.into(), length).ok()
}

/// Bytes between two messages that are read although they are not needed, because another read would take longer.
const GAP: u64 = 16 << 10;
/// Bytes of a message with its [`MessageHead`], unless many places hold it.
const HEAD: u32 = 128;
/// Messages from this length on are not read completely for their head.
const LONG: u32 = 4 << 10;

/// Bytes that a [`MessageReader`] reads at once.
const PART: usize = 1 << 20;

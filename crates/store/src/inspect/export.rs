//! Export of everything that a store holds.

use std::ops::ControlFlow;

use crate::{
    disk::Disk,
    error::{Damage, OpenError, ReadError},
    format::ids::{NameId, QueueId, StoreId},
    inspect::info::info,
    log::files::{StoredMessage, read_message},
    record::Held,
    state::{HeldMessage, StoredName, StoredQueue, StoredSession, WalkKey},
};

/// An item of an export.
#[derive(Debug)]
pub enum Exported<'a> {
    /// A name.
    Name(NameId, &'a StoredName),
    /// A queue or durable subscription.
    Queue(QueueId, &'a StoredQueue),
    /// A message at one place. A message that several places hold is exported for each of them.
    Message {
        /// The place.
        held: Held,
        /// Number of deliveries of the message.
        deliveries: u32,
        /// The message.
        message: &'a StoredMessage,
    },
    /// A message that cannot be read.
    Damaged(Held, Damage),
    /// A session.
    Session(&'a [u8], &'a StoredSession),
}

/// Passes everything that a store holds to `visit`: names, queues, sessions, then messages of queues, topics and retained ones.
/// Stops if `visit` returns [`ControlFlow::Break`]. Does nothing if the directory has no store.
///
/// # Errors
///
/// The errors of [`Store::open`](crate::Store::open). A message that is damaged is passed as [`Exported::Damaged`].
pub fn export<D: Disk>(
    disk: &D,
    visit: &mut dyn FnMut(Exported<'_>) -> ControlFlow<()>,
) -> Result<(), OpenError> {
    let Some(info) = info(disk)? else {
        return Ok(());
    };
    let state = &info.state;
    let names = state.names().map(|(id, name)| Exported::Name(id, name));
    let queues = state.queues().map(|(id, queue)| Exported::Queue(id, queue));
    let sessions = state
        .sessions()
        .map(|(client, session)| Exported::Session(client, session));
    for item in names.chain(queues).chain(sessions) {
        if visit(item).is_break() {
            return Ok(());
        }
    }
    let mut key = WalkKey::default();
    loop {
        let messages = state.walk(&mut key, MESSAGES);
        for found in &messages {
            if export_message(disk, info.store, found, visit)?.is_break() {
                return Ok(());
            }
        }
        if messages.len() < MESSAGES {
            return Ok(());
        }
    }
}

fn export_message<D: Disk>(
    disk: &D,
    store: StoreId,
    found: &HeldMessage,
    visit: &mut dyn FnMut(Exported<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, OpenError> {
    let held = found.held;
    match read_message(disk, store, found.waiting.location) {
        Ok(message) => Ok(visit(Exported::Message {
            held,
            deliveries: found.waiting.deliveries,
            message: &message,
        })),
        Err(ReadError::Damaged(damage)) => Ok(visit(Exported::Damaged(held, damage))),
        Err(ReadError::Disk(error)) => Err(error.into()),
        // No other process uses the store.
        Err(ReadError::Moved) => Ok(ControlFlow::Continue(())),
    }
}

/// Messages that are visited at once.
const MESSAGES: usize = 1024;

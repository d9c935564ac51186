//! Paging in: messages that the journal has loaded return to the queue, or go to a browser.

use std::sync::Arc;

use super::{
    Consumer, Queue, Queued, State,
    browse::BrowseSlot,
    paged::{LoadRange, PagedContents, PagedMessage},
    paging::{PendingLoad, Purpose},
    store::{DroppedPlace, PLACE},
};
use crate::{
    journal::{LoadedMessage, PageRequest},
    memory::account::{Account, End},
    message::entry::{Publication, SharedEntry},
    message::reading::Missed,
    message::scan_budget::Budget,
    notice::DeathCause,
    outcome::Ready,
    sync::Ordering,
};

impl Queue {
    /// Loads the next part for a consumer that has come to this position. If it cannot be loaded now, other parts are on
    /// their way, and the consumer continues when one of them arrives.
    pub(super) fn load_from(self: &Arc<Self>, state: &mut State, position: u64) {
        if !state.paged.is_loading(position) && state.paged.has_room_for_load() {
            self.load_part(state, position);
        }
        // The part after it, which is read while the consumer takes this one.
        if let Some(next) = state.paged.first_not_loading(position)
            && state.paged.may_read_ahead()
            && !state.has_in_memory(position..next)
        {
            self.load_part(state, next);
        }
    }

    fn load_part(self: &Arc<Self>, state: &mut State, position: u64) {
        let most = self.store.paging.part_limit(self.store.free());
        let part = state.paged.part_from(position, most);
        self.request(state, part, Purpose::Scan);
    }

    /// Loads the next part if a consumer that has scanned up to this position will need it soon.
    #[inline]
    pub(super) fn read_ahead(self: &Arc<Self>, state: &mut State, position: u64) {
        if state.paged.is_read_ahead_due(position)
            && let Some(next) = state.paged.first_not_loading(position)
        {
            self.load_from(state, next);
        }
    }

    /// Loads messages for a browser, which waits for them.
    pub(super) fn load_for_browser(
        self: &Arc<Self>,
        state: &mut State,
        positions: Vec<u64>,
        browser: &Arc<Consumer>,
    ) {
        self.request(state, positions, Purpose::Browser(Arc::clone(browser)));
    }

    /// Loads messages for a caller that waits for them.
    pub(super) fn load_for_caller(
        self: &Arc<Self>,
        state: &mut State,
        positions: Vec<u64>,
        slot: &Arc<BrowseSlot>,
    ) {
        self.request(state, positions, Purpose::Browse(Arc::clone(slot)));
    }

    /// Loads messages that have expired at `now_ms`, unless others are on their way. Each part that arrives loads the
    /// next one.
    pub(super) fn load_expired(self: &Arc<Self>, state: &mut State, now_ms: u64) {
        let most = self.store.paging.part_limit(self.store.free());
        let part = state.paged.expired_part(now_ms, most);
        if !part.is_empty() && state.paged.begin_expiry_load() {
            self.request(state, part, Purpose::Expiry);
        }
    }

    fn request(self: &Arc<Self>, state: &mut State, positions: Vec<u64>, purpose: Purpose) {
        let (Some(journal), Some(id)) = (&self.store.journal, self.journal_id) else {
            return;
        };
        if positions.is_empty() {
            return;
        }
        let is_scan = matches!(purpose, Purpose::Scan);
        let request = self.store.paging.begin_load(self, id, positions, purpose);
        if is_scan {
            state.paged.begin_load(LoadRange::of(request.positions()));
        }
        journal.load(request);
    }

    /// Takes messages that the journal has loaded. Those that have left the queue in the meantime are ignored. Returns the
    /// requested positions that the journal should have returned.
    pub(crate) fn page_in(
        self: &Arc<Self>,
        load: PendingLoad,
        request: &PageRequest,
        messages: Vec<LoadedMessage>,
        now_ms: u64,
        ready: &mut Ready,
    ) -> Vec<u64> {
        let mut state = self.lock();
        let mut loaded = messages.iter().map(|message| message.position).peekable();
        let mut missing = request.positions().to_vec();
        missing.retain(|position| {
            loaded.next_if_eq(position).is_none() && state.paged.get(*position).is_some()
        });
        match load.purpose {
            Purpose::Scan => {
                let middle = messages
                    .get(messages.len() / 2)
                    .map_or(load.positions.last, |message| message.position);
                state.paged.end_load(load.positions, middle);
                for message in messages {
                    self.put_in_memory(&mut state, message);
                }
                let mut budget = Budget::new();
                self.continue_scans(&mut state, &mut budget, ready);
                drop(state);
                self.distribute(&mut budget, ready);
            }
            Purpose::Expiry => {
                state.paged.end_expiry_load();
                let has_progress = !messages.is_empty();
                for message in messages {
                    let position = message.position;
                    self.put_in_memory(&mut state, message);
                    if let Some(expired) = state.take(position) {
                        self.remove_dead(&mut state, expired, DeathCause::Expired);
                    }
                }
                if has_progress {
                    self.load_expired(&mut state, now_ms);
                }
            }
            Purpose::Browser(browser) => {
                let found = self.copies(&state, messages);
                drop(state);
                browser.take_browsed(found, load.positions.last, ready);
            }
            Purpose::Browse(slot) => {
                let found = self.copies(&state, messages);
                drop(state);
                slot.fill(found);
            }
        }
        missing
    }

    /// Puts a paged message among the waiting ones.
    fn put_in_memory(&self, state: &mut State, loaded: LoadedMessage) {
        if let Some(paged) = state.paged.get(loaded.position) {
            let entry = entry_of(loaded, paged);
            self.bring_in(state, &entry);
        }
    }

    /// Puts a paged message, of which this is the content, among the waiting ones in memory.
    pub(super) fn bring_in(&self, state: &mut State, entry: &SharedEntry) {
        let Some((paged, has_gap)) = state.paged.remove(entry.position()) else {
            return;
        };
        self.leave_paged(u64::from(paged.bytes), 1);
        self.bytes.fetch_add(entry.size(), Ordering::Relaxed);
        self.store.take(entry);
        self.store.give_back_places(1);
        self.charge_owner();
        self.list_for_paging();
        state.groups.enter(entry);
        state.put_back(Queued {
            deliveries: paged.deliveries,
            missed: has_gap.then_some(Missed::Unknown),
            ..Queued::new(entry)
        });
    }

    /// Notes that paged messages are no longer counted as such.
    fn leave_paged(&self, bytes: u64, messages: u64) {
        self.paged_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let all = &self.store.paging.messages;
        all.fetch_sub(messages, Ordering::Relaxed);
    }

    /// Removes a paged message that is dropped at a bound.
    pub(super) fn drop_paged(self: &Arc<Self>, state: &mut State, position: u64) {
        let Some(RemovedPaged { paged, .. }) = self.remove_paged(state, position) else {
            return;
        };
        state.note_gap_after(position);
        self.record_positions_settled([position].into_iter());
        self.count_discarded(1);
        self.store.totals.dropped.add(1);
        self.store.note_dropped_place(DroppedPlace {
            queue: Arc::clone(self),
            account: paged.account,
            position,
        });
    }

    /// Removes a paged message.
    pub(super) fn remove_paged(&self, state: &mut State, position: u64) -> Option<RemovedPaged> {
        let (paged, has_gap) = state.paged.remove(position)?;
        self.leave_paged(u64::from(paged.bytes), 1);
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.store.give_back_places(1);
        self.charge_owner();
        Some(RemovedPaged { paged, has_gap })
    }

    /// Notes that all paged messages have left the queue. Returns their number.
    pub(super) fn leave_with_paged(&self, gone: &PagedContents) -> usize {
        let messages = &gone.messages;
        let count = messages.len() as u64;
        let bytes = messages.values().map(|one| u64::from(one.bytes)).sum();
        self.leave_paged(bytes, count);
        self.entries.fetch_sub(count, Ordering::Relaxed);
        self.store.give_back_places(count);
        self.charge_owner();
        messages.len()
    }

    /// Adds a message of an earlier run, without its content.
    pub(crate) fn restore_paged(&self, place: PagedPlace) {
        let message = PagedMessage {
            account: place.account,
            bytes: place.bytes,
            deliveries: place.deliveries,
        };
        let mut state = self.lock();
        if let Some(sequence) = place.sequence {
            self.restore_end(&mut state, sequence, &message.account);
        }
        self.counts.enqueued.add(1);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.paged_bytes
            .fetch_add(u64::from(message.bytes), Ordering::Relaxed);
        self.store.take_places(1);
        self.store.paging.messages.fetch_add(1, Ordering::Relaxed);
        self.charge_owner();
        state
            .paged
            .insert(place.position, message, place.expires_ms);
    }

    /// Returns the messages that are still in the queue as entries for a browser. They stay where they are.
    fn copies(&self, state: &State, messages: Vec<LoadedMessage>) -> Vec<SharedEntry> {
        let copies = messages.into_iter().filter_map(|message| {
            match state.paged.get(message.position) {
                Some(paged) => Some(entry_of(message, paged)),
                // Another load was faster.
                None => state.waiting_at(message.position).cloned(),
            }
        });
        copies.collect()
    }

    /// Continues the scans that waited for messages. While the queue is locked, at least one consumer examines what has
    /// arrived: it cannot be paged out again before that.
    fn continue_scans(self: &Arc<Self>, state: &mut State, budget: &mut Budget, ready: &mut Ready) {
        for consumer in state.end_waiting_for_load(self) {
            if budget.is_spent() {
                return;
            }
            self.fill_once(state, &consumer, budget, ready);
        }
    }
}

/// A message of an earlier run whose content stays in the journal.
#[derive(Debug)]
pub(crate) struct PagedPlace {
    pub(crate) position: u64,
    pub(crate) account: Arc<Account>,
    pub(crate) bytes: u32,
    pub(crate) deliveries: u32,
    pub(crate) expires_ms: Option<u64>,
    /// The number of the message in its queue, if it is known.
    pub(crate) sequence: Option<u64>,
}

/// A paged message that was removed from its queue.
pub(super) struct RemovedPaged {
    paged: PagedMessage,
    /// Messages are missing before it.
    pub(super) has_gap: bool,
}

fn entry_of(loaded: LoadedMessage, paged: &PagedMessage) -> SharedEntry {
    let LoadedMessage {
        position,
        sequence,
        publication,
    } = loaded;
    let publication: Publication = publication.restored();
    paged.account.memory.take(publication.size());
    let end = End {
        sequence,
        offset: 0,
    };
    publication.into_entry(position, end, &paged.account)
}

impl super::Store {
    /// Counts that places of paged messages are free, or count with their messages again.
    fn give_back_places(&self, places: u64) {
        self.give_back_bytes(places * PLACE);
    }
}

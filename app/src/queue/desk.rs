//! The state of a queue's page, and its requests. All components of the page share it.

use leptos::prelude::*;

use super::{Action, Addresses, HeldBy, History, Listing, Selection, Target, consumers};
use crate::{
    api::carried,
    browser,
    json::{self, Json},
    paging::Turn,
    poll::Poll,
    queues::{Board, QueueFigures, Queues},
};

#[derive(Clone, Copy)]
pub struct Desk {
    name: StoredValue<String>,
    /// The figures of this queue alone, with their rates.
    pub board: RwSignal<Board>,
    /// The newest figures; `None` until they have arrived, and if there is no such queue.
    pub queue: RwSignal<Option<QueueFigures>>,
    pub is_paused: RwSignal<bool>,
    pub history: RwSignal<History>,
    /// The consumers, and whether there are more than listed.
    pub consumers: RwSignal<(Vec<HeldBy>, bool)>,
    pub listing: RwSignal<Listing>,
    pub selection: RwSignal<Selection>,
    /// The action that the reader is asked about, and its messages.
    pub asked: RwSignal<Option<(Action, Target)>>,
    /// The result of the last action, as a sentence.
    pub report: RwSignal<String>,
    pub figures_poll: Poll,
    pub consumers_poll: Poll,
    pub listing_poll: Poll,
}

impl Desk {
    /// Starts with the documents that came with the page, and keeps them up to date in the browser.
    pub fn new(name: &str) -> Self {
        let addresses = Addresses::of(name);
        let (queue, history, held, listing) = (
            carried(&addresses.queue()),
            carried(&addresses.history()),
            carried(&addresses.consumers()),
            carried(&addresses.messages("", "")),
        );
        let signals = Signals::default();
        let consumers_of = move |text: &str| {
            if let Some(found) = consumers(text) {
                signals.consumers.set(found);
            }
        };
        let history_of = move |text: &str| {
            if let Some(history) = History::read(text) {
                signals.history.set(history);
            }
        };
        if let Ok(Some(queue)) = &queue {
            signals.take_queue(queue, None);
        }
        if let Ok(Some(held)) = &held {
            consumers_of(held);
        }
        if let Ok(Some(history)) = &history {
            history_of(history);
        }
        if let Ok(Some(listing)) = &listing {
            signals.listing.update(|own| own.take(listing));
        }

        let of_messages = addresses.clone();
        let listing_poll = Poll::on_demand(
            move || {
                let selector = signals
                    .selection
                    .with_untracked(|one| one.selector().to_owned());
                signals.listing.with_untracked(|listing| {
                    of_messages.messages(listing.pages.after(), &selector)
                })
            },
            move |text| signals.listing.update(|listing| listing.take(text)),
        );
        let (of_queue, of_consumers) = (addresses.queue(), addresses.consumers());
        let figures_poll = Poll::every(
            PERIOD_MS,
            move || of_queue.clone(),
            move |text| {
                if signals.take_queue(text, Some(browser::unix_ms())) && signals.is_listing_light()
                {
                    listing_poll.request();
                }
            },
        );
        let consumers_poll = Poll::every(PERIOD_MS, move || of_consumers.clone(), consumers_of);
        let of_history = addresses.history();
        Poll::every(HISTORY_PERIOD_MS, move || of_history.clone(), history_of);
        figures_poll.begin(queue.err());
        consumers_poll.begin(held.err());
        listing_poll.begin(listing.err());

        Self {
            name: StoredValue::new(name.to_owned()),
            board: signals.board,
            queue: signals.queue,
            is_paused: signals.is_paused,
            history: signals.history,
            consumers: signals.consumers,
            listing: signals.listing,
            selection: signals.selection,
            asked: RwSignal::new(None),
            report: RwSignal::new(String::new()),
            figures_poll,
            consumers_poll,
            listing_poll,
        }
    }

    pub fn name(self) -> String {
        self.name.get_value()
    }

    pub fn addresses(self) -> Addresses {
        Addresses::of(&self.name())
    }

    /// Asks the reader about an action.
    pub fn ask(self, action: Action, target: Target) {
        self.asked.set(Some((action, target)));
    }

    /// Reports what was done, and shows its effects.
    pub fn done(self, report: String) {
        self.report.set(report);
        self.selection.update(Selection::clear);
        self.figures_poll.request();
        self.consumers_poll.request();
        self.listing_poll.request();
    }

    /// Changes the place in the list, and requests the page there.
    pub fn turn(self, turn: Turn) {
        self.listing.update(|listing| listing.turn(turn));
        self.listing_poll.request();
    }

    /// Lists the messages that match a selector, from the first; all if it is empty.
    pub fn select(self, selector: &str) {
        self.selection
            .update(|selection| selection.select(selector));
        self.turn(Turn::First);
    }
}

/// The signals that the requests write.
#[derive(Clone, Copy, Default)]
struct Signals {
    board: RwSignal<Board>,
    queue: RwSignal<Option<QueueFigures>>,
    is_paused: RwSignal<bool>,
    history: RwSignal<History>,
    consumers: RwSignal<(Vec<HeldBy>, bool)>,
    listing: RwSignal<Listing>,
    selection: RwSignal<Selection>,
}

impl Signals {
    /// Takes the figures of the queue. Returns true if its messages have changed.
    fn take_queue(self, text: &str, now_ms: Option<f64>) -> bool {
        let Ok(json) = json::read(text) else {
            return false;
        };
        let queue = QueueFigures::from_json(&json);
        let queues = Queues {
            queues: vec![queue.clone()],
            ..Queues::default()
        };
        self.board.update(|board| {
            *board = match now_ms {
                Some(now_ms) => board.after(queues, now_ms),
                None => Board::begin(Some(queues)),
            }
        });
        self.is_paused
            .set(json.member("paused") == Some(&Json::Bool(true)));
        let has_changed = self
            .queue
            .with_untracked(|own| own.as_ref() != Some(&queue));
        if has_changed {
            self.queue.set(Some(queue));
        }
        has_changed
    }

    /// Returns true if the list may be requested after each change: it is the first page, and not large.
    fn is_listing_light(self) -> bool {
        self.listing.with_untracked(|listing| {
            let size = listing
                .document
                .as_ref()
                .map_or(0, |document| document.len());
            listing.pages.is_first() && size <= LIGHT_BYTES
        })
    }
}

const PERIOD_MS: u32 = 2_000;
const HISTORY_PERIOD_MS: u32 = 60_000;
/// Maximum size of a list that is requested again and again.
const LIGHT_BYTES: usize = 256 << 10;

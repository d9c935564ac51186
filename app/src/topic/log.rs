//! The messages of one topic in the browser: the list, the subscription that continues it, the filter, and the requests for
//! earlier parts. `pages::topic` draws it.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{
    entry::Entry,
    filter,
    history::{self, Figures, Part, Place},
    tail::Tail,
};
use crate::{
    api::{self, Problem},
    browser::{self, Appointment},
    connection::{Connection, Delivery, Message, Wanted},
    explorer::Activity,
    feed,
    reactive::{GuardSlot, hold, once_live},
    site::show_parameters,
    texts,
};

#[derive(Clone, Copy)]
pub struct Log {
    topic: StoredValue<String>,
    pub tail: RwSignal<Tail>,
    pub figures: RwSignal<Figures>,
    pub activity: RwSignal<Activity>,
    /// The filter that is applied, as the reader typed it.
    pub filter: RwSignal<String>,
    pub filter_problem: RwSignal<String>,
    /// The reason why no messages can be loaded; usually empty.
    pub problem: RwSignal<String>,
    pub selected: RwSignal<Option<Arc<Entry>>>,
    /// True while the reader has paused the list with the button.
    pub is_held: RwSignal<bool>,
    /// Counts parts that begin the list anew: the page then scrolls to its beginning or end.
    pub begun: RwSignal<u64>,
    selector: StoredValue<Option<String>>,
    /// The newest sequence of the topic when the filter was applied.
    filtered_since: RwSignal<u64>,
    listening: GuardSlot,
    is_loading: StoredValue<bool>,
    is_polling: StoredValue<bool>,
    connection: Connection,
}

/// The topic, the place and the filter in the address of the page.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub topic: String,
    /// The message at which the list begins; empty for the newest messages.
    pub at: String,
    pub filter: String,
}

impl Start {
    fn place(&self) -> Place {
        match self.at.is_empty() {
            true => Place::Newest,
            false => Place::Id(self.at.clone()),
        }
    }

    /// Returns the addresses of the documents that the page shows at first: the figures and a part of the history.
    pub fn documents(&self) -> [String; 2] {
        let selector = filter::selector(&self.filter);
        let part = history::address(&self.topic, &self.place(), selector.as_deref(), PART);
        [history::figures_address(&self.topic), part]
    }
}

impl Log {
    /// Starts with the messages that came with the page, and follows the topic until the owner is dropped.
    pub fn new(start: Start) -> Self {
        let [figures, part] = start.documents().map(|address| api::carried(&address));
        let figures = figures.ok().flatten();
        let figures = figures.and_then(|document| Figures::read(&document, &start.topic));
        let refused = part.as_ref().err().map(|problem| sentence(&problem.detail));
        let part = part.ok().flatten();
        let part = part.and_then(|document| Part::read(&document));
        let place = start.place();
        let log = Self {
            selector: StoredValue::new(filter::selector(&start.filter)),
            topic: StoredValue::new(start.topic),
            filter: RwSignal::new(start.filter),
            figures: RwSignal::new(figures.unwrap_or_default()),
            tail: RwSignal::default(),
            activity: RwSignal::default(),
            filter_problem: RwSignal::default(),
            problem: RwSignal::new(refused.unwrap_or_default()),
            selected: RwSignal::default(),
            is_held: RwSignal::new(false),
            begun: RwSignal::new(0),
            filtered_since: RwSignal::new(0),
            listening: GuardSlot::new(),
            is_loading: StoredValue::new(false),
            is_polling: StoredValue::new(false),
            connection: expect_context(),
        };
        let is_carried = part.is_some();
        if let Some(part) = part {
            log.begin(part, &place);
        }
        once_live(move || {
            match is_carried {
                true => log.listen(),
                false => log.load(place.clone()),
            }
            log.poll();
            hold(Appointment::every(1_000, move || {
                if !document().hidden() {
                    log.poll();
                }
            }));
        });
        log
    }

    pub fn topic(self) -> String {
        self.topic.get_value()
    }

    fn selector(self) -> Option<String> {
        self.selector.get_value()
    }

    /// Returns the address of the kept messages that match the filter, as a file in this format.
    pub fn export(self, format: &str) -> String {
        self.filter.track();
        let selector = self.selector();
        self.with_topic(|topic| history::export_address(topic, format, selector.as_deref()))
    }

    /// Applies a filter. A filter that the server refuses changes nothing else than `filter_problem`.
    pub fn apply(self, text: String) {
        let selector = filter::selector(&text);
        let address = self
            .with_topic(|topic| history::address(topic, &Place::Newest, selector.as_deref(), PART));
        self.request(address, move |answer| match answer {
            Ok(part) => {
                self.filter_problem.set(String::new());
                self.filter.set(text);
                self.selector.set_value(selector);
                self.restart(part);
            }
            Err(problem) => self.filter_problem.set(sentence(&problem.detail)),
        });
    }

    fn restart(self, part: Part) {
        self.is_held.set(false);
        self.tail.update_untracked(|tail| *tail = Tail::default());
        self.begin(part, &Place::Newest);
        self.listen();
        self.show_address();
    }

    /// Shows a place in the history.
    pub fn go(self, place: Place) {
        self.load(place);
    }

    /// Shows the newest messages, and those that arrive from now on.
    pub fn follow(self) {
        self.is_held.set(false);
        let is_complete = self.tail.try_update(Tail::resume).unwrap_or(true);
        if !is_complete {
            self.load(Place::Newest);
        }
    }

    /// Keeps the list as it is.
    pub fn pause(self) {
        if !self.tail.with_untracked(Tail::is_paused) {
            self.tail.update(Tail::pause);
        }
    }

    /// Opens a message, and puts it into the address.
    pub fn select(self, entry: Option<Arc<Entry>>) {
        self.selected.set(entry);
        self.show_address();
    }

    /// Loads the messages before the first one of the list.
    pub fn load_older(self) {
        let first = self.tail.with_untracked(|tail| {
            let place = tail.first_examined();
            place.filter(|_| tail.has_more_before())
        });
        let Some(first) = first else { return };
        self.load_more(Place::Before(first), |tail, part| {
            tail.take_older(part);
        });
    }

    /// Loads the messages after the last one of a list that ends in the past.
    pub fn load_newer(self) {
        let last = self.tail.with_untracked(|tail| {
            let place = tail.last_examined();
            place.filter(|_| tail.is_detached())
        });
        let Some(last) = last else { return };
        self.load_more(Place::After(last), Tail::take_newer);
    }

    fn load_more(self, place: Place, take: fn(&mut Tail, Part)) {
        if self
            .is_loading
            .try_update_value(|is| std::mem::replace(is, true))
            != Some(false)
        {
            return;
        }
        let address = self.address(&place);
        self.request(address, move |answer| {
            self.is_loading.set_value(false);
            match answer {
                Ok(part) => {
                    self.problem.set(String::new());
                    self.tail.update(|tail| take(tail, part));
                }
                Err(problem) => self.problem.set(sentence(&problem.detail)),
            }
        });
    }

    /// Begins the list anew at a place.
    fn load(self, place: Place) {
        let address = self.address(&place);
        self.request(address, move |answer| match answer {
            Ok(part) => {
                self.problem.set(String::new());
                self.begin(part, &place);
                self.listen();
            }
            // The topic does not exist yet, and the visitor may read it: rights are checked first.
            Err(problem) if problem.status == NOT_FOUND => self.listen(),
            Err(problem) => self.problem.set(sentence(&problem.detail)),
        });
    }

    fn begin(self, part: Part, place: &Place) {
        let first = part.entries.first().cloned();
        // A list that begins anew counts anew.
        if self.tail.with_untracked(|tail| tail.received() == 0) {
            self.filtered_since.set(part.newest.unwrap_or_default());
        }
        let is_past = *place != Place::Newest;
        self.tail.update(|tail| {
            if is_past {
                tail.pause();
            }
            tail.begin(part);
        });
        if let Place::Id(id) = place {
            let is_found = first.as_ref().is_some_and(|entry| entry.id == *id);
            if !is_found {
                self.problem.set(texts::topic::GONE.get().into());
            }
        }
        if is_past {
            self.is_held.set(true);
            self.selected.set(first);
        }
        self.begun.update(|count| *count += 1);
    }

    /// Subscribes, unless the same subscription is active. Called only after the server has accepted a request with the same
    /// selector, because a subscription that it refuses ends the connection.
    fn listen(self) {
        let wanted = Wanted {
            topic: self.topic(),
            selector: self.selector(),
            delivery: Delivery::Every,
        };
        let seen = self.tail.with_untracked(|tail| {
            let newest = tail.newest_id().filter(|_| !tail.is_detached());
            newest.and_then(|id| id.parse().ok())
        });
        // The earlier subscription ends first.
        self.listening.clear();
        let listening = self
            .connection
            .listen(wanted, seen, move |messages| self.take(messages));
        self.listening.set(listening);
    }

    fn take(self, messages: &[Message]) {
        let missed = messages.iter().filter_map(|message| message.missed);
        let missed = missed.map(feed::count).sum();
        let entries = messages.iter().map(Entry::arrived).map(Arc::new);
        self.tail.try_update(|tail| tail.take(entries, missed));
    }

    /// Requests the figures.
    fn poll(self) {
        if self
            .is_polling
            .try_update_value(|is| std::mem::replace(is, true))
            != Some(false)
        {
            return;
        }
        let topic = self.topic();
        spawn_local(async move {
            let answer = api::get(&history::figures_address(&topic)).await;
            self.is_polling.try_set_value(false);
            let figures = answer.ok().and_then(|text| Figures::read(&text, &topic));
            let Some(figures) = figures else { return };
            self.activity
                .try_update(|activity| activity.note(figures.sequence, browser::now_ms()));
            self.figures.try_set(figures);
        });
    }

    /// Returns the number of messages since the filter was applied that it has left out.
    pub fn left_out(self) -> u64 {
        let new = self.figures.with(|figures| figures.sequence);
        let new = new.saturating_sub(self.filtered_since.get());
        self.tail.with(|tail| {
            let arrived = tail.received() + tail.missed();
            tail.left_out() + new.saturating_sub(arrived)
        })
    }

    fn show_address(self) {
        let selected = self.selected.get_untracked();
        let at = selected.map(|entry| entry.id.clone()).unwrap_or_default();
        let filter = self.filter.get_untracked();
        show_parameters(&[("at", &at), ("filter", &filter)]);
    }

    fn address(self, place: &Place) -> String {
        let selector = self.selector();
        self.with_topic(|topic| history::address(topic, place, selector.as_deref(), PART))
    }

    fn with_topic<T>(self, act: impl FnOnce(&str) -> T) -> T {
        self.topic.with_value(|topic| act(topic))
    }

    /// Requests a part of the history. The answer is ignored if the page was left meanwhile.
    fn request(self, address: String, done: impl FnOnce(Result<Part, Problem>) + 'static) {
        spawn_local(async move {
            let answer = api::get(&address).await;
            if self.is_loading.try_get_value().is_none() {
                return;
            }
            let not_understood = || Problem {
                status: 0,
                detail: texts::problem::NOT_UNDERSTOOD.get().into(),
            };
            done(answer.and_then(|text| Part::read(&text).ok_or_else(not_understood)));
        });
    }
}

/// Returns a reason of the server as a sentence.
pub fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    let end = if detail.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), characters.as_str())
}

/// Messages of one part of the history.
const PART: usize = 100;
const NOT_FOUND: u16 = 404;

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_reason_becomes_a_sentence() {
        assert_eq!(sentence("a value is missing"), "A value is missing.");
        assert_eq!(sentence("Already one."), "Already one.");
        assert_eq!(sentence(""), "");
    }
}

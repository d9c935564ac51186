//! The state that is required after a restart: a plain model of lasting queues and retained messages.

use std::collections::{BTreeMap, BTreeSet};

use broker::{Consume, Source};

use crate::{
    harness::as_filter,
    queue_harness::{Taken, durable, durable_name, queue, selector},
    shared_subscriptions::shared,
};

pub const QUEUES: [&str; 3] = ["q.a", "q.b", "q.c"];
pub const TOPICS: [&str; 3] = ["t.a", "t.b", "u"];
pub const DURABLES: [&str; 3] = ["d.a", "d.b", "d.c"];
pub const GROUPS: [&str; 2] = ["g", "h"];
pub const DEAD_LETTERS: &str = "ActiveMQ.DLQ";

/// A lasting queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Queue(&'static str),
    Durable(&'static str),
    Shared(&'static str),
}

/// A message in a lasting queue, waiting or in flight.
#[derive(Debug, Clone)]
pub struct Held {
    pub body: String,
    /// The deliveries that are certain to have been counted.
    pub deliveries: u32,
    pub is_persistent: bool,
    /// The journal has it.
    pub is_recorded: bool,
    /// 0 for never.
    pub expires_ms: u64,
}

/// The filter of a durable subscription, and its condition: the header `n` is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    pub filter: &'static str,
    pub above: Option<u64>,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub now_ms: u64,
    /// The body of the last message: bodies are numbers.
    pub bodies: u64,
    pub places: BTreeMap<Place, BTreeMap<u64, Held>>,
    pub bindings: BTreeMap<&'static str, Binding>,
    /// The retained messages: body and time of expiry.
    pub retained: BTreeMap<&'static str, (String, u64)>,
    /// Bodies of messages that may have expired: a dead letter queue may have them.
    pub loose: BTreeSet<String>,
    /// Dead letters whose position is not known yet: body, persistent.
    pub letters: Vec<(String, bool)>,
    /// Queues whose delivery is paused.
    pub paused: BTreeSet<&'static str>,
}

/// The state of a restored broker: for each lasting queue its messages by position.
pub type Found = BTreeMap<Place, BTreeMap<u64, Taken>>;

impl Model {
    /// Returns the messages of a lasting queue.
    pub fn at(&mut self, place: Place) -> &mut BTreeMap<u64, Held> {
        self.places.entry(place).or_default()
    }

    pub fn held(&self, place: Place, position: u64) -> Option<&Held> {
        self.places.get(&place)?.get(&position)
    }

    /// Adds a message to the queues that a topic feeds.
    pub fn feed(&mut self, topic: &str, number: u64, position: u64, held: &Held) {
        for (place, messages) in &mut self.places {
            let is_fed = match place {
                Place::Queue(_) => false,
                Place::Durable(name) => self.bindings[name].covers(topic, number),
                Place::Shared(group) => covers(shared_filter(group), topic),
            };
            if is_fed {
                messages.insert(position, held.clone());
            }
        }
    }

    /// Moves a message to the dead letter queue, or removes it if that is its place.
    pub fn bury(&mut self, place: Place, position: u64) {
        if let Some(held) = self.at(place).remove(&position)
            && place != Place::Queue(DEAD_LETTERS)
        {
            self.letters.push((held.body, held.is_persistent));
        }
    }

    /// Removes everything that has expired.
    pub fn expire(&mut self) {
        let now_ms = self.now_ms;
        let is_expired = |at: u64| at > 0 && at <= now_ms;
        for messages in self.places.values_mut() {
            messages.retain(|_, held| {
                let is_kept = !is_expired(held.expires_ms);
                if !is_kept {
                    self.loose.insert(held.body.clone());
                }
                is_kept
            });
        }
        self.retained.retain(|_, (_, at)| !is_expired(*at));
    }

    /// Removes what a crash loses.
    pub fn crash(&mut self) {
        for messages in self.places.values_mut() {
            messages.retain(|_, held| held.is_recorded);
        }
    }

    /// Returns the number of recorded copies of each message.
    fn copies(&self) -> BTreeMap<&str, usize> {
        let mut copies = BTreeMap::new();
        let held = self.places.values().flat_map(BTreeMap::values);
        for held in held.filter(|held| held.is_recorded && !held.body.is_empty()) {
            *copies.entry(held.body.as_str()).or_default() += 1;
        }
        copies
    }
}

impl Binding {
    pub fn covers(&self, topic: &str, number: u64) -> bool {
        covers(self.filter, topic) && self.above.is_none_or(|above| number > above)
    }

    pub fn consume(&self, name: &'static str) -> Consume<'static> {
        Consume {
            selector: self
                .above
                .and_then(|above| selector(&format!("n > {above}"))),
            ..durable(name, self.filter)
        }
    }
}

pub fn covers(filter: &str, topic: &str) -> bool {
    as_filter(filter).matches(&crate::harness::as_name(topic))
}

pub fn shared_filter(group: &str) -> &'static str {
    match group {
        "g" => "t.*",
        _ => "u",
    }
}

/// Returns a consumer of a place; the binding of a durable subscription is given.
pub fn consumer_of(place: Place, bindings: &BTreeMap<&'static str, Binding>) -> Consume<'static> {
    match place {
        Place::Queue(name) => queue(name),
        Place::Durable(name) => bindings[name].consume(name),
        Place::Shared(group) => shared(group, shared_filter(group)),
    }
}

/// Returns a consumer of a durable subscription that the journal has recorded.
pub fn recorded_durable(name: &str, filter: &str, condition: Option<&String>) -> Consume<'static> {
    Consume {
        source: Source::Durable {
            name: durable_name(name),
            filter: as_filter(filter),
            start: broker::Start::New,
        },
        selector: condition.and_then(|text| selector(text)),
        ..queue("unused")
    }
}

/// Checks what was found in the broker restored from a part of the journal: it ends between the changes of one
/// operation; `before` and `after` are the models before and after the operation.
pub fn check(found: &Found, before: &Model, after: &Model) {
    for (place, messages) in found {
        for (position, taken) in messages {
            let known = [before, after].map(|model| model.held(*place, *position));
            let known: Vec<_> = known.into_iter().flatten().collect();
            let is_known = known.iter().any(|held| held.is_recorded);
            // The position of a dead letter is not known until its operation has ended.
            let is_loose = before.loose.contains(&taken.body) || after.loose.contains(&taken.body);
            assert!(is_known || is_loose, "{place:?} has invented {taken:?}");
            for held in &known {
                assert_eq!(held.body, taken.body, "{place:?}");
            }
            if let [before, after] = known[..] {
                let least = before.deliveries.min(after.deliveries) + 1;
                let most = before.deliveries.max(after.deliveries) + 1;
                let count = taken.count;
                assert!(
                    (least..=most).contains(&count),
                    "{place:?} {taken:?} {before:?}"
                );
            }
        }
    }
    for (place, messages) in &before.places {
        for (position, held) in messages.iter().filter(|(_, held)| held.is_recorded) {
            if after.held(*place, *position).is_some() {
                let is_found = found
                    .get(place)
                    .is_some_and(|all| all.contains_key(position));
                assert!(is_found, "{place:?} has lost {position} {held:?}");
            }
        }
    }
    check_copies(found, before, after);
}

/// Checks that no message is in two places, for example in a queue and its dead letter queue.
fn check_copies(found: &Found, before: &Model, after: &Model) {
    let mut copies = BTreeMap::<&str, usize>::new();
    for taken in found.values().flat_map(BTreeMap::values) {
        *copies.entry(&taken.body).or_default() += 1;
    }
    let (before_copies, after_copies) = (before.copies(), after.copies());
    let bodies: BTreeSet<_> = before_copies.keys().chain(after_copies.keys()).collect();
    for body in bodies {
        let counts =
            [&before_copies, &after_copies].map(|all| all.get(*body).copied().unwrap_or(0));
        let range = counts[0].min(counts[1])..=counts[0].max(counts[1]);
        let count = copies.get(*body).copied().unwrap_or(0);
        let is_loose = before.loose.contains(*body) || after.loose.contains(*body);
        assert!(
            is_loose || range.contains(&count),
            "{count} copies of {body}, not {range:?}"
        );
    }
}

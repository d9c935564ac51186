//! The state of an open board: the document that came with the page, the subscriptions to its topics, the changes of this
//! reader and of others. All components of the page share it.

use broker::MessageId;
use leptos::prelude::*;

use super::{
    model::{self, Board, Tile, topics},
    reading::Batch,
    state::State,
    topic,
    values::{Source, Values},
    values_address,
};
use crate::{
    api::{self, Problem},
    browser::Appointment,
    components::words_of_problem,
    connection::{Connection, Delivery, Listening, Message, Wanted},
    poll::Poll,
    reactive::{GuardSlot, effect, hold, once_live},
};

#[derive(Clone, Copy)]
pub struct Desk {
    name: StoredValue<String>,
    pub board: RwSignal<Board>,
    pub phase: RwSignal<Phase>,
    pub saving: RwSignal<Saving>,
    pub may_write: RwSignal<bool>,
    /// The topics of the board, and the visitor's rights on them.
    sources: RwSignal<Vec<Source>>,
    values: Poll,
    /// The tag of the stored board that the shown one is based on; empty if there is none.
    pub(super) tag: StoredValue<String>,
    /// The place after which subscriptions start.
    at: StoredValue<Option<MessageId>>,
    /// The newest message with the board itself.
    board_at: StoredValue<Option<MessageId>>,
    slots: StoredValue<Vec<Slot>>,
    /// True from a request for the values until they arrive.
    lacks_values: StoredValue<bool>,
    /// The board of this reader while another person's is shown.
    pub(super) mine: StoredValue<Option<Board>>,
    pub(super) is_unsaved: StoredValue<bool>,
    pub(super) is_sending: StoredValue<bool>,
    pub(super) pause: GuardSlot,
    /// `None` on the server, which may drop a rendered page on another thread.
    listening: Option<StoredValue<Vec<(String, Listening)>, LocalStorage>>,
    connection: Connection,
}

/// A tile and what it shows.
#[derive(Clone)]
struct Slot {
    tile: Tile,
    state: ArcRwSignal<State>,
    /// The messages that have arrived before the first values of the tile; `None` when it has them.
    waiting: Option<Vec<Message>>,
}

/// The state of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    #[default]
    Loading,
    Here,
    /// There is no such board.
    Missing,
    /// The board was deleted while it was open.
    Deleted,
    /// A sentence that says why the board cannot be shown.
    Refused(String),
}

/// The state of this reader's changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Saving {
    #[default]
    Saved,
    Pending,
    /// Another person has changed the board meanwhile; theirs is shown.
    Conflict,
    /// A sentence that says why the changes are not saved.
    Failed(String),
}

impl Desk {
    /// Starts with the document that came with the page, and follows the board and its topics until the owner is dropped.
    pub fn new(name: &str) -> Self {
        let own = values_address(name);
        let first = api::carried(&own);
        let carried = first.as_ref().ok().and_then(Option::as_ref);
        let carried = carried.and_then(|text| Values::read(text));
        let has_carried = carried.is_some();
        // The request needs the desk, which has the request.
        let received = RwSignal::new(carried);
        let values = Poll::on_demand(
            move || own.clone(),
            move |text| received.set(Values::read(text)),
        );
        values.begin(first.err());
        let desk = Self {
            name: StoredValue::new(name.to_owned()),
            board: RwSignal::default(),
            phase: RwSignal::default(),
            saving: RwSignal::default(),
            may_write: RwSignal::new(false),
            sources: RwSignal::default(),
            values,
            tag: StoredValue::default(),
            at: StoredValue::new(None),
            board_at: StoredValue::new(None),
            slots: StoredValue::default(),
            lacks_values: StoredValue::new(false),
            mine: StoredValue::new(None),
            is_unsaved: StoredValue::new(false),
            is_sending: StoredValue::new(false),
            pause: GuardSlot::new(),
            listening: is_browser().then(|| StoredValue::new_local(Vec::new())),
            connection: expect_context(),
        };
        if let Some(values) = received.get_untracked() {
            desk.begin(values);
        }
        effect(move |before| {
            let values = received.get();
            if before.is_some()
                && let Some(values) = values
            {
                desk.begin(values);
            }
            if before.is_some() {
                desk.listen();
            }
        });
        effect(move |_| {
            if let Some(problem) = values.problem.get() {
                desk.fail(&problem);
            }
        });
        // The board and the rights may have changed while the page had no connection.
        let was_live = StoredValue::new(false);
        effect(move |_| {
            if desk.connection.is_live() {
                if was_live.get_value() {
                    desk.request();
                }
                was_live.set_value(true);
            }
        });
        once_live(move || {
            match has_carried {
                true => desk.listen(),
                false => desk.request(),
            }
            on_cleanup(move || desk.save_at_end());
            hold(Appointment::every(RETRY_MS, move || {
                if desk.lacks_values.get_value() && !document().hidden() {
                    desk.values.request();
                }
            }));
        });
        desk
    }

    pub fn name(self) -> String {
        self.name.get_value()
    }

    /// Returns the values of a tile.
    pub fn state(self, tile: &Tile) -> ArcRwSignal<State> {
        let known = self.slots.with_value(|slots| {
            let found = slots.iter().find(|slot| slot.tile.shows_same(tile));
            found.map(|slot| slot.state.clone())
        });
        known.unwrap_or_default()
    }

    /// Returns true if the visitor may read the topic of a tile, as far as the page knows.
    pub fn may_read(self, topic: &str) -> bool {
        self.is_allowed(topic, |source| source.may_read)
    }

    /// Returns true if the visitor may publish to the topic of a tile, as far as the page knows.
    pub fn may_publish(self, topic: &str) -> bool {
        self.is_allowed(topic, |source| source.may_publish)
    }

    fn is_allowed(self, topic: &str, is_so: fn(&Source) -> bool) -> bool {
        self.sources.with(|sources| {
            let source = sources.iter().find(|source| source.topic == topic);
            source.is_none_or(is_so)
        })
    }

    pub(super) fn request(self) {
        self.lacks_values.set_value(true);
        self.values.request();
    }

    /// A board that is shown stays; the request is made again.
    fn fail(self, problem: &Problem) {
        match problem.status {
            NOT_FOUND => {
                self.lacks_values.set_value(false);
                let was_here = |phase: &Phase| matches!(phase, Phase::Here | Phase::Deleted);
                self.phase.set(match self.phase.with_untracked(was_here) {
                    true => Phase::Deleted,
                    false => Phase::Missing,
                });
                self.tag.set_value(String::new());
                self.may_write.set(true);
                // So that a wall shows the board as soon as there is one.
                self.listen();
            }
            _ if self.phase.with_untracked(|phase| *phase == Phase::Here) => {}
            _ => self.phase.set(Phase::Refused(words_of_problem(problem))),
        }
    }

    /// Takes a document with the board and the last values.
    fn begin(self, values: Values) {
        let Values {
            board,
            tag,
            may_write,
            at,
            sources,
        } = values;
        self.lacks_values.set_value(false);
        self.at.set_value(at);
        self.may_write.set(may_write);
        if !self.has_newer_board(at) {
            self.phase.set(Phase::Here);
            if !self.has_changes() {
                self.tag.set_value(tag);
                self.show(board);
            }
        }
        self.slots.update_value(|slots| {
            for slot in slots {
                let source = sources.iter().find(|one| one.topic == slot.tile.topic);
                if let Some(source) = source {
                    slot.begin(source, at);
                }
            }
        });
        self.sources.set(sources);
    }

    /// Returns whether a message with the board, or its deletion, was shown that is newer than a document of this place.
    fn has_newer_board(self, at: Option<MessageId>) -> bool {
        let is_shown = |phase: &Phase| matches!(phase, Phase::Here | Phase::Deleted);
        let newest = self.board_at.get_value();
        self.phase.with_untracked(is_shown)
            && at.is_some_and(|at| newest.is_some_and(|newest| is_before(at, newest)))
    }

    /// Shows a board. Tiles that show the same as before keep their values; others wait for the next document.
    pub(super) fn show(self, board: Board) {
        self.slots.update_value(|slots| {
            let before = std::mem::take(slots);
            slots.extend(board.tiles.iter().map(|tile| {
                let known = before.iter().find(|slot| slot.tile.shows_same(tile));
                Slot {
                    tile: tile.clone(),
                    ..known.cloned().unwrap_or_default()
                }
            }));
        });
        if self.board.with_untracked(|own| *own != board) {
            self.board.set(board);
        }
    }

    /// Takes the board as another person has saved it.
    fn adopt(self, body: &str) {
        if self.has_changes() || model::tag(body) == self.tag.get_value() {
            // A conflict is found when this reader's change is saved.
            return;
        }
        let Ok(board) = Board::read(body) else { return };
        self.tag.set_value(model::tag(body));
        self.phase.set(Phase::Here);
        self.show(board);
        self.complete();
    }

    /// Requests the values of new tiles, and the rights on their topics; ends the subscriptions to others.
    pub(super) fn complete(self) {
        let is_complete = self
            .slots
            .with_value(|slots| slots.iter().all(|slot| slot.waiting.is_none()));
        match is_complete {
            true => self.listen(),
            false => self.request(),
        }
    }

    /// Subscribes to the board and to the topics of its tiles that the visitor may read, and ends other subscriptions.
    fn listen(self) {
        let Some(place) = self.listening else {
            return;
        };
        let mut wanted = self.read_topics();
        place.update_value(|listening| {
            let is_wanted = |topic: &String| *topic == OWN || wanted.contains(topic);
            listening.retain(|(topic, _)| is_wanted(topic));
            wanted.insert(0, OWN.into());
            wanted.retain(|topic| listening.iter().all(|(own, _)| own != topic));
        });
        let at = self.at.get_value();
        for key in wanted {
            let is_own = key == OWN;
            let topic = if is_own {
                topic(&self.name())
            } else {
                key.clone()
            };
            let of = key.clone();
            let listener = move |messages: &[Message]| match is_own {
                true => self.take_board(messages),
                false => self.take(&of, messages),
            };
            let wanted = Wanted::new(&topic, Delivery::Every);
            let guard = self.connection.listen(wanted, at, listener);
            place.update_value(|listening| listening.push((key, guard)));
        }
    }

    /// Returns the topics that tiles show and the visitor may read.
    fn read_topics(self) -> Vec<String> {
        let tiles = self.board.with_untracked(|board| board.tiles.clone());
        let reading: Vec<_> = tiles.into_iter().filter(|tile| tile.kind.reads()).collect();
        self.sources.with_untracked(|sources| {
            let may_read = |topic: &&str| {
                let source = sources.iter().find(|source| source.topic == *topic);
                source.is_some_and(|source| source.may_read)
            };
            let topics = topics(&reading).into_iter().filter(may_read);
            topics.map(str::to_owned).collect()
        })
    }

    fn take_board(self, messages: &[Message]) {
        let Some(newest) = messages.last() else {
            return;
        };
        self.board_at.set_value(Some(newest.id));
        if !newest.body.is_empty() {
            return self.adopt(&newest.replaced_text());
        }
        if self.phase.with_untracked(|phase| *phase == Phase::Here) {
            self.tag.set_value(String::new());
            self.phase.set(Phase::Deleted);
        }
    }

    /// Passes the messages of a frame to the tiles of their topic.
    fn take(self, topic: &str, messages: &[Message]) {
        let batch = Batch::new(messages);
        self.slots.update_value(|slots| {
            for slot in slots.iter_mut().filter(|slot| slot.tile.topic == topic) {
                slot.take(messages, &batch);
            }
        });
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            tile: Tile::default(),
            state: ArcRwSignal::default(),
            waiting: Some(Vec::new()),
        }
    }
}

impl Slot {
    /// Takes the first values, and then the messages that are newer.
    fn begin(&mut self, source: &Source, at: Option<MessageId>) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        if !self.tile.kind.reads() {
            return;
        }
        let mut state = State::begin(&self.tile, &source.messages);
        // Messages of another run of the broker are newer.
        let is_newer =
            |message: &Message| at.is_none_or(|at| message.id != at && !is_before(message.id, at));
        let newer: Vec<_> = waiting.into_iter().filter(is_newer).collect();
        state.take(&self.tile, &Batch::new(&newer));
        self.state.set(state);
    }

    fn take(&mut self, messages: &[Message], batch: &Batch<'_>) {
        match &mut self.waiting {
            None => self.state.update(|state| state.take(&self.tile, batch)),
            Some(waiting) => {
                waiting.extend_from_slice(messages);
                let surplus = waiting.len().saturating_sub(MOST_WAITING);
                waiting.drain(..surplus);
            }
        }
    }
}

/// Returns whether a message is earlier than another one of the same run of the broker.
fn is_before(one: MessageId, other: MessageId) -> bool {
    one.epoch == other.epoch && one.position < other.position
}

/// The key of the subscription to the board itself; no topic has this name.
const OWN: &str = "";
/// Messages that wait for the first values of a tile, which take one request; older ones are left out.
const MOST_WAITING: usize = 500;
/// Time after which values are requested again.
const RETRY_MS: u32 = 3_000;
const NOT_FOUND: u16 = 404;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_one_run_are_in_order() {
        let id = |epoch, position| MessageId { epoch, position };
        assert!(is_before(id(1, 1), id(1, 2)));
        assert!(!is_before(id(1, 2), id(1, 2)));
        assert!(!is_before(id(1, 3), id(1, 2)));
        assert!(!is_before(id(1, 1), id(2, 2)));
    }
}

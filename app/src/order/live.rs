//! The run over this server: subscribers with connections of their own, and the notes that open pages exchange. `producers`
//! publishes the run; `board` and `others` have the state that is compared; this module moves the messages.
//!
//! The producers are those of the page where a run is started. The subscribers of every open page receive it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use leptos::prelude::*;

use super::{
    board::{Board, Glance},
    comparison::Verdict,
    message::{Note, PAGES, TOPIC},
    others::{Other, Others},
    producers::{Producers, Progress},
    rights::Denied,
    settings::{MOST, Settings},
};
use crate::{
    browser::{self, Appointment},
    connection::{Connection, Delivery, Listening, Message, Wanted},
    reactive::{effect, once_live},
};

/// A handle to the run and its columns.
#[derive(Clone, Copy)]
pub struct Live {
    /// The columns as they are drawn.
    pub picture: RwSignal<Picture>,
    pub progress: RwSignal<Progress>,
    /// The connections of the subscribers; those in use are the first ones.
    pub subscribers: [Connection; MOST],
    /// `None` on the server, which runs nothing.
    work: Option<StoredValue<Rc<Work>, LocalStorage>>,
}

/// The columns of this page, and those of other pages, as they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub columns: Vec<Glance>,
    pub verdict: Verdict,
    /// True if every subscriber has all messages of the run.
    pub is_complete: bool,
    pub others: Vec<Other>,
    pub has_more_others: bool,
}

struct Work {
    me: Weak<Self>,
    settings: RwSignal<Settings>,
    denied: Denied,
    picture: RwSignal<Picture>,
    /// The name of this page among the open ones.
    page: String,
    subscribers: [Connection; MOST],
    listening: RefCell<[Option<Listening>; MOST]>,
    producers: Rc<Producers>,
    /// The connection for the notes.
    meeting: Connection,
    meeting_heard: RefCell<Option<Listening>>,
    board: RefCell<Board>,
    others: RefCell<Others>,
    /// The next drawing; `None` if nothing has changed since the last.
    drawing: RefCell<Option<Appointment>>,
    steps: RefCell<Option<Appointment>>,
    /// The time of the last note.
    noted_ms: Cell<f64>,
}

impl Live {
    pub fn new(settings: RwSignal<Settings>, denied: Denied) -> Self {
        let columns = settings.with_untracked(|settings| settings.subscribers);
        let picture = RwSignal::new(Picture {
            columns: vec![Glance::default(); columns],
            verdict: Verdict::Nothing,
            is_complete: false,
            others: Vec::new(),
            has_more_others: false,
        });
        let progress = RwSignal::new(Progress::Ready);
        let subscribers = [(); MOST].map(|()| Connection::new());
        let work = || {
            Rc::new_cyclic(|me| Work {
                me: me.clone(),
                settings,
                denied,
                picture,
                page: browser::random_id(),
                subscribers,
                listening: RefCell::default(),
                producers: Producers::new(progress),
                meeting: Connection::new(),
                meeting_heard: RefCell::default(),
                board: RefCell::default(),
                others: RefCell::default(),
                drawing: RefCell::default(),
                steps: RefCell::default(),
                noted_ms: Cell::default(),
            })
        };
        let live = Self {
            picture,
            progress,
            subscribers,
            work: is_browser().then(|| StoredValue::new_local(work())),
        };
        once_live(move || live.with_work(Work::meet));
        effect(move |_| {
            let count = settings.with(|settings| settings.subscribers);
            live.with_work(|work| work.attend(count));
        });
        live
    }

    /// Starts the producers of this page.
    pub fn start(self) {
        self.with_work(|work| {
            if !work.denied.write {
                let settings = work.settings.get_untracked();
                work.producers.start(&settings);
            }
        });
    }

    /// Stops the producers of this page.
    pub fn stop(self) {
        self.with_work(|work| work.producers.stop());
    }

    fn with_work(self, act: impl FnOnce(&Work)) {
        if let Some(work) = self.work.and_then(|work| work.try_get_value()) {
            act(&work);
        }
    }
}

impl Work {
    /// Finds the other pages, and begins the steps that repeat.
    fn meet(&self) {
        let me = self.me.clone();
        self.steps
            .replace(Some(Appointment::every(STEP_MS, move || {
                with(&me, Self::step);
            })));
        if self.denied.read {
            return;
        }
        self.meeting.open();
        let me = self.me.clone();
        let wanted = Wanted::new(PAGES, Delivery::New);
        let heard = self.meeting.listen(wanted, None, move |messages| {
            with(&me, |work| work.hear_of_pages(messages));
        });
        self.meeting_heard.replace(Some(heard));
    }

    /// Opens and closes connections, so that this number of subscribers is there.
    fn attend(&self, count: usize) {
        if self.denied.read {
            return;
        }
        for (index, connection) in self.subscribers.iter().enumerate() {
            let listening = &mut self.listening.borrow_mut()[index];
            match (index < count, listening.is_some()) {
                (true, false) => {
                    connection.open();
                    let me = self.me.clone();
                    let wanted = Wanted::new(TOPIC, Delivery::New);
                    let heard = connection.listen(wanted, None, move |messages| {
                        with(&me, |work| work.receive(index, messages));
                    });
                    *listening = Some(heard);
                }
                (false, true) => {
                    *listening = None;
                    connection.close();
                    self.board.borrow_mut().leave(index);
                }
                _ => {}
            }
        }
        self.changed();
    }

    fn receive(&self, subscriber: usize, messages: &[Message]) {
        let is_slow = self
            .settings
            .with_untracked(|settings| settings.slow[subscriber]);
        self.board.borrow_mut().take(subscriber, messages, is_slow);
        self.changed();
        // The timers of a hidden window may be a minute apart.
        self.share();
    }

    fn hear_of_pages(&self, messages: &[Message]) {
        let now_ms = browser::now_ms();
        for note in messages
            .iter()
            .filter_map(|message| message.text().and_then(Note::read))
        {
            if note.page != self.page {
                self.others.borrow_mut().take(note, now_ms);
            }
        }
        self.changed();
    }

    /// Runs every [`STEP_MS`].
    fn step(&self) {
        let slow = self.settings.with_untracked(|settings| settings.slow);
        if self.board.borrow_mut().step(slow) {
            self.changed();
        }
        self.producers.step();
        self.share();
    }

    /// Publishes what this page has received, for the other pages, about once a second.
    fn share(&self) {
        let now_ms = browser::now_ms();
        if now_ms - self.noted_ms.get() < NOTE_MS {
            return;
        }
        self.noted_ms.set(now_ms);
        self.others.borrow_mut().forget_silent(now_ms);
        self.changed();
        if self.denied.read || self.denied.write {
            return;
        }
        let board = self.board.borrow();
        let note = Note {
            page: self.page.clone(),
            run: board.run().map(|run| run.id.clone()).unwrap_or_default(),
            claims: board.claims(),
        };
        drop(board);
        // A note that is not sent or is refused needs nothing: the next one follows in a second.
        let _ = self
            .meeting
            .publish(&destination(PAGES), &note.write(), |_| ());
    }

    /// Draws the columns soon.
    fn changed(&self) {
        let mut drawing = self.drawing.borrow_mut();
        if drawing.is_none() {
            let me = self.me.clone();
            *drawing = Some(Appointment::after(DRAW_MS, move || with(&me, Self::draw)));
        }
    }

    fn draw(&self) {
        self.drawing.replace(None);
        let count = self
            .settings
            .with_untracked(|settings| settings.subscribers);
        let (board, others) = (self.board.borrow(), self.others.borrow());
        let run = board.run().map_or("", |run| &run.id);
        let picture = Picture {
            columns: board.glances(count),
            verdict: board.verdict(),
            is_complete: board.is_complete(count),
            others: others.compared(run, board.longest()),
            has_more_others: others.has_more(),
        };
        if self.picture.with_untracked(|own| *own != picture) {
            self.picture.set(picture);
        }
    }
}

/// Calls `act`, unless the page has been left.
fn with(me: &Weak<Work>, act: impl FnOnce(&Work)) {
    if let Some(work) = me.upgrade() {
        act(&work);
    }
}

/// Returns a topic as a destination of STOMP.
pub fn destination(topic: &str) -> String {
    format!("/topic/{topic}")
}

/// The pause of a slow subscriber between two messages.
const STEP_MS: u32 = 150;
/// The pause between two notes.
const NOTE_MS: f64 = 1_000.0;
/// The pause between two drawings: a reader cannot follow more.
const DRAW_MS: u32 = 100;

//! The connection to the broker: opens the socket, drives wire's client state machine over it, sends heart-beats, and
//! reconnects after a loss. Single-threaded, like everything in a page.
//!
//! `subscriptions` keeps the subscriptions; `inbox` decides when messages reach the screen.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use broker::MessageId;
use leptos::{
    prelude::{RwSignal, Set, WithUntracked, window},
    task::spawn_local,
};
use wire::stomp::{
    Due,
    client::{Client, Connect, Event, Send},
};

use super::{
    Listener, Message, Outcome, State, Wanted,
    backoff::Backoff,
    inbox::Inbox,
    receipts::{Receipts, Told},
    refusal,
    socket::{Peer, Socket},
    subscriptions::{Place, Subscriptions},
    talk::{Talk, clock, subscribe},
};
use crate::{
    browser::{self, Appointment},
    texts,
};

pub struct Link {
    me: Weak<Self>,
    state: RwSignal<State>,
    /// The reason why the server refuses this page; empty unless it refuses.
    refusal: RwSignal<String>,
    /// True while the reason is being requested.
    is_asking: Cell<bool>,
    talk: RefCell<Option<Talk>>,
    subscriptions: RefCell<Subscriptions>,
    receipts: RefCell<Receipts>,
    inbox: RefCell<Inbox>,
    backoff: Cell<Backoff>,
    retry: RefCell<Option<Appointment>>,
}

/// The reason why a publication was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    Offline,
    /// The broker is slower than the page, or not reachable now.
    Backlog,
}

impl Link {
    pub fn new(state: RwSignal<State>, refusal: RwSignal<String>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            state,
            refusal,
            is_asking: Cell::default(),
            talk: RefCell::default(),
            subscriptions: RefCell::default(),
            receipts: RefCell::default(),
            inbox: RefCell::default(),
            backoff: Cell::default(),
            retry: RefCell::default(),
        })
    }

    /// Connects, unless a connection is open or being opened.
    pub fn open(&self) {
        if self.talk.borrow().is_some() {
            return;
        }
        self.retry.replace(None);
        let again = self
            .state
            .with_untracked(|state| matches!(state, State::Lost { .. }));
        self.state.set(State::Connecting { again });
        match Socket::open(&Ear(self.me.clone())) {
            Ok(socket) => {
                let me = self.me.clone();
                let beat = move || {
                    if let Some(link) = me.upgrade() {
                        link.beat();
                    }
                };
                self.talk.replace(Some(Talk::new(socket, beat)));
            }
            Err(_) => self.lost(texts::page::BROWSER_REFUSES.get().into()),
        }
    }

    /// Closes the connection and does not open it again by itself. The outcome of unanswered publications is unknown.
    pub fn close(&self) {
        self.retry.replace(None);
        if self.talk.take().is_some() {
            self.subscriptions.borrow_mut().lost();
        }
        self.refusal.set(String::new());
        self.state.set(State::Idle);
        self.give_up_receipts();
    }

    /// Checks the connection after an event that may concern it: the network has changed, or the page is visible again.
    pub fn check(&self) {
        self.open();
        self.beat();
    }

    pub fn listen(&self, wanted: Wanted, seen: Option<MessageId>, listener: Listener) -> Place {
        let (place, request) = self.subscriptions.borrow_mut().add(wanted, seen, listener);
        if let Some(request) = request {
            self.say(|client, out| subscribe(client, &request, out));
        }
        place
    }

    pub fn leave(&self, place: Place) {
        let ended = self.subscriptions.borrow_mut().remove(place);
        if let Some(id) = ended {
            self.say(|client, out| client.unsubscribe(&id, None, out));
        }
    }

    /// Publishes JSON, and passes the result to the callback, unless this function returns an error.
    pub fn publish(&self, destination: &str, json: &str, told: Told) -> Result<(), NotSent> {
        let talk = self.talk.borrow();
        let live = talk.as_ref().filter(|talk| talk.client.is_connected());
        let backlog = live.ok_or(NotSent::Offline)?.socket.backlog_bytes();
        drop(talk);
        if backlog > MOST_BACKLOG_BYTES {
            return Err(NotSent::Backlog);
        }
        let receipt = self
            .receipts
            .borrow_mut()
            .await_one(told)
            .ok_or(NotSent::Backlog)?;
        let send = Send {
            destination,
            content_type: Some("application/json"),
            receipt: Some(&receipt),
            body: json.as_bytes(),
            ..Send::default()
        };
        self.say(|client, out| client.send(&send, out));
        Ok(())
    }

    /// Writes and sends at once. Sends nothing before the handshake is complete; the handshake requests all
    /// subscriptions again.
    fn say(&self, write: impl FnOnce(&Client, &mut Vec<u8>)) {
        if let Some(talk) = &mut *self.talk.borrow_mut()
            && talk.client.is_connected()
        {
            talk.say(write);
        }
    }

    fn opened(&self) {
        let host = window().location().host().unwrap_or_default();
        if let Some(talk) = &mut *self.talk.borrow_mut() {
            talk.was_open = true;
            let connect = Connect {
                host: &host,
                ..Connect::default()
            };
            talk.say(|client, out| client.connect(&connect, out));
        }
    }

    /// Handles a closed socket. A socket that was never open may have been refused.
    fn closed(&self, reason: String) {
        let was_open = self.with_talk(|talk| talk.was_open).unwrap_or_default();
        self.lost(reason);
        if !was_open {
            self.ask_for_refusal();
        }
    }

    fn ask_for_refusal(&self) {
        if self.is_asking.replace(true) {
            return;
        }
        let me = self.me.clone();
        spawn_local(async move {
            let reason = refusal::reason().await;
            let Some(link) = me.upgrade() else { return };
            link.is_asking.set(false);
            if link.state.with_untracked(|state| *state != State::Live) {
                link.refusal.set(reason.unwrap_or_default());
            }
        });
    }

    fn received(&self, bytes: &[u8]) {
        // Taken out while it is read, because a handler of a message may want to send.
        let Some(mut unread) = self.with_talk(|talk| {
            talk.client.received(clock());
            std::mem::take(&mut talk.unread)
        }) else {
            return;
        };
        unread.extend_from_slice(bytes);
        let mut start = 0;
        let ended = loop {
            match self.read_one(&unread[start..]) {
                Ok(0) => break None,
                Ok(length) => start += length,
                Err(reason) => break Some(reason),
            }
        };
        if let Some(reason) = ended {
            return self.lost(reason);
        }
        unread.drain(..start);
        self.with_talk(|talk| talk.unread = unread);
        self.beat();
        if self.inbox.borrow().is_full() {
            self.deliver();
        }
    }

    /// Reads one item. Returns its length, or 0 if the item is not complete yet.
    ///
    /// # Errors
    ///
    /// Returns the reason to close the connection.
    fn read_one(&self, bytes: &[u8]) -> Result<usize, String> {
        let read = self.with_talk(|talk| talk.read(bytes)).transpose()?;
        let Some((event, length)) = read.flatten() else {
            return Ok(0);
        };
        match event {
            Event::Connected(_) => self.connected(),
            Event::Message(message) => {
                self.queue(&message.subscription, Message::read(&message));
            }
            Event::Receipt(receipt) => self.told(&receipt, Outcome::Accepted),
            Event::Error(error) => {
                let reason = error.message.as_deref().unwrap_or(&error.body).to_owned();
                if let Some(receipt) = &error.receipt_id {
                    self.told(receipt, Outcome::Refused(reason.clone()));
                }
                return Err(reason);
            }
            Event::HeartBeat => {}
        }
        Ok(length)
    }

    fn connected(&self) {
        let requests = self.subscriptions.borrow().requests();
        self.say(|client, out| {
            for request in &requests {
                subscribe(client, request, out);
            }
        });
        self.refusal.set(String::new());
        self.state.set(State::Live);
    }

    fn queue(&self, subscription: &str, message: Option<Message>) {
        let Some(message) = message else { return };
        if self
            .subscriptions
            .borrow_mut()
            .note(subscription, message.id)
        {
            let me = self.me.clone();
            let deliver = move || {
                if let Some(link) = me.upgrade() {
                    link.deliver();
                }
            };
            self.inbox.borrow_mut().push(subscription, message, deliver);
        }
    }

    fn deliver(&self) {
        let waiting = self.inbox.borrow_mut().take();
        for (subscription, messages) in waiting {
            let listeners = self.subscriptions.borrow().listeners(&subscription);
            for listener in listeners {
                listener(&messages);
            }
        }
    }

    fn told(&self, receipt: &str, outcome: Outcome) {
        let told = self.receipts.borrow_mut().arrived(receipt);
        if let Some(told) = told {
            told(outcome);
        }
    }

    /// Sends a heart-beat that is due, or closes the connection if the server is silent.
    fn beat(&self) {
        let due = self.with_talk(|talk| match talk.client.on_deadline(clock()) {
            Due::HeartBeat => {
                talk.say(Client::heart_beat);
                Due::Nothing
            }
            due => due,
        });
        match due {
            Some(Due::PeerSilent { .. }) => self.lost(texts::page::SILENT.get().into()),
            Some(Due::HandshakeOverdue) => self.lost(texts::page::NO_ANSWER.get().into()),
            _ => {}
        }
    }

    /// Closes the connection and schedules the next attempt.
    fn lost(&self, reason: String) {
        let talk = self.talk.take();
        let live_since = talk.and_then(|talk| talk.live_since_ms);
        if live_since.is_some() {
            self.subscriptions.borrow_mut().lost();
        }
        let mut backoff = self.backoff.get();
        if live_since.is_some_and(|since| browser::now_ms() - since > PROVED_MS) {
            backoff.reset();
        }
        let pause_ms = backoff.pause_ms(browser::chance());
        self.backoff.set(backoff);
        let me = self.me.clone();
        self.retry
            .replace(Some(Appointment::after(pause_ms, move || {
                if let Some(link) = me.upgrade() {
                    link.open();
                }
            })));
        let retry_at_ms = browser::now_ms() + f64::from(pause_ms);
        self.state.set(State::Lost {
            reason,
            retry_at_ms,
        });
        self.give_up_receipts();
    }

    fn give_up_receipts(&self) {
        let unanswered = self.receipts.borrow_mut().lost();
        for told in unanswered {
            told(Outcome::Unknown);
        }
    }

    fn with_talk<T>(&self, act: impl FnOnce(&mut Talk) -> T) -> Option<T> {
        self.talk.borrow_mut().as_mut().map(act)
    }
}

/// A reference from the socket to the link; the socket does not keep the link alive.
#[derive(Clone)]
struct Ear(Weak<Link>);

impl Peer for Ear {
    fn opened(&self) {
        if let Some(link) = self.0.upgrade() {
            link.opened();
        }
    }

    fn received(&self, bytes: &[u8]) {
        if let Some(link) = self.0.upgrade() {
            link.received(bytes);
        }
    }

    fn closed(&self, reason: String) {
        if let Some(link) = self.0.upgrade() {
            link.closed(reason);
        }
    }
}

/// A connection that lived this long has proved to work, so the next loss starts a new backoff.
const PROVED_MS: f64 = 5_000.0;
/// Maximum number of bytes that the browser buffers for a server that does not read.
const MOST_BACKLOG_BYTES: u32 = 1 << 20;

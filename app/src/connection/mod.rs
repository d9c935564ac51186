//! The page's one connection to the broker, a STOMP 1.2 client like any other: opened by the root,
//! shared by every page, and alive as long as the document.
//!
//! On the server there is none; its state stays [`State::Idle`], and so it begins in the browser.

mod backoff;
mod inbox;
mod link;
mod message;
mod receipts;
mod refusal;
mod socket;
mod subscriptions;
mod talk;

use std::rc::Rc;

use broker::MessageId;
use leptos::prelude::*;

use link::Link;
pub use link::NotSent;
pub use message::{Message, Missed};
pub use receipts::Outcome;
pub use subscriptions::Delivery;
use subscriptions::{Listener, Place};

/// What there is to say about the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not begun: the page is as the server rendered it.
    Idle,
    Connecting {
        /// There was a connection, or an attempt, that was lost.
        again: bool,
    },
    Live,
    Lost {
        /// What the server or the browser said about it; may be empty.
        reason: String,
        /// On the clock of `browser::now_ms`.
        retry_at_ms: f64,
    },
}

/// A handle to the connection; a context of every component.
#[derive(Clone, Copy)]
pub struct Connection {
    state: RwSignal<State>,
    refusal: RwSignal<String>,
    link: Option<StoredValue<Rc<Link>, LocalStorage>>,
}

impl Connection {
    /// The connection, not yet opened.
    pub fn new() -> Self {
        let state = RwSignal::new(State::Idle);
        let refusal = RwSignal::new(String::new());
        let link = is_browser().then(|| StoredValue::new_local(Link::new(state, refusal)));
        Self {
            state,
            refusal,
            link,
        }
    }

    /// Returns why the server does not let this page connect, in its own words; empty unless it
    /// refuses.
    pub fn refusal(self) -> String {
        self.refusal.get()
    }

    pub fn state(self) -> State {
        self.state.get()
    }

    pub fn is_live(self) -> bool {
        self.state.with(|state| *state == State::Live)
    }

    /// Lost, or on its way back.
    pub fn is_lost(self) -> bool {
        use State::{Connecting, Lost};
        self.state
            .with(|state| matches!(state, Lost { .. } | Connecting { again: true }))
    }

    /// Connects now, whatever the next attempt's appointment was.
    pub fn open(self) {
        self.with_link(|link| link.open());
    }

    /// Connects if the connection was lost, and makes sure of it if not.
    pub fn check(self) {
        self.with_link(|link| link.check());
    }

    /// Listens until the guard is dropped. Starts after `seen`, or with the topic's last image, or
    /// where `delivery` says.
    pub fn listen(
        self,
        topic: &'static str,
        delivery: Delivery,
        seen: Option<MessageId>,
        listener: impl Fn(&[Message]) + 'static,
    ) -> Listening {
        let listener: Listener = Rc::new(listener);
        let place = self.with_link(|link| link.listen(topic, delivery, seen, listener));
        Listening {
            connection: self,
            place,
        }
    }

    /// Publishes JSON to a STOMP destination. `told` learns what became of it, unless it was not sent.
    ///
    /// # Errors
    ///
    /// Nothing was sent, and nothing will be: a publication does not wait for a connection.
    pub fn publish(
        self,
        destination: &str,
        json: &str,
        told: impl FnOnce(Outcome) + 'static,
    ) -> Result<(), NotSent> {
        let told = Box::new(told);
        self.with_link(|link| link.publish(destination, json, told))
            .unwrap_or(Err(NotSent::Offline))
    }

    /// The link is taken out of its store first: what is called may use this connection itself.
    fn with_link<T>(self, act: impl FnOnce(&Link) -> T) -> Option<T> {
        let link = self.link?.try_get_value()?;
        Some(act(&link))
    }
}

/// Keeps a listener listening.
#[must_use]
pub struct Listening {
    connection: Connection,
    place: Option<Place>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.connection.with_link(|link| link.leave(place));
        }
    }
}

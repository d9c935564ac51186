//! Connections to the broker, as a standard STOMP 1.2 client. The page has one that the root component opens, that all
//! pages share, and that is open as long as the document exists. `/order` opens further ones, a connection for each of its
//! producers and subscribers.
//!
//! The server opens no connection; there the state stays [`State::Idle`], which is also the first state in the browser.

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
pub use subscriptions::{Delivery, Wanted};
use subscriptions::{Listener, Place};

use crate::visitor::DENIED_ATTRIBUTE;

/// The state of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not started: the page is as the server rendered it.
    Idle,
    Connecting {
        /// True after an earlier connection or attempt was lost.
        again: bool,
    },
    Live,
    Lost {
        /// The reason that the server or the browser gave; may be empty.
        reason: String,
        /// The time of the next attempt, on the clock of `browser::now_ms`.
        retry_at_ms: f64,
    },
}

/// A handle to the connection; every component has it as a context.
#[derive(Clone, Copy)]
pub struct Connection {
    state: RwSignal<State>,
    refusal: RwSignal<String>,
    link: Option<StoredValue<Rc<Link>, LocalStorage>>,
}

impl Connection {
    /// Returns a connection that is not open yet.
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

    /// Returns the server's reason for refusing this page; empty unless the server refuses.
    pub fn refusal(self) -> String {
        self.refusal.get()
    }

    pub fn state(self) -> State {
        self.state.get()
    }

    pub fn is_live(self) -> bool {
        self.state.with(|state| *state == State::Live)
    }

    /// Returns true if the connection is lost or being restored.
    pub fn is_lost(self) -> bool {
        use State::{Connecting, Lost};
        self.state
            .with(|state| matches!(state, Lost { .. } | Connecting { again: true }))
    }

    /// Connects now, without waiting for the time of the next attempt.
    pub fn open(self) {
        self.with_link(|link| link.open());
    }

    /// Closes the connection; the state is then [`State::Idle`] until it is opened again.
    pub fn close(self) {
        self.with_link(Link::close);
    }

    /// Connects if the connection was lost; otherwise checks that it still works.
    pub fn check(self) {
        self.with_link(|link| link.check());
    }

    /// Subscribes until the guard is dropped. Starts after `seen`, or with the topic's last image, or at the position
    /// that its delivery mode gives. Does nothing if the visitor may not read the topic: the request would end the connection.
    pub fn listen(
        self,
        wanted: Wanted,
        seen: Option<MessageId>,
        listener: impl Fn(&[Message]) + 'static,
    ) -> Listening {
        let listener: Listener = Rc::new(listener);
        let place = match is_denied(&wanted.topic) {
            true => None,
            false => self.with_link(|link| link.listen(wanted, seen, listener)),
        };
        Listening {
            connection: self,
            place,
        }
    }

    /// Publishes JSON to a STOMP destination, and passes the result to the callback, unless this function returns an error.
    ///
    /// # Errors
    ///
    /// Nothing was sent, and nothing will be sent: a publication does not wait for a connection.
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

    /// The link is taken out of its store first, because `act` may use this connection.
    fn with_link<T>(self, act: impl FnOnce(&Link) -> T) -> Option<T> {
        let link = self.link?.try_get_value()?;
        Some(act(&link))
    }
}

/// Returns whether the server has noted in the document that the visitor may not read a topic.
fn is_denied(topic: &str) -> bool {
    if !is_browser() {
        return false;
    }
    let document = document().document_element();
    let denied = document.and_then(|html| html.get_attribute(DENIED_ATTRIBUTE));
    denied.is_some_and(|denied| denied.split(' ').any(|one| one == topic))
}

/// A guard that keeps a listener subscribed.
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

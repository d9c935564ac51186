//! Publishing from a tile: one request at a time. While one is under way only the newest value waits, so a slider that is
//! moved does not fill the network, and its last value is always published.

use leptos::{prelude::*, task::spawn_local};

use super::model::Tile;
use crate::{
    address::encoded,
    api::{self, Request},
    browser,
    components::words_of_problem,
    json,
    stopped::has_stopped,
};

#[derive(Clone, Copy)]
pub struct Sender {
    pub outcome: RwSignal<Outcome>,
    address: StoredValue<String>,
    waiting: StoredValue<Option<String>>,
    is_busy: RwSignal<bool>,
}

/// The result of the newest publication.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outcome {
    #[default]
    Nothing,
    /// Published at this time.
    Sent(f64),
    /// A sentence that says why it was refused.
    Refused(String),
}

impl Sender {
    pub fn new(tile: &Tile) -> Self {
        let query = if tile.retain { "?retain=true" } else { "" };
        Self {
            outcome: RwSignal::default(),
            address: StoredValue::new(format!("api/topics/{}{query}", encoded(&tile.topic))),
            waiting: StoredValue::new(None),
            is_busy: RwSignal::new(false),
        }
    }

    pub fn is_busy(self) -> bool {
        self.is_busy.get()
    }

    /// Publishes a body, after the publication that is under way.
    pub fn send(self, body: String) {
        self.waiting.set_value(Some(body));
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        spawn_local(async move {
            while let Some(Some(body)) = self.waiting.try_update_value(Option::take) {
                let outcome = publish(&self.address.get_value(), &body).await;
                // The tile may have been removed.
                if has_stopped() || self.outcome.is_disposed() {
                    return;
                }
                self.outcome.set(outcome);
            }
            self.is_busy.try_set(false);
        });
    }
}

async fn publish(address: &str, body: &str) -> Outcome {
    let content_type = match json::read(body) {
        Ok(_) => "application/json",
        Err(_) => "text/plain",
    };
    let answer = api::send(Request {
        method: "POST",
        address,
        headers: vec![("content-type".into(), content_type.into())],
        body: body.as_bytes(),
    })
    .await;
    match answer {
        Ok(_) => Outcome::Sent(browser::unix_ms()),
        Err(problem) => Outcome::Refused(words_of_problem(&problem)),
    }
}

//! The open connections. Pure.

use super::List;
use crate::{
    change::Change,
    figures::{duration, grouped},
    host::{number, text, whole},
    json::{self, Json},
    rate::rounded,
    texts,
};

/// A connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peer {
    pub id: u64,
    /// The broker's name of its session.
    pub name: String,
    pub protocol: String,
    pub address: String,
    pub user: String,
    pub client: String,
    /// The time of its start, Unix time in seconds.
    pub since_s: u64,
    pub subscriptions: u64,
    pub delivered: u64,
    /// Messages that it did not get, because it lagged too much.
    pub skipped: u64,
    /// Messages that it has not read yet.
    pub lag: u64,
    /// Messages in a second that it gets, and that it publishes.
    pub delivered_per_second: f64,
    pub published_per_second: f64,
}

/// The shown connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peers {
    pub list: List<Peer>,
    /// The number of all connections.
    pub total: u64,
}

impl Peers {
    pub fn take(&mut self, document: &str) {
        self.list.take(document, "connections", Peer::from_json);
        if let Ok(json) = json::read(document) {
            self.total = whole(&json, "total");
        }
    }

    pub fn find(&self, id: u64) -> Option<&Peer> {
        self.list.items.iter().find(|peer| peer.id == id)
    }

    /// Returns the number of the connections in words.
    pub fn summary(&self, contained: &str) -> String {
        let shown = self.list.items.len() as u64;
        match (self.list.has_arrived, contained.is_empty()) {
            (false, _) => texts::connections::WAITING.get().into(),
            (true, false) if shown == 0 => texts::connections::NO_MATCH.get().into(),
            (true, false) => {
                texts::connections::MATCHING.with(&[&grouped(shown), &grouped(self.total)])
            }
            (true, true) if self.total == 1 => texts::connections::ONE.get().into(),
            (true, true) => texts::connections::COUNT.with(&[&grouped(self.total)]),
        }
    }
}

impl Peer {
    fn from_json(json: &Json<'_>) -> Option<Self> {
        let word = |name| text(json, name).unwrap_or_default();
        Some(Self {
            id: json.member("id")?.number()? as u64,
            name: word("name"),
            protocol: word("protocol"),
            address: word("address"),
            user: word("user"),
            client: word("client"),
            since_s: whole(json, "since"),
            subscriptions: whole(json, "subscriptions"),
            delivered: whole(json, "delivered"),
            skipped: whole(json, "dropped"),
            lag: whole(json, "lag"),
            delivered_per_second: number(json, "deliveredPerSecond"),
            published_per_second: number(json, "publishedPerSecond"),
        })
    }

    /// Returns the name by which a person recognises the connection.
    pub fn title(&self) -> String {
        match self.client.is_empty() {
            true => self.name.clone(),
            false => self.client.clone(),
        }
    }

    /// Returns where it comes from.
    pub fn origin(&self) -> String {
        match self.user.is_empty() {
            true => self.address.clone(),
            false => format!("{}, {}", self.user, self.address),
        }
    }

    /// Returns how long it is open at a time.
    pub fn age(&self, now_s: u64) -> String {
        texts::connections::AGE.with(&[&duration(now_s.saturating_sub(self.since_s))])
    }

    /// Returns the figures: a name and a value for each.
    pub fn figures(&self) -> [(&'static str, String); 6] {
        [
            (
                texts::connections::SUBSCRIPTIONS.get(),
                grouped(self.subscriptions),
            ),
            (texts::connections::RECEIVED.get(), grouped(self.delivered)),
            (
                texts::connections::RECEIVES.get(),
                rounded(self.delivered_per_second),
            ),
            (
                texts::connections::PUBLISHES.get(),
                rounded(self.published_per_second),
            ),
            (texts::connections::LAG.get(), grouped(self.lag)),
            (texts::connections::SKIPPED.get(), grouped(self.skipped)),
        ]
    }

    /// Returns the change that disconnects it.
    pub fn disconnection(&self) -> Change {
        let title = self.title();
        Change {
            title: texts::connections::DISCONNECT_TITLE.get().into(),
            question: texts::connections::DISCONNECT_QUESTION.with(&[
                &title,
                &self.origin(),
                &grouped(self.subscriptions),
            ]),
            button: texts::connections::DISCONNECT.get(),
            method: "DELETE",
            address: format!("api/connections/{}", self.id),
            report: texts::connections::DISCONNECTED.with(&[&title]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r#"{"connections":[{"id":7,"name":"session-7","protocol":"stomp","address":"127.0.0.1","since":100,
        "subscriptions":2,"delivered":10,"deliveredPerSecond":2.5,"dropped":3,"lag":4},{"id":8,"name":"m","client":"m","user":"anna","protocol":"mqtt",
        "address":"::1","since":100,"subscriptions":0,"delivered":0,"dropped":0}],"total":12}"#;

    #[test]
    fn a_connection_is_named_by_its_client() {
        let mut peers = Peers::default();
        peers.take(FIRST);
        let of = |id| peers.find(id).expect("a connection");
        assert_eq!(
            (of(7).title(), of(7).origin()),
            ("session-7".into(), "127.0.0.1".into())
        );
        assert_eq!(
            (of(8).title(), of(8).origin()),
            ("m".into(), "anna, ::1".into())
        );
        assert_eq!(of(7).age(161), "open for 1 min 1 s");
        assert_eq!(of(7).figures()[2], ("Receives/s", "2.5".into()));
        assert_eq!(of(7).figures()[4], ("Lag", "4".into()));
    }

    #[test]
    fn the_question_says_what_ends() {
        let mut peers = Peers::default();
        peers.take(FIRST);
        let change = peers.find(8).expect("a connection").disconnection();
        assert!(
            change.question.contains("1 connection: m, anna, ::1"),
            "{}",
            change.question
        );
        assert_eq!(change.address, "api/connections/8");
    }

    #[test]
    fn the_summary_counts() {
        let mut peers = Peers::default();
        assert_eq!(peers.summary(""), "Waiting for the connections.");
        peers.take(FIRST);
        assert_eq!(peers.summary(""), "12 connections.");
        assert_eq!(
            peers.summary("x"),
            "2 of 12 connections contain this text on this page."
        );
        peers.take(r#"{"connections":[],"total":12}"#);
        assert_eq!(peers.summary("x"), "No connection contains this text.");
    }
}

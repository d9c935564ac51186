//! The connections, the sessions of MQTT, and the bans, as their page shows them. Pure; `pages::connections` draws them.

mod ban;
mod peer;
mod session;
mod subscription;
mod trace;

pub use ban::Ban;
pub use peer::{Peer, Peers};
pub use session::Session;
pub use subscription::{Subscription, subscriptions};
pub use trace::{Filter, Frame, Frames};

use crate::{
    address::encoded,
    host::text,
    json::{self, Json},
    paging::Pages,
};

/// Returns the address of the connections after one whose description contains a text; both may be empty.
pub fn address(after: &str, contained: &str) -> String {
    let mut address = format!("api/connections?limit={PAGE}");
    if !after.is_empty() {
        address.push_str(&format!("&after={}", encoded(after)));
    }
    if !contained.is_empty() {
        address.push_str(&format!("&text={}", encoded(contained)));
    }
    address
}

/// Returns the address of another list, such as `sessions`.
pub fn address_of(list: &str, after: &str) -> String {
    match after.is_empty() {
        true => format!("api/{list}?limit={PAGE}"),
        false => format!("api/{list}?limit={PAGE}&after={}", encoded(after)),
    }
}

/// Returns the documents that the page shows at first.
#[cfg(feature = "ssr")]
pub fn first() -> Vec<String> {
    vec![
        address("", ""),
        address_of("sessions", ""),
        address_of("bans", ""),
    ]
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T> {
    pub items: Vec<T>,
    pub pages: Pages,
    /// False until the shown page has arrived.
    pub has_arrived: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            pages: Pages::default(),
            has_arrived: false,
        }
    }
}

impl<T> List<T> {
    /// Takes the member `name` of a document. Does nothing if it is none.
    pub fn take(&mut self, document: &str, name: &str, read: impl Fn(&Json<'_>) -> Option<T>) {
        let Ok(json) = json::read(document) else {
            return;
        };
        let items = json.member(name).map_or(&[][..], Json::elements);
        self.items = items.iter().filter_map(read).collect();
        self.pages.set_next(next(&json, items));
        self.has_arrived = true;
    }
}

/// Returns the place after which the list continues: a number, or the client id of the last session.
fn next(document: &Json<'_>, items: &[Json<'_>]) -> Option<String> {
    match document.member("next") {
        Some(Json::Number(number)) => return Some((*number).to_owned()),
        Some(Json::Text(text)) => return Some(text.to_string()),
        _ => {}
    }
    let has_more = document.member("more") == Some(&Json::Bool(true));
    let last = items.last().and_then(|last| text(last, "client"));
    last.filter(|_| has_more)
}

/// Number of items in a page of a list.
const PAGE: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_the_place_and_the_text() {
        assert_eq!(address("", ""), "api/connections?limit=50");
        let with_both = "api/connections?limit=50&after=7&text=a%20b";
        assert_eq!(address("7", "a b"), with_both);
        assert_eq!(address_of("bans", "3"), "api/bans?limit=50&after=3");
    }

    #[test]
    fn a_list_continues_at_the_place_that_the_broker_names_or_after_its_last_client() {
        let mut list = List::default();
        let client = |json: &Json<'_>| text(json, "client");
        list.take(
            r#"{"all":[{"client":"a"},{"client":"b"}],"more":true}"#,
            "all",
            client,
        );
        assert_eq!(list.items, ["a", "b"]);
        list.pages.turn(crate::paging::Turn::Next);
        assert_eq!(list.pages.after(), "b");
        list.take(r#"{"all":[],"next":12}"#, "all", client);
        list.pages.turn(crate::paging::Turn::Next);
        assert_eq!(list.pages.after(), "12");
        list.take(r#"{"all":[{"client":"c"}],"more":false}"#, "all", client);
        assert!(!list.pages.has_more());
    }
}

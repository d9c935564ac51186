//! One queue as its page shows it: figures, history, messages, consumers, and the orders that change it. `pages::queue` draws
//! it.

mod answer;
mod consumers;
mod desk;
mod history;
mod listing;
mod order;
mod plot;
mod question;
mod selection;

use answer::{Answer, Counted};
pub use consumers::{HeldBy, consumers};
pub use desk::Desk;
pub use history::History;
pub use listing::{Listed, Listing};
use order::Order;
pub use order::{Action, Target};
pub use plot::{HEIGHT, Plot, WIDTH};
pub use question::{Question, Stage};
pub use selection::Selection;

use crate::address::encoded;

/// The addresses of a queue's documents in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    queue: String,
}

impl Addresses {
    pub fn of(name: &str) -> Self {
        Self {
            queue: format!("api/queues/{}", encoded(name)),
        }
    }

    pub fn queue(&self) -> String {
        self.queue.clone()
    }

    pub fn history(&self) -> String {
        self.below("history")
    }

    pub fn consumers(&self) -> String {
        self.below("consumers")
    }

    /// Returns the address of the messages after one, which match the selector; both may be empty.
    pub fn messages(&self, after: &str, selector: &str) -> String {
        let mut address = self.below(&format!("messages?limit={MESSAGES_OF_PAGE}"));
        for (name, value) in [("after", after), ("selector", selector)] {
            if !value.is_empty() {
                address.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        address
    }

    /// Returns the address of what is below the queue, such as an action.
    pub fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.queue)
    }

    /// Returns the documents that the page of the queue shows at first.
    #[cfg(feature = "ssr")]
    pub fn first(&self) -> Vec<String> {
        vec![
            self.queue(),
            self.history(),
            self.consumers(),
            self.messages("", ""),
        ]
    }
}

/// Number of messages in a page of the list.
const MESSAGES_OF_PAGE: usize = 50;

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn names_and_selectors_are_escaped() {
        let addresses = Addresses::of("a/b");
        assert_eq!(addresses.history(), "api/queues/a%2Fb/history");
        let first = "api/queues/a%2Fb/messages?limit=50";
        assert_eq!(addresses.messages("", ""), first);
        let next = format!("{first}&after=1-2&selector=x%20%3E%201");
        assert_eq!(addresses.messages("1-2", "x > 1"), next);
    }
}

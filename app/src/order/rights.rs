//! The visitor's rights on the topics of the page.

use leptos::prelude::use_context;

use crate::{host::Host, reactive::carried_text};

/// The rights that the visitor lacks. The default is that everything is allowed: then the server decides at each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    /// True if the visitor may not subscribe to one of [`TOPICS`].
    pub read: bool,
    /// True if the visitor may not publish to one of [`TOPICS`].
    pub write: bool,
}

impl Denied {
    /// Returns what is denied: on the server from the request, in the browser from the page.
    pub fn here() -> Self {
        let denied = || use_context::<Host>().map(|host| host.visitor.order);
        let text = carried_text(|| denied().unwrap_or_default().write_text());
        Self {
            read: text.contains('r'),
            write: text.contains('w'),
        }
    }

    fn write_text(self) -> String {
        let read = if self.read { "r" } else { "" };
        let write = if self.write { "w" } else { "" };
        format!("{read}{write}")
    }
}

/// The topics of the page: see `message` and `measurement`.
pub const TOPICS: [&str; 8] = [
    super::message::TOPIC,
    super::message::PAGES,
    super::measurement::TOGETHER,
    "order.apart.1",
    "order.apart.2",
    "order.apart.3",
    "order.apart.4",
    "order.apart.5",
];

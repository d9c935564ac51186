//! The programs that draw the pages in the browser, each a WASM module of its own: a document loads only the one that draws
//! its page. The server renders the pages of all.

use crate::Route;

/// The module that draws a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// `frontend`: the overview and the demonstration.
    Demo,
    /// `frontend/tools`: the pages for work with topics, queues and connections.
    Tools,
    /// `frontend/order`: the page of the order, which contains the broker.
    Order,
    /// `frontend/boards`: the list of boards and one board, which people open on phones and on walls.
    Boards,
}

/// The pages of one module. The root component gets them as a value, so that a module contains only the pages that its
/// entry point names.
pub struct Program<V> {
    pub module: Module,
    /// Returns the title of the document.
    pub title: fn(Route) -> String,
    pub draw: fn(Route) -> V,
}

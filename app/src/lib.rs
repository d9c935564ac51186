//! Carillon's pages. The server renders them with the topics' last images. In the browser the
//! program draws them again in the same place and subscribes to the topics over one STOMP
//! connection, like any other client.
//!
//! The server uses [`shell()`] (the document), [`PATHS`] and [`Route`] (the paths that have a
//! page), and the contexts [`Assets`], [`Host`] and [`RequestPath`], which it provides before
//! rendering. The browser calls `start()`, `start_tools()`, `start_order()` or `start_boards()`, depending on the module (see `program`).

mod address;
mod angle;
mod api;
mod boards;
mod browser;
mod change;
mod chart;
mod components;
mod connection;
mod connections;
mod console;
mod demo;
mod event_source;
mod explorer;
mod feed;
mod figures;
mod flood;
mod host;
mod instant;
mod json;
mod language;
mod line;
#[cfg(feature = "browser")]
mod mount;
mod navigation;
mod number;
mod order;
mod pages;
mod paging;
mod payload;
mod poll;
mod program;
mod publishing;
mod queue;
mod queues;
mod quoted;
mod rate;
mod reactive;
mod reading;
mod refusal;
mod root;
mod route;
mod row;
mod rows;
#[cfg(feature = "ssr")]
mod shell;
mod site;
mod stopped;
mod texts;
mod topic;
#[cfg(test)]
mod untranslated;
mod visitor;
mod window;
mod zone;

#[cfg(feature = "ssr")]
pub use boards::{
    Board, MOST_BOARD_BYTES, PREFIX as BOARD_TOPICS, name_fault as board_name_fault,
    tag as board_tag, topic as board_topic,
};
#[cfg(feature = "ssr")]
pub use figures::bytes;
pub use host::{Assets, Documents, Figures, Host, Image, ModuleAssets, RequestPath, TopicFigures};
#[cfg(feature = "ssr")]
pub use host::{DiskFigures, documents};
pub use language::{COOKIE as LANGUAGE_COOKIE, Language, Text};
pub use order::{Denied as OrderDenied, TOPICS as ORDER_TOPICS};
pub use program::Module;
pub use queues::{QueueFigures, Queues};
pub use route::{PATHS, Route};
#[cfg(feature = "ssr")]
pub use shell::shell;
#[cfg(feature = "ssr")]
pub use texts::{shell as shell_texts, site as site_texts};
pub use visitor::{TOPICS, Visitor};

/// Starts the program of the overview and the demonstration in the document that the server rendered. Marks `<html>` with
/// `data-started` when the pages are drawn.
#[cfg(feature = "browser")]
pub fn start() {
    start_program(pages::demo());
}

/// Does the same for the pages of topics, queues and connections.
#[cfg(feature = "browser")]
pub fn start_tools() {
    start_program(pages::tools());
}

/// Does the same for the page of the order.
#[cfg(feature = "browser")]
pub fn start_order() {
    start_program(pages::order());
}

/// Does the same for the pages of boards.
#[cfg(feature = "browser")]
pub fn start_boards() {
    start_program(pages::boards());
}

#[cfg(feature = "browser")]
fn start_program(program: program::Program<impl leptos::prelude::IntoView + 'static>) {
    stopped::report_panics();
    mount::mount(program);
    let document = leptos::prelude::document().document_element();
    if let Some(document) = document {
        // Only the style of notes and the page benchmark read the mark.
        let _ = document.set_attribute("data-started", "");
    }
}

//! Carillon's pages. The server renders them with the topics' last images, the browser hydrates
//! them and goes on over one STOMP connection, as any other client would.
//!
//! What the server needs: [`shell()`] (the document), [`PATHS`] and [`Route`] (which paths have a
//! page), and the contexts [`Assets`], [`Host`] and [`RequestPath`], provided before rendering.
//! What the browser needs: `hydrate()`.

mod angle;
mod browser;
mod chart;
mod components;
mod connection;
mod console;
mod demo;
mod feed;
mod figures;
mod flood;
mod host;
mod instant;
mod json;
mod line;
mod navigation;
mod number;
mod pages;
mod queues;
mod rate;
mod reactive;
mod reading;
mod root;
mod route;
mod row;
mod rows;
#[cfg(feature = "ssr")]
mod shell;
mod site;
mod stopped;

pub use host::{Assets, Figures, Host, Image, RequestPath, TopicFigures};
pub use queues::{QueueFigures, Queues};
pub use root::App;
pub use route::{PATHS, Route};
#[cfg(feature = "ssr")]
pub use shell::shell;

/// Takes over the document that the server rendered. Marks `<html>` with `data-hydrated` when done.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    stopped::report_panics();
    leptos::mount::hydrate_body(App);
    let root = leptos::prelude::document().document_element();
    if let Some(root) = root {
        // A missing mark only matters to those who wait for it.
        let _ = root.set_attribute("data-hydrated", "");
    }
}

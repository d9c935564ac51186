//! Where this page is from, for the commands that it shows.

use leptos::prelude::*;

use crate::reactive::once_live;

/// The server's address as a reader types it in front of a path.
pub fn site() -> RwSignal<String> {
    let site = RwSignal::new(USUAL.to_owned());
    once_live(move || {
        if let Ok(origin) = window().location().origin() {
            site.set(origin);
        }
    });
    site
}

/// Where the server listens unless it is told otherwise; the browser knows better.
const USUAL: &str = "http://127.0.0.1:8080";

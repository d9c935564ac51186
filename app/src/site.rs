//! The address of this page's server, for the commands that the page shows.

use leptos::prelude::*;

use crate::reactive::once_live;

/// Returns the server's address as a reader types it in front of a path.
pub fn site() -> RwSignal<String> {
    let site = RwSignal::new(USUAL.to_owned());
    once_live(move || {
        if let Ok(origin) = window().location().origin() {
            site.set(origin);
        }
    });
    site
}

/// The server's default address; the browser replaces it by the actual one.
const USUAL: &str = "http://127.0.0.1:8080";

//! Navigation between pages without leaving the document, so that the connection stays open.
//! `route` has the paths and pages.
//!
//! A link to a page is a plain link: it works before the page is live, and opens another tab or
//! window if the reader asks for one. One listener handles the clicks on all links.

use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, MouseEvent};

use crate::{
    RequestPath, Route,
    reactive::{effect, once_live, text},
    site::shown_path,
    stopped::has_stopped,
};

/// A context: the page that is shown.
#[derive(Clone, Copy)]
pub struct Navigation {
    route: RwSignal<Route>,
}

impl Navigation {
    /// Starts with the page of the request (server) or of the address (browser). After that it
    /// follows links and the browser's back and forward buttons, and sets the document's title.
    pub fn new() -> Self {
        let route = match is_browser() {
            true => shown_route(),
            false => use_context::<RequestPath>().map_or(Route::Overview, |path| path.route()),
        };
        let navigation = Self {
            route: RwSignal::new(route),
        };
        once_live(move || navigation.listen());
        effect(move |_| document().set_title(navigation.route().title()));
        navigation
    }

    pub fn route(self) -> Route {
        self.route.get()
    }

    /// Returns the attribute `aria-current` of a link to this path.
    pub fn current(self, path: &'static str) -> Signal<String> {
        text(move || {
            let is_shown = self.route() == Route::of(path);
            if is_shown { "page" } else { "false" }
        })
    }

    fn listen(self) {
        let steps = window_event_listener(ev::popstate, move |_| self.route.set(shown_route()));
        let clicks = window_event_listener(ev::click, move |click| {
            if let Some(path) = page_asked_for(&click) {
                click.prevent_default();
                self.go(&path);
            }
        });
        on_cleanup(move || {
            steps.remove();
            clicks.remove();
        });
    }

    /// Goes to a page of this site and moves the keyboard's focus to the new page's content.
    fn go(self, path: &str) {
        let Ok(history) = window().history() else {
            return;
        };
        if history
            .push_state_with_url(&JsValue::NULL, "", Some(path))
            .is_err()
        {
            return;
        }
        self.route.set(Route::of(path));
        window().scroll_to_with_x_and_y(0.0, 0.0);
        let content = document().get_element_by_id(CONTENT_ID);
        if let Some(content) = content.and_then(|content| content.dyn_into::<HtmlElement>().ok()) {
            // A failure is not reported: the page is readable without the focus.
            let _ = content.focus();
        }
    }
}

/// Returns the page of the browser's address.
fn shown_route() -> Route {
    shown_path().map_or(Route::NotFound, |path| Route::of(&path))
}

/// Returns the path of the page that a plain click on a link requests. After a panic the browser
/// follows the link itself, which loads the page anew.
fn page_asked_for(click: &MouseEvent) -> Option<String> {
    if has_stopped() {
        return None;
    }
    let modified = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
    if click.button() != 0 || modified || click.default_prevented() {
        return None;
    }
    let clicked: Element = click.target()?.dyn_into().ok()?;
    let path = clicked.closest("a[href]").ok()??.get_attribute("href")?;
    (Route::of(&path) != Route::NotFound).then_some(path)
}

/// The `id` of the element that holds a page's content.
pub const CONTENT_ID: &str = "content";

//! Navigation between pages without leaving the document, so that the connection stays open.
//! `route` has the paths and pages.
//!
//! A link to a page is a plain link: it works before the page is live, and opens another tab or
//! window if the reader asks for one. One listener handles the clicks on all links.

use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, MouseEvent};

use crate::{
    Route,
    address::without_query,
    program::Module,
    reactive::{effect, once_live, text},
    site::here,
    stopped::has_stopped,
};

/// A context: the page that is shown.
#[derive(Clone, Copy)]
pub struct Navigation {
    route: RwSignal<Route>,
    module: Module,
}

impl Navigation {
    /// Starts with the page of the request (server) or of the address (browser). After that it
    /// follows links and the browser's back and forward buttons, and sets the document's title. Links to pages of
    /// another module are left to the browser, which loads a new document.
    pub fn new(module: Module, title: fn(Route) -> String) -> Self {
        let navigation = Self {
            route: RwSignal::new(shown_route()),
            module,
        };
        once_live(move || navigation.listen());
        effect(move |_| document().set_title(&title(navigation.route())));
        navigation
    }

    pub fn route(self) -> Route {
        self.route.get()
    }

    /// Returns the attribute `aria-current` of a link to this path.
    pub fn current(self, path: &'static str) -> Signal<String> {
        text(move || {
            let is_shown = self.route().section() == Route::of(path);
            if is_shown { "page" } else { "false" }
        })
    }

    fn listen(self) {
        let steps = window_event_listener(ev::popstate, move |_| self.route.set(shown_route()));
        let clicks = window_event_listener(ev::click, move |click| {
            if let Some(path) = self.page_asked_for(&click) {
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
    pub fn go(self, path: &str) {
        let Ok(history) = window().history() else {
            return;
        };
        if history
            .push_state_with_url(&JsValue::NULL, "", Some(path))
            .is_err()
        {
            return;
        }
        self.route.set(Route::of(without_query(path)));
        window().scroll_to_with_x_and_y(0.0, 0.0);
        focus_content();
    }

    /// Returns the address of the page that a plain click on a link requests. After a panic the browser
    /// follows the link itself, which loads the page anew.
    fn page_asked_for(self, click: &MouseEvent) -> Option<String> {
        if has_stopped() {
            return None;
        }
        let modified = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
        if click.button() != 0 || modified || click.default_prevented() {
            return None;
        }
        let clicked: Element = click.target()?.dyn_into().ok()?;
        let link = clicked.closest("a[href]").ok()??;
        let address = link.get_attribute("href")?;
        let route = Route::of(without_query(&address));
        let is_own = route != Route::NotFound && route.module() == self.module;
        (is_own && !link.has_attribute("download")).then_some(address)
    }
}

/// Moves the keyboard's focus to the page's content.
pub fn focus_content() {
    let content = document().get_element_by_id(CONTENT_ID);
    if let Some(content) = content.and_then(|content| content.dyn_into::<HtmlElement>().ok()) {
        // A failure is not reported: the page is readable without the focus.
        let _ = content.focus();
    }
}

/// Returns the page of the request or of the browser's address.
fn shown_route() -> Route {
    here().map_or(Route::NotFound, |path| Route::of(&path))
}

/// The `id` of the element that holds a page's content.
pub const CONTENT_ID: &str = "content";

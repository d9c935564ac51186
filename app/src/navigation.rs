//! From page to page without leaving the document, so that the connection stays. The paths and
//! pages themselves are `route`'s.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;
use web_sys::{HtmlElement, MouseEvent, wasm_bindgen::JsCast};

use crate::{RequestPath, Route};

/// A context: the page that is shown.
#[derive(Clone, Copy)]
pub struct Navigation {
    route: RwSignal<Route>,
}

impl Navigation {
    /// Begins with the page of the request or, in the browser, of the address. From there on it
    /// follows the reader's steps back and forth, and keeps the document's title.
    pub fn new() -> Self {
        let path = match use_context::<RequestPath>() {
            Some(path) => path.0,
            None if is_browser() => location_pathname().unwrap_or_default(),
            None => "/".into(),
        };
        let route = RwSignal::new(Route::of(&path));
        Effect::new(move |_| {
            let path = || location_pathname().unwrap_or_default();
            let steps = window_event_listener(ev::popstate, move |_| route.set(Route::of(&path())));
            on_cleanup(move || steps.remove());
        });
        Effect::new(move |_| document().set_title(route.get().title()));
        Self { route }
    }

    pub fn route(self) -> Route {
        self.route.get()
    }

    /// Goes to a path of this site. The keyboard's focus goes to the new page's content.
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
            // Without focus the page is as readable.
            let _ = content.focus();
        }
    }
}

/// A link to a page of this site. Works as any link before the page is live, and whenever the
/// reader asks for another tab or window.
#[component]
pub fn Link(
    to: &'static str,
    #[prop(optional)] class: &'static str,
    children: Children,
) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let current = move || (navigation.route() == Route::of(to)).then_some("page");
    let follow = move |click: MouseEvent| {
        if is_plain(&click) {
            click.prevent_default();
            navigation.go(to);
        }
    };
    view! {
        <a href=to class=class aria-current=current on:click=follow>
            {children()}
        </a>
    }
}

fn is_plain(click: &MouseEvent) -> bool {
    let modified = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
    click.button() == 0 && !modified && !click.default_prevented()
}

/// The element that holds a page's content.
pub const CONTENT_ID: &str = "content";

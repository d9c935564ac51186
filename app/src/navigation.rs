//! From page to page without leaving the document, so that the connection stays. The paths and
//! pages themselves are `route`'s.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;
use web_sys::{HtmlElement, MouseEvent, wasm_bindgen::JsCast};

use crate::{RequestPath, Route, reactive::once_live};

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
        once_live(move || {
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

    /// `page` while the page of this path is shown: the attribute `aria-current`.
    pub fn current(self, path: &'static str) -> Signal<Option<&'static str>> {
        Signal::derive(move || (self.route() == Route::of(path)).then_some("page"))
    }

    /// What a click on a link to this path does, unless it asks for another tab or window.
    pub fn follow(self, path: &'static str) -> impl Fn(MouseEvent) + Clone + 'static {
        move |click| {
            if is_plain(&click) {
                click.prevent_default();
                self.go(path);
            }
        }
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

/// A link in running text to a page of this site. Works as any link before the page is live, and
/// whenever the reader asks for another tab or window.
#[component]
pub fn Link(to: &'static str, text: &'static str) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    view! {
        <a href=to on:click=navigation.follow(to)>
            {text}
        </a>
    }
}

fn is_plain(click: &MouseEvent) -> bool {
    let modified = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
    click.button() == 0 && !modified && !click.default_prevented()
}

/// The element that holds a page's content.
pub const CONTENT_ID: &str = "content";

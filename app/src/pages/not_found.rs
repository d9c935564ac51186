//! The page for a path that has no page.

use leptos::prelude::*;

use crate::texts;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="page-head not-found">
            <p class="status-code">"404"</p>
            <h1>{texts::page::NOT_FOUND.get()}</h1>
            <p inner_html=texts::page::NOT_FOUND_HELP.get()></p>
        </div>
    }
}

//! The page for a path that has no page.

use leptos::prelude::*;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="page-head not-found">
            <p class="status-code">"404"</p>
            <h1>"Page not found"</h1>
            <p>
                "There is no page at this address. "
                <a href="./">"The overview"</a>
                " lists all pages."
            </p>
        </div>
    }
}

//! The page of every path that has none.

use leptos::prelude::*;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="page-head not-found">
            <p class="status-code">"404"</p>
            <h1>"No bell hangs here"</h1>
            <p>
                "This address has no page. "
                <a href="/">"The overview"</a>
                " knows those there are."
            </p>
        </div>
    }
}

//! The page of every path that has none.

use leptos::prelude::*;

use crate::navigation::Link;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="page-head not-found">
            <p class="status-code">"404"</p>
            <h1>"No bell hangs here"</h1>
            <p>
                "This address has no page. "
                <Link to="/" text="The overview" />
                " knows those there are."
            </p>
        </div>
    }
}

//! `/connections`: the open connections.

use leptos::prelude::*;

#[component]
pub fn Connections() -> impl IntoView {
    view! {
        <div class="page-head">
            <h1>"Connections"</h1>
        </div>
    }
}

//! `/topics`: the tree of all topics.

use leptos::prelude::*;

#[component]
pub fn Topics() -> impl IntoView {
    view! {
        <div class="page-head">
            <h1>"Topics"</h1>
        </div>
    }
}

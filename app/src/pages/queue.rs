//! `/queues/NAME`: one queue.

use leptos::prelude::*;

use crate::reactive::plain_text;

#[component]
pub fn Queue(name: String) -> impl IntoView {
    view! {
        <div class="page-head">
            <h1 translate="no">{plain_text(name)}</h1>
        </div>
    }
}

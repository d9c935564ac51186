//! `/topics/NAME`: one topic.

use leptos::prelude::*;

use crate::reactive::plain_text;

#[component]
pub fn Topic(name: String) -> impl IntoView {
    view! {
        <div class="page-head">
            <h1 translate="no">{plain_text(name)}</h1>
        </div>
    }
}

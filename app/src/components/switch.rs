//! A switch with its label.

use leptos::prelude::*;

use crate::reactive::flag;

#[component]
pub fn Switch(on: RwSignal<bool>, label: &'static str) -> impl IntoView {
    let is_on = flag(move || on.get());
    let toggled = move |event| on.set(event_target_checked(&event));
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                checked=on.get_untracked()
                prop:checked=is_on
                on:change=toggled
            />
            <span>{label}</span>
        </label>
    }
}

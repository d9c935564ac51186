//! A switch with its label.

use leptos::prelude::*;

#[component]
pub fn Switch(on: RwSignal<bool>, children: Children) -> impl IntoView {
    let toggled = move |event| on.set(event_target_checked(&event));
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                checked=on.get_untracked()
                prop:checked=on
                on:change=toggled
            />
            <span>{children()}</span>
        </label>
    }
}

//! The reader's settings, and the buttons of the palette and of the list of keys. `head.js` makes them work; without scripts
//! they are hidden.

use leptos::prelude::*;

#[component]
pub fn Settings() -> impl IntoView {
    let choice = |value: &'static str, label: &'static str| {
        view! {
            <label>
                <input type="radio" name="theme" value=value checked=value == "system" />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <form class="settings" aria-label="Settings">
            <fieldset class="segmented">
                <legend>"Theme"</legend>
                <div>
                    {choice("system", "System")} {choice("light", "Light")} {choice("dark", "Dark")}
                </div>
            </fieldset>
            <div class="buttons">
                <button type="button" data-open="palette" aria-keyshortcuts="Control+K">
                    "Go to… "
                    <kbd>"Ctrl K"</kbd>
                </button>
                <button type="button" data-open="keys" aria-keyshortcuts="?">
                    "Keys "
                    <kbd>"?"</kbd>
                </button>
            </div>
        </form>
    }
}

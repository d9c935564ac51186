//! The reader's settings, and the buttons of the palette, of the list of keys and of the QR code. `head.js` makes the theme and
//! the buttons work; without scripts they are hidden. The language is a form, which works without scripts.

use leptos::prelude::*;

use super::palette;
use crate::{Language, language::language, texts};

/// `next` is the address of the page relative to the root of the site. The server returns to it after a change of the language.
#[component]
pub fn Settings(next: String) -> impl IntoView {
    let choice = |value: &'static str, label: &'static str| {
        view! {
            <label>
                <input type="radio" name="theme" value=value checked=value == "system" />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <section class="settings" aria-label=texts::shell::SETTINGS.get()>
            <form data-needs="scripts">
                <fieldset class="segmented">
                    <legend>{texts::shell::THEME.get()}</legend>
                    <div>
                        {choice("system", texts::shell::SYSTEM.get())}
                        {choice("light", texts::shell::LIGHT.get())}
                        {choice("dark", texts::shell::DARK.get())}
                    </div>
                </fieldset>
            </form>
            <form class="language" method="post" action="./language">
                <input type="hidden" name="next" value=next />
                <fieldset class="segmented">
                    <legend>{texts::shell::LANGUAGE.get()}</legend>
                    <div>{Language::ALL.map(language_button).into_iter().collect_view()}</div>
                </fieldset>
            </form>
            <div class="buttons" data-needs="scripts">
                <button type="button" data-open="palette" aria-keyshortcuts="Control+K">
                    {texts::shell::GO_TO.get()}
                    <kbd>"Ctrl K"</kbd>
                </button>
                <button type="button" data-open="keys" aria-keyshortcuts="?">
                    {texts::shell::KEYS.get()}
                    <kbd>"?"</kbd>
                </button>
                <button type="button" data-open="qr">
                    {texts::qr_code::QR_CODE.get()}
                </button>
            </div>
            <script type="application/json" id="palette-texts" inner_html=palette::texts()></script>
        </section>
    }
}

fn language_button(own: Language) -> impl IntoView {
    let name = match own {
        Language::English => texts::shell::ENGLISH,
        Language::Korean => texts::shell::KOREAN,
    };
    let is_shown = own == language();
    view! {
        <button
            type="submit"
            name="language"
            value=own.tag()
            lang=own.tag()
            translate="no"
            aria-pressed=is_shown.to_string()
        >
            {name.get()}
        </button>
    }
}

//! Says that the connection is lost, why, and when it is tried again.

use leptos::prelude::*;

use crate::{
    browser::{self, Interval},
    connection::{Connection, State},
    reactive::text,
};

#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let connection = expect_context::<Connection>();
    let is_lost = Memo::new(move |_| {
        matches!(
            connection.state(),
            State::Lost { .. } | State::Connecting { again: true }
        )
    });
    view! {
        <noscript inner_html=NOT_LIVE></noscript>
        {move || is_lost.get().then(|| view! { <Lost connection /> })}
    }
}

#[component]
fn Lost(connection: Connection) -> impl IntoView {
    let now_ms = RwSignal::new(browser::now_ms());
    StoredValue::new_local(Interval::every(250, move || now_ms.set(browser::now_ms())));
    let reason = text(move || match connection.state() {
        State::Lost { reason, .. } if !reason.is_empty() => format!("{reason} "),
        _ => String::new(),
    });
    let next = text(move || match connection.state() {
        State::Lost { retry_at_ms, .. } => {
            let seconds = ((retry_at_ms - now_ms.get()) / 1000.0).ceil().max(0.0);
            format!("Next attempt in {seconds} s.")
        }
        _ => "Trying again.".into(),
    });
    view! {
        <aside class="notice" aria-label="Connection">
            <p>
                <strong>"The connection is lost. "</strong>
                {reason}
                <span class="figure">{next}</span>
            </p>
            <button type="button" on:click=move |_| connection.open()>
                "Retry now"
            </button>
        </aside>
    }
}

const NOT_LIVE: &str = "<p class=\"notice\"><span><strong>This page is not live.</strong> It shows \
                        the last image; JavaScript and WebAssembly would keep it moving.</span></p>";

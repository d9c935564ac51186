//! The notice for a lost or refused connection: the reason and the time of the next attempt.

use leptos::prelude::*;

use crate::{
    browser::{self, Appointment},
    connection::{Connection, State},
    reactive::{hold, live_text, once_live, shown, text},
};

#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let connection = expect_context::<Connection>();
    let now_ms = RwSignal::new(0.0);
    let count_down = move || {
        if connection.is_lost() {
            now_ms.set(browser::now_ms());
        }
    };
    once_live(move || hold(Appointment::every(250, count_down)));
    let title = live_text(move || match connection.refusal() {
        reason if reason.is_empty() => "The connection is lost. ",
        _ => "The server refuses to connect this page. ",
    });
    let reason = live_text(move || match connection.state() {
        _ if !connection.refusal().is_empty() => format!("It says: {}. ", connection.refusal()),
        State::Lost { reason, .. } if !reason.is_empty() => format!("{reason} "),
        _ => String::new(),
    });
    let next = live_text(move || match connection.state() {
        State::Lost { retry_at_ms, .. } => {
            let seconds = ((retry_at_ms - now_ms.get()) / 1000.0).ceil() as u32;
            format!("Next attempt in {seconds} s.")
        }
        _ => "Trying again.".into(),
    });
    view! {
        <noscript inner_html=NOT_LIVE></noscript>
        <aside
            class=text(move || if connection.is_lost() { "notice" } else { "" })
            style:display=shown(move || connection.is_lost())
            aria-label="Connection"
        >
            <p>
                <strong>{title}</strong>
                {reason}
                {next}
            </p>
            <button type="button" on:click=move |_| connection.open()>
                "Retry now"
            </button>
        </aside>
    }
}

const NOT_LIVE: &str = "<p class=\"notice\"><span><strong>This page is not live.</strong> It shows \
                        the last image; JavaScript and WebAssembly would keep it moving.</span></p>";

//! The notice for a lost or refused connection: the reason and the time of the next attempt.

use leptos::prelude::*;

use crate::{
    browser::{self, Appointment},
    connection::{Connection, State},
    reactive::{hold, live_text, once_live, shown, text},
    texts,
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
        reason if reason.is_empty() => texts::page::IS_LOST.get(),
        _ => texts::page::IS_REFUSED.get(),
    });
    let reason = live_text(move || match connection.state() {
        _ if !connection.refusal().is_empty() => texts::page::REASON.with(&[&connection.refusal()]),
        State::Lost { reason, .. } if !reason.is_empty() => format!("{reason} "),
        _ => String::new(),
    });
    let next = live_text(move || match connection.state() {
        State::Lost { retry_at_ms, .. } => {
            let seconds = ((retry_at_ms - now_ms.get()) / 1000.0).ceil() as u32;
            texts::page::NEXT_ATTEMPT.with(&[&seconds.to_string()])
        }
        _ => texts::page::TRYING.get().into(),
    });
    view! {
        <noscript inner_html=texts::page::NOT_LIVE.get()></noscript>
        <aside
            class=text(move || if connection.is_lost() { "notice" } else { "" })
            style:display=shown(move || connection.is_lost())
            aria-label=texts::page::CONNECTION.get()
        >
            <p>
                <strong>{title}</strong>
                {reason}
                {next}
            </p>
            <button type="button" on:click=move |_| connection.open()>
                {texts::page::RETRY.get()}
            </button>
        </aside>
    }
}

//! The question before a change: what it will touch, asked once. The dialog stays open until the server has answered, and shows
//! why it refuses.

use leptos::{prelude::*, task::spawn_local};

use super::{Dialog, words_of_problem};
use crate::{
    api::{self, Request},
    change::Change,
    reactive::{effect, flag, live_text, text},
    texts,
};

/// Asks about each change that the signal gets. `done` gets the report.
#[component]
pub fn Confirm(
    change: RwSignal<Option<Change>>,
    done: impl Fn(String) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let is_under_way = RwSignal::new(false);
    let refusal = RwSignal::new(String::new());
    effect(move |_| {
        if change.with(Option::is_some) {
            refusal.set(String::new());
            is_open.set(true);
        }
    });
    let of_change = move |of: fn(&Change) -> String| {
        text(move || change.with(|change| change.as_ref().map(of).unwrap_or_default()))
    };
    let words = move || match refusal.get() {
        refusal if refusal.is_empty() => of_change(|change| change.question.clone()).get(),
        refusal => refusal,
    };
    let make = move |_| {
        let Some(change) = change.get_untracked() else {
            return;
        };
        is_under_way.set(true);
        spawn_local(async move {
            let made = api::send(Request {
                method: change.method,
                address: &change.address,
                ..Request::default()
            })
            .await;
            if is_open.is_disposed() {
                return;
            }
            is_under_way.set(false);
            match made {
                Ok(_) => {
                    is_open.set(false);
                    done(change.report);
                }
                Err(problem) => refusal.set(words_of_problem(&problem)),
            }
        });
    };
    view! {
        <Dialog is_open title=of_change(|change| change.title.clone())>
            <p role="status">{live_text(words)}</p>
            <div class="buttons">
                <button type="button" autofocus on:click=move |_| is_open.set(false)>
                    {texts::dialog::CANCEL.get()}
                </button>
                <button
                    type="button"
                    class="primary"
                    disabled=flag(move || is_under_way.get() || !refusal.with(String::is_empty))
                    on:click=make
                >
                    {live_text(move || of_change(|change| change.button.to_owned()).get())}
                </button>
            </div>
        </Dialog>
    }
}

//! The question before an action: what it will touch, asked once.

use leptos::{html, prelude::*};

use crate::{
    components::Dialog,
    console::Kind,
    queue::{Desk, Question, Stage},
    reactive::{effect, flag, live_text, shown, text},
    texts,
};

#[component]
pub fn ActionDialog(desk: Desk) -> impl IntoView {
    let question = Question::new(desk);
    let is_choosing = move || question.stage.with(|stage| *stage == Stage::Choosing);
    // The field of the destination, which had the focus, is gone by then.
    let cancel = NodeRef::<html::Button>::new();
    effect(move |_| {
        let is_asking = question
            .stage
            .with(|stage| matches!(stage, Stage::Asking(_)));
        if let Some(cancel) = cancel.get_untracked().filter(|_| is_asking) {
            // A failure is not reported: the dialog has its controls anyway.
            let _ = cancel.focus();
        }
    });
    let has_next = move || !question.next_label().is_empty();
    view! {
        <Dialog is_open=question.is_open title=text(move || question.title())>
            <div style:display=shown(is_choosing)>
                <Destination question />
            </div>
            <p role="status">{live_text(move || question.words())}</p>
            <div class="buttons">
                <button
                    type="button"
                    node_ref=cancel
                    on:click=move |_| question.is_open.set(false)
                >
                    {live_text(move || question.close_label())}
                </button>
                <button
                    type="button"
                    class="primary"
                    style:display=shown(has_next)
                    disabled=flag(move || !question.may_go_on())
                    on:click=move |_| question.go_on()
                >
                    {live_text(move || question.next_label())}
                </button>
            </div>
        </Dialog>
    }
}

/// The destination of a move or copy.
#[component]
fn Destination(question: Question) -> impl IntoView {
    let Question { kind, name, .. } = question;
    let choice = move |own: Kind| {
        view! {
            <label>
                <input
                    type="radio"
                    name="action-kind"
                    value=own.name()
                    prop:checked=flag(move || kind.get() == own)
                    on:change=move |_| kind.set(own)
                />
                <span>{own.label()}</span>
            </label>
        }
    };
    let entered = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            question.go_on();
        }
    };
    view! {
        <fieldset class="segmented">
            <legend>{texts::queue::WHERE.get()}</legend>
            <div>{choice(Kind::Queue)} {choice(Kind::Topic)}</div>
        </fieldset>
        <div class="field">
            <label for="action-name">{texts::shared::NAME.get()}</label>
            <input
                id="action-name"
                type="text"
                autocomplete="off"
                spellcheck="false"
                autofocus
                prop:value=text(move || name.get())
                aria-describedby="action-name-fault"
                on:input=move |event| name.set(event_target_value(&event))
                on:keydown=entered
            />
            <p id="action-name-fault" class="fault" aria-live="polite">
                {live_text(move || question.name_fault())}
            </p>
        </div>
    }
}

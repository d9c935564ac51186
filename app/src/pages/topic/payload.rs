//! The payload of a message: a folding tree of its values, an image, text, or bytes.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

use super::image::Image;
use crate::{
    payload::{
        fold::Line,
        form::{Content, Form},
    },
    reactive::{effect, flag, live_text, plain_text, shown},
    texts::payload as texts,
    topic::Entry,
};

#[component]
pub fn Payload(entry: Signal<Arc<Entry>>) -> impl IntoView {
    let form = RwSignal::new(Form::best(&entry.get_untracked()));
    let folded = RwSignal::new(BTreeSet::new());
    let unfold = move || folded.set(form.get_untracked().folded_at_first(&entry.get_untracked()));
    unfold();
    let choose = move |chosen: Form| {
        form.set(chosen);
        unfold();
    };
    let shown_id = StoredValue::new(String::new());
    effect(move |_| {
        let entry = entry.get();
        // A message may be shown twice: first with the beginning of its body, then completely.
        let key = format!("{} {}", entry.id, entry.is_cut());
        if shown_id.get_value() != key {
            shown_id.set_value(key);
            choose(Form::best(&entry));
        }
    });
    let content = Memo::new(move |_| {
        let (form, folded) = (form.get(), folded.get());
        entry.with(|entry| form.content(entry, &folded))
    });
    let choice = move |own: Form| {
        let is_taken = flag(move || form.get() == own);
        view! {
            <label>
                <input
                    type="radio"
                    name="payload-form"
                    prop:checked=is_taken
                    checked=is_taken.get_untracked()
                    on:change=move |_| choose(own)
                />
                <span>{own.name().get()}</span>
            </label>
        }
    };
    let has_lines = move |content: &Content| !content.lines.is_empty();
    let lines = move || {
        let lines = content.with(|content| content.lines.clone());
        lines.into_iter().map(line).collect_view()
    };
    let picture = Signal::derive(move || content.with(|content| content.picture));
    let is_plain = move || content.with(|content| !has_lines(content) && content.picture.is_none());
    view! {
        <fieldset class="segmented forms">
            <legend class="visually-hidden">{texts::FORM.get()}</legend>
            <div>{Form::ALL.into_iter().map(choice).collect_view()}</div>
        </fieldset>
        <div
            class="json-tree"
            tabindex="0"
            role="group"
            aria-label=texts::TREE.get()
            translate="no"
            style:display=shown(move || content.with(has_lines))
            on:click=move |click| turn(&click, folded)
        >
            {lines}
        </div>
        <Image entry picture />
        <pre
            class="payload"
            tabindex="0"
            aria-label=texts::PAYLOAD.get()
            translate="no"
            style:display=shown(is_plain)
        >
            {live_text(move || content.with(|content| content.plain.clone()))}
        </pre>
        <p class="hint payload-note">
            {live_text(move || content.with(|content| content.note.clone()))}
        </p>
    }
}

fn line(line: Line) -> impl IntoView {
    let expanded = line
        .is_folded
        .map(|is_folded| if is_folded { "false" } else { "true" });
    let button = line.is_folded.map(|is_folded| {
        let name = match is_folded {
            true => texts::UNFOLD,
            false => texts::FOLD,
        };
        view! {
            <button
                type="button"
                class="fold"
                data-node=line.node.to_string()
                aria-expanded=expanded
                aria-label=name.with(&[&line.key])
            ></button>
        }
    });
    let separator = if line.key.is_empty() { "" } else { ": " };
    let note = (!line.note.is_empty()).then(|| {
        view! { <span class="json-note">{plain_text(line.note)}</span> }
    });
    view! {
        <div class="json-line" style=format!("--depth:{}", line.depth)>
            {button}
            <span class="json-key">{plain_text(line.key)}</span>
            {separator}
            <span class=line.kind.class()>{plain_text(line.text)}</span>
            {note}
        </div>
    }
}

/// Folds or unfolds the value whose button was clicked.
fn turn(click: &MouseEvent, folded: RwSignal<BTreeSet<usize>>) {
    let target = click
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let button = target.and_then(|target| target.closest("[data-node]").ok().flatten());
    let node = button.and_then(|button| button.get_attribute("data-node")?.parse().ok());
    let Some(node) = node else { return };
    folded.update(|folded| {
        if !folded.remove(&node) {
            folded.insert(node);
        }
    });
}

//! The payload of a message as a folding tree of JSON, as text, or as bytes.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

use crate::{
    Text, json,
    payload::{
        fold::{self, Line},
        hex,
    },
    reactive::{effect, flag, live_text, plain_text, shown},
    texts,
    topic::{Body, Entry},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Text,
    Hex,
}

impl Form {
    const ALL: [(Self, Text); 3] = [
        (Self::Json, texts::topic::JSON),
        (Self::Text, texts::topic::TEXT),
        (Self::Hex, texts::topic::HEX),
    ];

    /// Returns the form that shows most of a body.
    fn best(entry: &Entry) -> Self {
        match &entry.body {
            Body::Bytes(_) => Self::Hex,
            Body::Text(text) if json::read(text).is_ok() => Self::Json,
            Body::Text(_) => Self::Text,
        }
    }
}

#[component]
pub fn Payload(entry: Signal<Arc<Entry>>) -> impl IntoView {
    let form = RwSignal::new(Form::best(&entry.get_untracked()));
    let folded = RwSignal::new(at_first(&entry.get_untracked()));
    let shown_id = StoredValue::new(String::new());
    effect(move |_| {
        let entry = entry.get();
        // A message is shown twice: first as the list keeps it, then completely.
        let key = format!("{} {}", entry.id, entry.is_cut());
        if shown_id.get_value() != key {
            shown_id.set_value(key);
            form.set(Form::best(&entry));
            folded.set(at_first(&entry));
        }
    });
    let choice = move |(own, label): (Form, Text)| {
        let is_taken = flag(move || form.get() == own);
        view! {
            <label>
                <input
                    type="radio"
                    name="payload-form"
                    prop:checked=is_taken
                    checked=is_taken.get_untracked()
                    on:change=move |_| form.set(own)
                />
                <span>{label.get()}</span>
            </label>
        }
    };
    let plain = live_text(move || {
        entry.with(|entry| match form.get() {
            Form::Json => String::new(),
            Form::Text => entry.body.text().into_owned(),
            Form::Hex => hex::lines(entry.body.bytes()).join("\n"),
        })
    });
    let is_json = move || form.get() == Form::Json;
    let lines = move || {
        if !is_json() {
            return Vec::new();
        }
        let entry = entry.get();
        let text = entry.body.text();
        let lines = json::read(&text).map(|json| fold::lines(&json, &folded.get()));
        lines
            .unwrap_or_default()
            .into_iter()
            .map(line)
            .collect_view()
    };
    let note = live_text(move || entry.with(|entry| note(entry, form.get())));
    view! {
        <fieldset class="segmented forms">
            <legend class="visually-hidden">{texts::topic::FORM.get()}</legend>
            <div>{Form::ALL.into_iter().map(choice).collect_view()}</div>
        </fieldset>
        <div
            class="json-tree"
            tabindex="0"
            role="group"
            aria-label=texts::topic::AS_JSON.get()
            translate="no"
            style:display=shown(is_json)
            on:click=move |click| turn(&click, folded)
        >
            {lines}
        </div>
        <pre
            class="payload"
            tabindex="0"
            aria-label=texts::topic::PAYLOAD.get()
            translate="no"
            style:display=shown(move || !is_json())
        >
            {plain}
        </pre>
        <p class="hint">{note}</p>
    }
}

/// Returns a sentence about what the form does not show; usually empty.
fn note(entry: &Entry, form: Form) -> String {
    let body = entry.body.bytes();
    match form {
        _ if entry.is_cut() => texts::topic::LOADING.get().into(),
        _ if body.is_empty() => texts::topic::EMPTY.get().into(),
        Form::Hex if body.len() > hex::MOST_BYTES => {
            texts::topic::FIRST_BYTES.with(&[&hex::MOST_BYTES.to_string(), &body.len().to_string()])
        }
        Form::Json => match json::read(&entry.body.text()) {
            Ok(_) => String::new(),
            Err(fault) => fault.words(),
        },
        Form::Text if matches!(entry.body, Body::Bytes(_)) => texts::topic::REPLACED.get().into(),
        _ => String::new(),
    }
}

fn at_first(entry: &Entry) -> BTreeSet<usize> {
    let text = entry.body.text();
    json::read(&text).map_or_else(|_| BTreeSet::new(), |json| fold::folded_at_first(&json))
}

fn line(line: Line) -> impl IntoView {
    let label = match line.is_folded {
        Some(true) => texts::topic::UNFOLD,
        _ => texts::topic::FOLD,
    };
    let expanded = line
        .is_folded
        .map(|is_folded| if is_folded { "false" } else { "true" });
    let button = line.is_folded.is_some().then(|| {
        view! {
            <button
                type="button"
                class="fold"
                data-node=line.node.to_string()
                aria-expanded=expanded
                aria-label=label.with(&[&line.key])
            ></button>
        }
    });
    let separator = if line.key.is_empty() { "" } else { ": " };
    view! {
        <div class="json-line" style=format!("--depth:{}", line.depth)>
            {button}
            <span class="json-key">{plain_text(line.key)}</span>
            {separator}
            <span class=line.kind.class()>{plain_text(line.text)}</span>
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

//! The opened message: its payload, its properties, its difference to the message before, and publishing it again.

use std::sync::Arc;

use leptos::prelude::*;

use super::payload::Payload;
use crate::{
    browser,
    figures::{bytes, grouped},
    payload::{
        difference::{Change, changes},
        picture::Picture,
    },
    publishing::{Draft, header_lines},
    reactive::{live_text, plain_text, shown, text, text_of},
    texts,
    topic::{Body, Entry, Log, Opened},
    zone::Zone,
};

#[component]
pub fn Message(
    log: Log,
    opened: RwSignal<Option<Opened>>,
    zone: RwSignal<Zone>,
    draft: RwSignal<Draft>,
    is_publishing: RwSignal<bool>,
) -> impl IntoView {
    let entry = Signal::derive(move || {
        opened.with(|opened| {
            opened
                .as_ref()
                .map(|opened| opened.entry.clone())
                .unwrap_or_default()
        })
    });
    let title = live_text(move || {
        texts::topic::MESSAGE.with(&[&grouped(entry.with(|entry| entry.sequence))])
    });
    let note = text(move || opened.with(|opened| opened.as_ref().map_or("", |opened| opened.note)));
    let is_shown = shown(move || opened.with(Option::is_some));
    view! {
        <section class="panel message-panel" aria-labelledby="message-title" style:display=is_shown>
            <div class="panel-head">
                <h2 id="message-title">{title}</h2>
                <button type="button" class="quiet" on:click=move |_| log.select(None)>
                    {texts::dialog::CLOSE.get()}
                </button>
            </div>
            <p class="fault">{text_of(note)}</p>
            <Payload entry />
            <Actions log entry draft is_publishing />
            <Difference opened />
            <h3>{texts::topic::PROPERTIES.get()}</h3>
            <dl class="properties">{move || properties(&entry.get(), zone.get())}</dl>
        </section>
    }
}

/// Returns the names and values of everything but the body.
pub fn properties(entry: &Entry, zone: Zone) -> impl IntoView + use<> {
    let position = entry
        .id
        .split_once('-')
        .map_or("", |(_, position)| position);
    let mut pairs = vec![
        (
            texts::topic::TIME.get().to_owned(),
            zone.date_and_time(entry.timestamp_ms),
        ),
        ("id".to_owned(), entry.id.clone()),
        (
            texts::topic::SEQUENCE.get().to_owned(),
            entry.sequence.to_string(),
        ),
        (texts::topic::POSITION.get().to_owned(), position.to_owned()),
        (
            texts::topic::PRODUCER.get().to_owned(),
            entry.producer.clone(),
        ),
    ];
    if !entry.is_cut() {
        pairs.push((
            texts::topic::SIZE.get().to_owned(),
            bytes(entry.body.bytes().len() as u64),
        ));
        pairs.push((
            texts::topic::CONTENT_TYPE.get().to_owned(),
            entry.content_type.clone(),
        ));
    }
    pairs.extend(entry.headers.iter().cloned());
    let draw = |(name, value)| {
        view! {
            <div>
                <dt translate="no">{plain_text(name)}</dt>
                <dd translate="no">{plain_text(value)}</dd>
            </div>
        }
    };
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    pairs.map(draw).collect_view()
}

/// Copies and saves the body, and fills the form with the message.
#[component]
fn Actions(
    log: Log,
    entry: Signal<Arc<Entry>>,
    draft: RwSignal<Draft>,
    is_publishing: RwSignal<bool>,
) -> impl IntoView {
    let result = RwSignal::new("");
    let copy = move |_| {
        let entry = entry.get_untracked();
        browser::copy(&entry.body.text(), move |is_done| {
            result.try_set(if is_done {
                texts::topic::COPIED.get()
            } else {
                texts::topic::NO_CLIPBOARD.get()
            });
        });
    };
    let save = move |_| {
        let entry = entry.get_untracked();
        let name = format!("{}-{}{}", log.topic(), entry.sequence, extension(&entry));
        let saved = browser::download(&name, entry.body.bytes());
        result.set(if saved.is_ok() {
            ""
        } else {
            texts::topic::NOT_SAVED.get()
        });
    };
    let again = move |_| {
        let entry = entry.get_untracked();
        draft.set(Draft {
            content_type: entry.content_type.clone(),
            headers: header_lines(&entry.headers),
            body: entry.body.text().into_owned(),
            ..Draft::default()
        });
        is_publishing.set(true);
        browser::focus("publish-body");
    };
    let is_text = move || entry.with(|entry| matches!(entry.body, Body::Text(_)));
    let is_cut = move || entry.with(|entry| entry.is_cut());
    let is_whole = move || entry.with(|entry| entry.is_whole());
    view! {
        <div class="buttons message-actions">
            <button type="button" on:click=copy disabled=is_cut>
                {texts::topic::COPY.get()}
            </button>
            <button type="button" on:click=save disabled=is_cut>
                {texts::topic::DOWNLOAD.get()}
            </button>
            <button type="button" on:click=again disabled=move || !is_whole() || !is_text()>
                {texts::topic::AGAIN.get()}
            </button>
        </div>
        <p class="hint" role="status">{live_text(move || result.get())}</p>
    }
}

/// Returns the extension of a file with the body.
fn extension(entry: &Entry) -> &'static str {
    let content_type = entry.content_type.to_ascii_lowercase();
    match &entry.body {
        _ if content_type.contains("json") => ".json",
        body => match Picture::of(body.bytes()) {
            Some(picture) => picture.format.extension(),
            None if matches!(body, Body::Text(_)) => ".txt",
            None => ".bin",
        },
    }
}

#[component]
fn Difference(opened: RwSignal<Option<Opened>>) -> impl IntoView {
    let found = Memo::new(move |_| {
        opened.with(|opened| {
            let opened = opened.as_ref().filter(|opened| !opened.entry.is_cut())?;
            let previous = opened.previous.as_ref()?.as_ref();
            Some(previous.map(|previous| changes(previous, &opened.entry)))
        })
    });
    let count = move || found.with(|found| Some(found.as_ref()?.as_ref().map(Vec::len)));
    let summary = live_text(move || match count() {
        None => String::new(),
        Some(None) => texts::topic::NO_PREVIOUS.get().to_owned(),
        Some(Some(0)) => texts::topic::UNCHANGED.get().to_owned(),
        Some(Some(1)) => texts::topic::ONE_CHANGE.get().to_owned(),
        Some(Some(count)) => texts::topic::CHANGES.with(&[&count.to_string()]),
    });
    let rows = move || {
        let changes = found.get().flatten().unwrap_or_default().into_iter();
        changes.map(change).collect_view()
    };
    view! {
        <h3>{texts::topic::DIFFERENCE.get()}</h3>
        <p class="aside">{summary}</p>
        <ul class="changes" translate="no">
            {rows}
        </ul>
    }
}

fn change(change: Change) -> impl IntoView {
    view! {
        <li>
            <b>{plain_text(change.place)}</b>
            <del>{plain_text(change.before.unwrap_or_default())}</del>
            <ins>{plain_text(change.after.unwrap_or_default())}</ins>
        </li>
    }
}

//! `/topics/NAME`: the messages of one topic as they arrive and as the broker keeps them.

mod image;
mod list;
mod message;
mod payload;
mod plot;

use leptos::prelude::*;

use crate::{
    Text, browser,
    components::PublishForm,
    explorer::topic_link,
    figures::{bytes, grouped},
    publishing::Draft,
    rate::rounded,
    reactive::{live_text, plain_text, shown, text, text_of},
    site::parameter,
    texts,
    topic::{
        Figures, Log, Place, Start, Tail,
        goal::{Goal, goal},
        opened,
    },
    zone::Zone,
};
use list::List;
use message::Message;
pub use message::properties;
pub use payload::Payload;
use plot::Plot;

#[component]
pub fn Topic(name: String) -> impl IntoView {
    let log = Log::new(Start {
        topic: name.clone(),
        at: parameter("at").unwrap_or_default(),
        filter: parameter("filter").unwrap_or_default(),
    });
    let zone = Zone::chosen();
    let opened = opened(log);
    let draft = RwSignal::new(Draft {
        content_type: "application/json".into(),
        ..Draft::default()
    });
    let is_publishing = RwSignal::new(false);
    let is_plotting = RwSignal::new(false);
    let class = text(move || match opened.with(Option::is_some) {
        true => "topic-split opened",
        false => "topic-split",
    });
    let destination = format!("api/{}", topic_link(&name));
    view! {
        <div class="page-head wide-head">
            <p class="trail">
                <a href="topics">{texts::shared::TOPICS.get()}</a>
            </p>
            <h1 translate="no">{plain_text(name)}</h1>
            <Totals log />
        </div>
        <Tools log />
        <p class="fault" role="status">{text_of(text(move || log.problem.get()))}</p>
        <div class=class>
            <section class="panel list-panel" aria-label=texts::shared::MESSAGES.get()>
                <ListHead log zone />
                <List log zone />
            </section>
            <Message log opened zone draft is_publishing />
        </div>
        <details class="panel" on:toggle=move |event| is_plotting.set(is_open(&event))>
            <summary>{texts::topic::PLOT.get()}</summary>
            <Plot log zone is_open=is_plotting />
        </details>
        <details
            class="panel"
            prop:open=move || is_publishing.get()
            on:toggle=move |event| is_publishing.set(is_open(&event))
        >
            <summary>{texts::topic::PUBLISH.get()}</summary>
            <PublishForm destination draft />
        </details>
    }
}

/// Returns whether the `details` element of a toggle event is open.
fn is_open(event: &web_sys::Event) -> bool {
    use wasm_bindgen::JsCast;
    let target = event.target();
    let element = target.and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| element.has_attribute("open"))
}

#[component]
fn Totals(log: Log) -> impl IntoView {
    let tile = move |name: Text, value: fn(&Figures) -> String| {
        view! {
            <div>
                <dt>{name.get()}</dt>
                <dd translate="no">{live_text(move || log.figures.with(value))}</dd>
            </div>
        }
    };
    let rate = move || {
        let rate = log.activity.with(|activity| activity.rate());
        // Two readings make a rate.
        rate.map_or_else(|| "–".to_owned(), rounded)
    };
    view! {
        <dl class="tallies">
            <div>
                <dt>{texts::list::RATE.get()}</dt>
                <dd translate="no">{live_text(rate)}</dd>
            </div>
            {tile(texts::topic::MESSAGES, |now| grouped(now.sequence))}
            {tile(texts::topic::LISTENERS, |now| grouped(now.listeners))}
            {tile(texts::topic::KEPT, |now| grouped(now.history_entries))}
            {tile(texts::topic::HELD, |now| bytes(now.history_bytes))}
            {tile(texts::topic::SKIPPED, |now| grouped(now.dropped))}
            {tile(texts::topic::LAG, |now| grouped(now.greatest_lag))}
        </dl>
    }
}

/// The filter, and the field that goes to a place.
#[component]
fn Tools(log: Log) -> impl IntoView {
    let filter = text(move || log.filter.get());
    let apply = move |event| log.apply(event_target_value(&event));
    let goal_fault = RwSignal::new(String::new());
    let go = move |event| {
        let typed = event_target_value(&event);
        let place = match goal(&typed) {
            Goal::Nothing => return goal_fault.set(String::new()),
            Goal::Place(place) => Some(place),
            Goal::Time(text) => browser::moment(&text).map(Place::Time),
        };
        goal_fault.set(match place {
            Some(place) => {
                log.go(place);
                String::new()
            }
            None => texts::topic::NO_GOAL.get().into(),
        });
    };
    let is_invalid =
        |fault: RwSignal<String>| text(move || fault.with(|fault| !fault.is_empty()).to_string());
    view! {
        <div class="tool-row">
            <div class="field grows">
                <label for="topic-filter">{texts::topic::FILTER.get()}</label>
                <input
                    id="topic-filter"
                    type="search"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder=texts::topic::FILTER_HINT.get()
                    value=filter.get_untracked()
                    prop:value=filter
                    on:change=apply
                    aria-invalid=is_invalid(log.filter_problem)
                    aria-describedby="topic-filter-fault"
                />
                <p id="topic-filter-fault" class="fault" aria-live="polite">
                    {text_of(text(move || log.filter_problem.get()))}
                </p>
            </div>
            <div class="field">
                <label for="topic-goal">{texts::topic::GO.get()}</label>
                <input
                    id="topic-goal"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder=texts::topic::GO_HINT.get()
                    on:change=go
                    aria-invalid=is_invalid(goal_fault)
                    aria-describedby="topic-goal-fault"
                />
                <p id="topic-goal-fault" class="fault" aria-live="polite">
                    {text_of(text(move || goal_fault.get()))}
                </p>
            </div>
        </div>
    }
}

/// The counts of the list, its pause and its time zone.
#[component]
fn ListHead(log: Log, zone: RwSignal<Zone>) -> impl IntoView {
    let summary = live_text(move || summary(log));
    let is_following = move || !log.tail.with(|tail| tail.is_paused() || tail.is_detached());
    let label = live_text(move || {
        if is_following() {
            texts::shared::PAUSE.get()
        } else {
            texts::shared::RESUME.get()
        }
    });
    let press = move |_| match untrack(is_following) {
        true => {
            log.is_held.set(true);
            log.pause();
        }
        false => log.follow(),
    };
    let other_zone = live_text(move || match zone.get() {
        Zone::Utc => "UTC",
        Zone::Local => texts::topic::LOCAL.get(),
    });
    let turn = move |_| {
        zone.update(|zone| {
            *zone = match zone {
                Zone::Utc => Zone::Local,
                Zone::Local => Zone::Utc,
            }
        });
    };
    view! {
        <div class="panel-head">
            <p class="aside list-summary">{summary}</p>
            <div class="head-buttons">
                <button
                    type="button"
                    class="quiet"
                    title=texts::topic::CHANGE_ZONE.get()
                    on:click=turn
                >
                    {other_zone}
                </button>
                <button type="button" on:click=press>
                    {label}
                </button>
            </div>
        </div>
        <p class="hint">
            {texts::topic::EXPORT.get()}
            <a href=text(move || log.export("ndjson")) download>
                "NDJSON"
            </a>
            " "
            <a href=text(move || log.export("csv")) download>
                "CSV"
            </a>
        </p>
        <button
            type="button"
            class="primary new-messages"
            style:display=shown(move || log.tail.with(|tail| tail.waiting() > 0))
            on:click=move |_| log.follow()
        >
            {live_text(move || texts::topic::NEW.with(&[&grouped(log.tail.with(Tail::waiting))]))}
        </button>
    }
}

/// Returns one sentence about what the list has and what it leaves out.
fn summary(log: Log) -> String {
    let (listed, missed) = log.tail.with(|tail| (tail.len() as u64, tail.missed()));
    let mut parts = vec![texts::topic::SHOWN.with(&[&grouped(listed)])];
    if log.filter.with(|filter| !filter.trim().is_empty()) {
        parts.push(texts::topic::LEFT_OUT.with(&[&grouped(log.left_out())]));
    }
    if missed > 0 {
        parts.push(texts::topic::TOO_SLOW.with(&[&grouped(missed)]));
    }
    parts.join(", ")
}

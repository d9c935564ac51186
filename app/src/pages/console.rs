//! `/console`: publishes from the moment it opens, and says so.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    browser::{self, Interval},
    connection::{Connection, Outcome},
    console::{Mode, Publisher, Sent, Settings, draft, period},
    navigation::Link,
    rate::rounded,
};

#[component]
pub fn Console() -> impl IntoView {
    let settings = Settings::new();
    let publisher = Publisher::new(settings);
    view! {
        <div class="page-head">
            <h1>"Console"</h1>
            <p>
                "Publishes for as long as it is open. Watch it from the "
                <Link to="/rect">"rectangle"</Link>
                " and the "
                <Link to="/chart">"chart"</Link>
                ", in as many windows as you like."
            </p>
        </div>
        <div class="split">
            <section class="panel controls" aria-label="Controls">
                <Announcement settings publisher />
                <Modes settings />
                <Show when=move || settings.mode.get() == Mode::Custom>
                    <Draft settings />
                </Show>
                <Period settings />
                <div class="buttons">
                    <PauseButton settings />
                    <button type="button" on:click=move |_| publisher.publish_one()>
                        "Send once"
                    </button>
                </div>
            </section>
            <SentList publisher />
        </div>
    }
}

/// In one sentence, what the page is doing to the broker.
#[component]
fn Announcement(settings: Settings, publisher: Publisher) -> impl IntoView {
    let connection = expect_context::<Connection>();
    let state = move || match (settings.ready.get(), settings.running.get()) {
        (false, _) => "waiting",
        (_, false) => "paused",
        _ if connection.is_live() => "publishing",
        _ => "waiting",
    };
    let title = move || match state() {
        "publishing" => "Publishing",
        "paused" => "Paused",
        _ => "Waiting for the connection",
    };
    let topic = move || match settings.mode.get() {
        Mode::Rect => "rect".to_owned(),
        Mode::Chart => "chart".to_owned(),
        Mode::Custom => settings.topic.get(),
    };
    let detail = move || match state() {
        "publishing" => format!(
            "One message to “{}” every {} ms, as {}.",
            topic(),
            settings.period_ms.get(),
            publisher.producer.get()
        ),
        "paused" => "Nothing is sent until you resume or send once.".into(),
        _ => "Nothing is sent, and nothing piles up.".into(),
    };
    view! {
        <div class="announcement" data-state=state>
            <p role="status">
                <strong>{title}</strong>
            </p>
            <p>{detail}</p>
        </div>
    }
}

#[component]
fn Modes(settings: Settings) -> impl IntoView {
    let choice = move |mode: Mode, label: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="mode"
                    value=mode.name()
                    checked=settings.mode.get_untracked() == mode
                    prop:checked=move || settings.mode.get() == mode
                    on:change=move |_| settings.mode.set(mode)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segmented">
            <legend>"What to publish"</legend>
            <div>
                {choice(Mode::Rect, "Rectangle")}
                {choice(Mode::Chart, "Chart")}
                {choice(Mode::Custom, "Custom")}
            </div>
        </fieldset>
    }
}

#[component]
fn Draft(settings: Settings) -> impl IntoView {
    let Settings { topic, body, .. } = settings;
    let topic_fault = Memo::new(move |_| topic.with(|topic| draft::topic_fault(topic)));
    let body_fault = Memo::new(move |_| body.with(|body| draft::body_fault(body)));
    let type_into = move |field: RwSignal<String>| {
        move |event| {
            field.set(event_target_value(&event));
            settings.edited();
        }
    };
    view! {
        <div class="field">
            <label for="draft-topic">"Topic"</label>
            <input
                id="draft-topic"
                type="text"
                autocomplete="off"
                spellcheck="false"
                prop:value=topic
                on:input=type_into(topic)
                aria-invalid=move || topic_fault.get().is_some().to_string()
                aria-describedby="draft-topic-fault"
            />
            <p id="draft-topic-fault" class="fault" aria-live="polite">{topic_fault}</p>
        </div>
        <div class="field">
            <label for="draft-body">"Body, JSON"</label>
            <textarea
                id="draft-body"
                rows="5"
                spellcheck="false"
                prop:value=body
                on:input=type_into(body)
                aria-invalid=move || body_fault.get().is_some().to_string()
                aria-describedby="draft-body-fault"
            ></textarea>
            <p id="draft-body-fault" class="fault" aria-live="polite">{body_fault}</p>
        </div>
    }
}

#[component]
fn Period(settings: Settings) -> impl IntoView {
    let fault = RwSignal::new(None::<&str>);
    let apply = move |text: String| match period::parse(&text) {
        Ok(period_ms) => {
            fault.set(None);
            settings.period_ms.set(period_ms);
        }
        Err(reason) => fault.set(Some(reason)),
    };
    let entered = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" {
            apply(event_target_value(&event));
        }
    };
    let explanation = move || {
        fault
            .get()
            .map(|reason| format!("{reason} The period stays {} ms.", settings.period_ms.get()))
    };
    view! {
        <div class="field">
            <label for="period">"Period in milliseconds"</label>
            <input
                id="period"
                class="short"
                type="text"
                inputmode="numeric"
                autocomplete="off"
                value=settings.period_ms.get_untracked()
                prop:value=settings.period_ms
                on:change=move |event| apply(event_target_value(&event))
                on:keydown=entered
                aria-invalid=move || fault.get().is_some().to_string()
                aria-describedby="period-hint period-fault"
            />
            <p id="period-hint" class="hint">
                "From 10 to 3600000. Applies when you leave the field or press Enter; hidden tabs "
                "are held to one message a second or less."
            </p>
            <p id="period-fault" class="fault" aria-live="polite">{explanation}</p>
        </div>
    }
}

#[component]
fn PauseButton(settings: Settings) -> impl IntoView {
    let label = move || {
        if settings.running.get() {
            "Pause"
        } else {
            "Resume"
        }
    };
    view! {
        <button
            type="button"
            class="primary"
            on:click=move |_| settings.running.update(|running| *running = !*running)
        >
            {label}
        </button>
    }
}

#[component]
fn SentList(publisher: Publisher) -> impl IntoView {
    let Publisher { tally, list, .. } = publisher;
    let now_ms = RwSignal::new(0.0);
    Effect::new(move |_| {
        StoredValue::new_local(Interval::every(500, move || now_ms.set(browser::now_ms())));
    });
    let per_second = move || rounded(tally.with(|tally| tally.per_second(now_ms.get())));
    view! {
        <section class="panel messages" aria-labelledby="sent-title">
            <div class="panel-head">
                <h2 id="sent-title">"Sent"</h2>
            </div>
            <dl class="tallies">
                <div>
                    <dt>"per second"</dt>
                    <dd data-figure="rate">{per_second}</dd>
                </div>
                <div>
                    <dt>"sent"</dt>
                    <dd data-figure="sent">{move || tally.with(|tally| tally.sent)}</dd>
                </div>
                <div>
                    <dt>"accepted"</dt>
                    <dd data-figure="accepted">{move || tally.with(|tally| tally.accepted)}</dd>
                </div>
                <div title="Refused by the broker, or lost with the connection before it answered">
                    <dt>"unanswered"</dt>
                    <dd data-figure="unanswered">{move || tally.with(|tally| tally.unanswered)}</dd>
                </div>
                <div title="Not sent, because there was no connection">
                    <dt>"skipped"</dt>
                    <dd data-figure="skipped">{move || tally.with(|tally| tally.skipped)}</dd>
                </div>
            </dl>
            <div class="scroller newest-first" role="log" aria-live="off" aria-label="Messages sent, the newest first" tabindex="0">
                <ol>
                    <For
                        each=move || list.with(|list| list.iter().cloned().collect::<Vec<_>>())
                        key=|sent| sent.key
                        let:sent
                    >
                        {sent_line(sent)}
                    </For>
                </ol>
                <p class="none" hidden=move || list.with(|list| !list.is_empty())>
                    "Nothing has been sent yet."
                </p>
            </div>
        </section>
    }
}

fn sent_line(sent: Arc<Sent>) -> impl IntoView {
    let outcome = sent.outcome.clone();
    let state = move || match &*outcome.read() {
        None => "sent",
        Some(Outcome::Accepted) => "accepted",
        Some(Outcome::Refused(_)) => "refused",
        Some(Outcome::Unknown) => "unknown",
    };
    view! {
        <li class="message">
            <b>{sent.topic.clone()}</b>
            <code>{sent.body.clone()}</code>
            <span class="outcome">{state}</span>
            <time>{browser::time_of_day(sent.unix_ms)}</time>
        </li>
    }
}

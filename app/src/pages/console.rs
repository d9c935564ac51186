//! `/console`: publishes from the moment it opens, and says so.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    browser::{self, Interval},
    connection::{Connection, Outcome},
    console::{Mode, Publisher, Sent, Settings, Tally, draft, period},
    navigation::Link,
    rate::rounded,
    reactive::{flag, once_live, text},
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
                <Link to="/rect" text="rectangle" />
                " and the "
                <Link to="/chart" text="chart" />
                ", in as many windows as you like."
            </p>
        </div>
        <div class="split">
            <section class="panel controls" aria-label="Controls">
                <Announcement settings publisher />
                <Modes settings />
                {move || {
                    (settings.mode.get() == Mode::Custom).then(|| view! { <Draft settings /> })
                }}
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
    let title = text(move || match state() {
        "publishing" => "Publishing",
        "paused" => "Paused",
        _ => "Waiting for the connection",
    });
    let topic = move || match settings.mode.get() {
        Mode::Rect => "rect".to_owned(),
        Mode::Chart => "chart".to_owned(),
        Mode::Custom => settings.topic.get(),
    };
    let detail = text(move || match state() {
        "publishing" => format!(
            "One message to “{}” every {} ms, as {}.",
            topic(),
            settings.period_ms.get(),
            publisher.producer.get()
        ),
        "paused" => "Nothing is sent until you resume or send once.".into(),
        _ => "Nothing is sent, and nothing piles up.".into(),
    });
    view! {
        <div class="announcement" data-state=text(state)>
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
                    prop:checked=flag(move || settings.mode.get() == mode)
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
    let topic_fault = fault(move || topic.with(|topic| draft::topic_fault(topic)));
    let body_fault = fault(move || body.with(|body| draft::body_fault(body)));
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
                prop:value=text(move || topic.get())
                on:input=type_into(topic)
                aria-invalid=is_fault(topic_fault)
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
                prop:value=text(move || body.get())
                on:input=type_into(body)
                aria-invalid=is_fault(body_fault)
                aria-describedby="draft-body-fault"
            ></textarea>
            <p id="draft-body-fault" class="fault" aria-live="polite">{body_fault}</p>
        </div>
    }
}

/// What is wrong, in words; nothing when all is right.
fn fault(find: impl Fn() -> Option<String> + Send + Sync + 'static) -> Signal<String> {
    text(move || find().unwrap_or_default())
}

/// The attribute `aria-invalid`.
fn is_fault(fault: Signal<String>) -> Signal<String> {
    text(move || fault.with(|fault| !fault.is_empty()).to_string())
}

#[component]
fn Period(settings: Settings) -> impl IntoView {
    let refused = RwSignal::new(None::<&str>);
    let apply = move |typed: String| match period::parse(&typed) {
        Ok(period_ms) => {
            refused.set(None);
            settings.period_ms.set(period_ms);
        }
        Err(reason) => refused.set(Some(reason)),
    };
    let entered = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" {
            apply(event_target_value(&event));
        }
    };
    let explanation = fault(move || {
        let reason = refused.get()?;
        Some(format!(
            "{reason} The period stays {} ms.",
            settings.period_ms.get()
        ))
    });
    let period = text(move || settings.period_ms.get().to_string());
    view! {
        <div class="field">
            <label for="period">"Period in milliseconds"</label>
            <input
                id="period"
                class="short"
                type="text"
                inputmode="numeric"
                autocomplete="off"
                value=period.get_untracked()
                prop:value=period
                on:change=move |event| apply(event_target_value(&event))
                on:keydown=entered
                aria-invalid=is_fault(explanation)
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
    once_live(move || {
        StoredValue::new_local(Interval::every(500, move || now_ms.set(browser::now_ms())));
    });
    let per_second = text(move || rounded(tally.with(|tally| tally.per_second(now_ms.get()))));
    let count = move |of: fn(&Tally) -> u64| text(move || tally.with(of).to_string());
    let is_listed = flag(move || list.with(|list| !list.is_empty()));
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
                    <dd data-figure="sent">{count(|tally| tally.sent)}</dd>
                </div>
                <div>
                    <dt>"accepted"</dt>
                    <dd data-figure="accepted">{count(|tally| tally.accepted)}</dd>
                </div>
                <div title="Refused by the broker, or lost with the connection before it answered">
                    <dt>"unanswered"</dt>
                    <dd data-figure="unanswered">{count(|tally| tally.unanswered)}</dd>
                </div>
                <div title="Not sent, because there was no connection">
                    <dt>"skipped"</dt>
                    <dd data-figure="skipped">{count(|tally| tally.skipped)}</dd>
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
                <p class="none" hidden=is_listed>
                    "Nothing has been sent yet."
                </p>
            </div>
        </section>
    }
}

fn sent_line(sent: Arc<Sent>) -> impl IntoView {
    let outcome = sent.outcome.clone();
    let state = text(move || match &*outcome.read() {
        None => "sent",
        Some(Outcome::Accepted) => "accepted",
        Some(Outcome::Refused(_)) => "refused",
        Some(Outcome::Unknown) => "unknown",
    });
    view! {
        <li class="message">
            <b>{sent.topic.clone()}</b>
            <code>{sent.body.clone()}</code>
            <span class="outcome">{state}</span>
            <time>{browser::time_of_day(sent.unix_ms)}</time>
        </li>
    }
}

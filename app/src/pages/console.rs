//! `/console`: publishes from the moment it opens, and shows that it does.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    components::{Count, Lines, MessageList, Tallies},
    connection::Connection,
    console::{Kind, Mode, Publisher, Settings, Tally, draft, period},
    reactive::{flag, live_text, shown, text, text_of},
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
                <a href="rect">"rectangle"</a>
                " and the "
                <a href="chart">"chart"</a>
                ", in as many windows as you like."
            </p>
        </div>
        <div class="split">
            <section class="panel controls" aria-label="Controls">
                <Announcement settings publisher />
                <Modes settings />
                <Draft settings />
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

/// One sentence about what the page publishes.
#[component]
fn Announcement(settings: Settings, publisher: Publisher) -> impl IntoView {
    let connection = expect_context::<Connection>();
    let state = move || match (settings.ready.get(), settings.running.get()) {
        (false, _) => "waiting",
        (_, false) => "paused",
        _ if settings.is_held() => "held",
        _ if connection.is_live() => "publishing",
        _ => "waiting",
    };
    let title = live_text(move || match state() {
        "publishing" => "Publishing",
        "paused" => "Paused",
        "held" => "Holding",
        _ => "Waiting for the connection",
    });
    let destination = move || match settings.mode.get() {
        Mode::Rect => "topic “rect”".to_owned(),
        Mode::Chart => "topic “chart”".to_owned(),
        Mode::Custom => format!("{} “{}”", settings.kind.get().name(), settings.name.get()),
    };
    let detail = live_text(move || match state() {
        "publishing" => format!(
            "One message to {} every {} ms, as {}.",
            destination(),
            settings.period_ms.get(),
            publisher.producer.get()
        ),
        "held" => "Nothing is sent until the message is valid.".into(),
        "paused" => "Nothing is sent until you resume or send once.".into(),
        _ => "Nothing is sent and nothing is queued.".into(),
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
    let mode = settings.mode;
    let choice = move |own: Mode, label| Choice {
        value: own.name(),
        label,
        is_taken: flag(move || mode.get() == own),
        take: Box::new(move || mode.set(own)),
    };
    view! {
        <fieldset class="segmented">
            <legend>"What to publish"</legend>
            <div>
                {choice(Mode::Rect, "Rectangle").draw("mode")}
                {choice(Mode::Chart, "Chart").draw("mode")}
                {choice(Mode::Custom, "Custom").draw("mode")}
            </div>
        </fieldset>
    }
}

#[component]
fn Kinds(settings: Settings) -> impl IntoView {
    let kind = settings.kind;
    let choice = move |own: Kind| Choice {
        value: own.name(),
        label: own.label(),
        is_taken: flag(move || kind.get() == own),
        take: Box::new(move || {
            kind.set(own);
            settings.edited();
        }),
    };
    view! {
        <fieldset class="segmented">
            <legend class="visually-hidden">"Where to"</legend>
            <div>
                {choice(Kind::Topic).draw("kind")}
                {choice(Kind::Queue).draw("kind")}
            </div>
        </fieldset>
    }
}

/// One option of a group of radio buttons.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_taken: Signal<bool>,
    take: Box<dyn Fn()>,
}

impl Choice {
    fn draw(self, group: &'static str) -> impl IntoView {
        let take = self.take;
        view! {
            <label>
                <input
                    type="radio"
                    name=group
                    value=self.value
                    checked=self.is_taken.get_untracked()
                    prop:checked=self.is_taken
                    on:change=move |_| take()
                />
                <span>{self.label}</span>
            </label>
        }
    }
}

#[component]
fn Draft(settings: Settings) -> impl IntoView {
    let Settings {
        kind, name, body, ..
    } = settings;
    let name_fault = fault(move || name.with(|name| draft::name_fault(name)));
    let body_fault = fault(move || body.with(|body| draft::body_fault(body)));
    let type_into = move |field: RwSignal<String>| {
        move |event| {
            field.set(event_target_value(&event));
            settings.edited();
        }
    };
    let is_custom = shown(move || settings.mode.get() == Mode::Custom);
    view! {
        <div class="field" style:display=is_custom>
            <label for="draft-name">{live_text(move || kind.get().label())}</label>
            <div class="destination">
                <input
                    id="draft-name"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=text(move || name.get())
                    on:input=type_into(name)
                    aria-invalid=is_fault(name_fault)
                    aria-describedby="draft-name-fault"
                />
                <Kinds settings />
            </div>
            <p id="draft-name-fault" class="fault" aria-live="polite">{text_of(name_fault)}</p>
        </div>
        <div class="field" style:display=is_custom>
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
            <p id="draft-body-fault" class="fault" aria-live="polite">{text_of(body_fault)}</p>
        </div>
    }
}

/// Returns the reason why the input is not valid; empty if it is valid.
fn fault(find: impl Fn() -> Option<String> + Send + Sync + 'static) -> Signal<String> {
    text(move || find().unwrap_or_default())
}

/// Returns the attribute `aria-invalid`.
fn is_fault(fault: Signal<String>) -> Signal<String> {
    text(move || fault.with(|fault| !fault.is_empty()).to_string())
}

#[component]
fn Period(settings: Settings) -> impl IntoView {
    let refused = RwSignal::new(String::new());
    let apply = move |typed: String| match period::parse(&typed) {
        Ok(period_ms) => {
            refused.set(String::new());
            settings.period_ms.set(period_ms);
        }
        Err(reason) => refused.set(reason.into()),
    };
    let entered = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" {
            apply(event_target_value(&event));
        }
    };
    let explanation = text(move || match refused.get() {
        reason if reason.is_empty() => reason,
        reason => format!("{reason} The period stays {} ms.", settings.period_ms.get()),
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
            <p id="period-fault" class="fault" aria-live="polite">{text_of(explanation)}</p>
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
            {live_text(label)}
        </button>
    }
}

#[component]
fn SentList(publisher: Publisher) -> impl IntoView {
    let tally = publisher.tally;
    let lines: Lines = Arc::new(move || tally.with(|tally| tally.list.clone()));
    let per_second = move |now_ms| tally.with(|tally| tally.per_second(now_ms));
    let count = |name, meaning, of: fn(&Tally) -> u64| Count {
        name,
        meaning,
        of: text(move || tally.with(of).to_string()),
    };
    let counts = vec![
        count("sent", "Handed to the connection", |tally| tally.sent),
        count("accepted", "Accepted by the broker", |tally| tally.accepted),
        count("failed", "Refused, or lost with the connection", |tally| {
            tally.failed
        }),
        count("skipped", "Not sent: there was no connection", |tally| {
            tally.skipped
        }),
    ];
    view! {
        <section class="panel messages" aria-labelledby="sent-title">
            <div class="panel-head">
                <h2 id="sent-title">"Sent"</h2>
            </div>
            <Tallies per_second counts />
            <MessageList
                lines
                label="Messages sent, the newest last"
                none="Nothing has been sent yet."
            />
        </section>
    }
}

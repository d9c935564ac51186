//! `/console`: publishes from the moment it opens, and shows that it does.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    components::{Count, Lines, MessageList, Tallies},
    connection::Connection,
    console::{Kind, Mode, Publisher, Settings, Tally, draft, period},
    figures::grouped,
    reactive::{flag, live_text, shown, text, text_of},
    texts,
};

#[component]
pub fn Console() -> impl IntoView {
    let settings = Settings::new();
    let publisher = Publisher::new(settings);
    view! {
        <div class="page-head">
            <h1>{texts::shared::CONSOLE.get()}</h1>
            <p inner_html=texts::console::INTRO.get()></p>
        </div>
        <div class="split">
            <section class="panel controls" aria-label=texts::console::CONTROLS.get()>
                <Announcement settings publisher />
                <Modes settings />
                <Draft settings />
                <Period settings />
                <div class="buttons">
                    <PauseButton settings />
                    <button type="button" on:click=move |_| publisher.publish_one()>
                        {texts::console::SEND_ONCE.get()}
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
        "publishing" => texts::console::PUBLISHING.get(),
        "paused" => texts::console::PAUSED.get(),
        "held" => texts::console::HOLDING.get(),
        _ => texts::console::WAITING.get(),
    });
    let destination = move || match settings.mode.get() {
        Mode::Rect => texts::console::TO_RECT.get().to_owned(),
        Mode::Chart => texts::console::TO_CHART.get().to_owned(),
        Mode::Custom => format!("{} “{}”", settings.kind.get().word(), settings.name.get()),
    };
    let detail = live_text(move || match state() {
        "publishing" => texts::console::DETAIL.with(&[
            &destination(),
            &settings.period_ms.get().to_string(),
            &publisher.producer.get(),
        ]),
        "held" => texts::console::HELD_DETAIL.get().into(),
        "paused" => texts::console::PAUSED_DETAIL.get().into(),
        _ => texts::console::WAITING_DETAIL.get().into(),
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
            <legend>{texts::console::WHAT.get()}</legend>
            <div>
                {choice(Mode::Rect, texts::shared::RECTANGLE.get()).draw("mode")}
                {choice(Mode::Chart, texts::shared::CHART.get()).draw("mode")}
                {choice(Mode::Custom, texts::console::CUSTOM.get()).draw("mode")}
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
            <legend class="visually-hidden">{texts::console::WHERE.get()}</legend>
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
            <label for="draft-body">{texts::console::BODY.get()}</label>
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
        reason => texts::console::STAYS.with(&[&reason, &settings.period_ms.get().to_string()]),
    });
    let period = text(move || settings.period_ms.get().to_string());
    view! {
        <div class="field">
            <label for="period">{texts::console::PERIOD.get()}</label>
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
                {texts::console::PERIOD_HINT.get()}
            </p>
            <p id="period-fault" class="fault" aria-live="polite">{text_of(explanation)}</p>
        </div>
    }
}

#[component]
fn PauseButton(settings: Settings) -> impl IntoView {
    let label = move || {
        if settings.running.get() {
            texts::shared::PAUSE.get()
        } else {
            texts::shared::RESUME.get()
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
    let count = |name, label, meaning, of: fn(&Tally) -> u64| Count {
        name,
        label,
        meaning,
        of: text(move || grouped(tally.with(of))),
    };
    let counts = vec![
        count(
            "sent",
            texts::console::SENT,
            texts::console::SENT_MEANING,
            |tally| tally.sent,
        ),
        count(
            "accepted",
            texts::console::ACCEPTED,
            texts::console::ACCEPTED_MEANING,
            |tally| tally.accepted,
        ),
        count(
            "failed",
            texts::console::FAILED,
            texts::console::FAILED_MEANING,
            |tally| tally.failed,
        ),
        count(
            "skipped",
            texts::console::SKIPPED,
            texts::console::SKIPPED_MEANING,
            |tally| tally.skipped,
        ),
    ];
    view! {
        <section class="panel messages" aria-labelledby="sent-title">
            <div class="panel-head">
                <h2 id="sent-title">{texts::console::SENT_TITLE.get()}</h2>
            </div>
            <Tallies per_second counts />
            <MessageList
                lines
                label=texts::console::SENT_LIST.get()
                none=texts::console::NONE_SENT.get()
            />
        </section>
    }
}

//! The settings of the page.

use leptos::prelude::*;

use crate::{
    browser,
    order::{
        Settings, letter,
        settings::{FEWEST, LONGEST_DELAY_MS, MOST, MOST_MESSAGES, number},
    },
    reactive::{flag, plain_text, shown, text, text_of},
    texts::order as texts,
};

#[component]
pub fn Controls(settings: RwSignal<Settings>) -> impl IntoView {
    let fault = RwSignal::new(String::new());
    let field = Field { settings, fault };
    let new_seed = move |_| {
        let seed = (browser::chance() * f64::from(SEEDS)) as u32;
        settings.update(|settings| settings.seed = seed);
    };
    let delay = move |index: usize| {
        let label = texts::DELAY_OF.with(&[&letter(index as u8).to_string()]);
        let is_there = shown(move || settings.with(|settings| index < settings.producers));
        view! {
            <div class="field" style:display=is_there>
                {field
                    .draw(
                        Number {
                            id: DELAY_IDS[index],
                            label,
                            least: 0,
                            most: LONGEST_DELAY_MS,
                        },
                        move |settings| settings.delays_ms[index],
                        move |settings, delay| settings.delays_ms[index] = delay,
                    )}
            </div>
        }
    };
    let slow = move |index: usize| {
        let label = texts::SLOW_OF.with(&[&(index + 1).to_string()]);
        let is_slow = flag(move || settings.with(|settings| settings.slow[index]));
        let is_there = shown(move || settings.with(|settings| index < settings.subscribers));
        let toggled = move |event| {
            let is_slow = event_target_checked(&event);
            settings.update(|settings| settings.slow[index] = is_slow);
        };
        view! {
            <label class="check" style:display=is_there>
                <input
                    type="checkbox"
                    checked=is_slow.get_untracked()
                    prop:checked=is_slow
                    on:change=toggled
                />
                <span>{label}</span>
            </label>
        }
    };
    let messages = Number {
        id: "order-messages",
        label: texts::MESSAGES.get().into(),
        least: 1,
        most: MOST_MESSAGES,
    };
    let seed = Number {
        id: "order-seed",
        label: texts::SEED.get().into(),
        least: 0,
        most: u32::MAX,
    };
    view! {
        <section class="panel order-controls" aria-label=texts::SETTINGS.get()>
            <div class="tool-row">
                <div class="field">
                    {count(
                        "order-producers",
                        texts::PRODUCERS.get(),
                        settings,
                        |settings| &mut settings.producers,
                    )}
                </div>
                <div class="field">
                    {count(
                        "order-subscribers",
                        texts::SUBSCRIBERS.get(),
                        settings,
                        |settings| &mut settings.subscribers,
                    )}
                </div>
                <div class="field">
                    {field
                        .draw(
                            messages,
                            |settings| settings.messages,
                            |settings, messages| settings.messages = messages,
                        )}
                </div>
                <div class="field">
                    {field.draw(seed, |settings| settings.seed, |settings, seed| settings.seed = seed)}
                </div>
                <button class="beside-field" type="button" on:click=new_seed>
                    {texts::NEW_SEED.get()}
                </button>
            </div>
            <fieldset class="many">
                <legend>{texts::DELAYS.get()}</legend>
                <div class="tool-row">{(0..MOST).map(delay).collect_view()}</div>
            </fieldset>
            <fieldset class="many">
                <legend>{texts::SLOW.get()}</legend>
                <div class="checks">{(0..MOST).map(slow).collect_view()}</div>
            </fieldset>
            <p class="fault" role="status">
                {text_of(text(move || fault.get()))}
            </p>
            <p class="hint">{texts::ADDRESS_NOTE.get()}</p>
        </section>
    }
}

/// Draws a choice of a number of producers or subscribers.
fn count(
    id: &'static str,
    label: &'static str,
    settings: RwSignal<Settings>,
    of: fn(&mut Settings) -> &mut usize,
) -> impl IntoView {
    let value = move |mut settings: Settings| *of(&mut settings);
    let first = value(settings.get_untracked());
    let chosen = text(move || value(settings.get()).to_string());
    let changed = move |event| {
        if let Some(count) = number(&event_target_value(&event), FEWEST, MOST) {
            settings.update(|settings| *of(settings) = count);
        }
    };
    let option = move |count: usize| {
        let (value, text) = (count.to_string(), count.to_string());
        view! {
            <option value=value selected=count == first>
                {text}
            </option>
        }
    };
    view! {
        <label for=id>{label}</label>
        <select id=id prop:value=chosen on:change=changed>
            {(FEWEST..=MOST).map(option).collect_view()}
        </select>
    }
}

/// The properties that all fields for numbers have.
#[derive(Clone, Copy)]
struct Field {
    settings: RwSignal<Settings>,
    /// The fault of the field that was changed last.
    fault: RwSignal<String>,
}

struct Number {
    id: &'static str,
    label: String,
    least: u32,
    most: u32,
}

impl Field {
    /// Draws a field for a whole number. A text that is no number within the bounds changes nothing, and the reason is shown.
    fn draw(
        self,
        number_of: Number,
        read: impl Fn(&Settings) -> u32 + Copy + Send + Sync + 'static,
        write: impl Fn(&mut Settings, u32) + Copy + Send + Sync + 'static,
    ) -> impl IntoView {
        let Self { settings, fault } = self;
        let Number {
            id,
            label,
            least,
            most,
        } = number_of;
        let value = text(move || settings.with(|settings| read(settings)).to_string());
        let changed = move |event| match number(&event_target_value(&event), least, most) {
            Some(number) => {
                fault.set(String::new());
                settings.update(|settings| write(settings, number));
            }
            None => fault.set(texts::BAD_NUMBER.with(&[&least.to_string(), &most.to_string()])),
        };
        view! {
            <label for=id>{plain_text(label)}</label>
            <input
                id=id
                type="text"
                inputmode="numeric"
                autocomplete="off"
                value=value.get_untracked()
                prop:value=value
                on:change=changed
            />
        }
    }
}

const DELAY_IDS: [&str; MOST] = [
    "order-delay-1",
    "order-delay-2",
    "order-delay-3",
    "order-delay-4",
    "order-delay-5",
];
/// The number of seeds from which the button chooses: short ones.
const SEEDS: u32 = 100_000;

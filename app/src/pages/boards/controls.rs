//! The tiles that publish: button, slider and switch. Slider and switch also show the newest value of their topic, so two
//! people who use the same one see each other.

use leptos::prelude::*;

use super::{arrange::Arranger, tile::seconds};
use crate::{
    boards::{Kind, Outcome, Sender, Shown, State, Tile, rounded, written},
    number,
    reactive::{flag, live_text, plain_text, text},
    texts::boards as texts,
};

/// Draws a tile that publishes.
pub fn control(tile: &Tile, state: RwSignal<State>, arranger: Arranger) -> impl IntoView + use<> {
    let sender = Sender::new(tile);
    let topic = tile.topic.clone();
    let is_off = flag(move || !arranger.desk.may_publish(&topic));
    let control = match tile.kind {
        Kind::Slider => slider(tile, state, sender, is_off).into_any(),
        Kind::Switch => switch(tile, state, sender, is_off).into_any(),
        _ => button(tile, sender, is_off).into_any(),
    };
    let zone = arranger.zone;
    let outcome = live_text(move || match sender.outcome.get() {
        Outcome::Nothing => String::new(),
        Outcome::Sent(unix_ms) => {
            texts::SENT_AT.with(&[&seconds(&zone.get().time_of_day(unix_ms))])
        }
        Outcome::Refused(words) => words,
    });
    let class = text(move || match sender.outcome.get() {
        Outcome::Refused(_) => "outcome refused",
        _ => "outcome",
    });
    view! {
        {control}
        <p class=class role="status">{outcome}</p>
    }
}

fn button(tile: &Tile, sender: Sender, is_off: Signal<bool>) -> impl IntoView + use<> {
    let body = tile.send.clone();
    let label = match tile.title.is_empty() {
        true => texts::PUBLISH.get().to_owned(),
        false => tile.title.clone(),
    };
    view! {
        <button
            type="button"
            class="primary send"
            disabled=is_off
            on:click=move |_| sender.send(body.clone())
        >
            {plain_text(label)}
        </button>
    }
}

fn slider(
    tile: &Tile,
    state: RwSignal<State>,
    sender: Sender,
    is_off: Signal<bool>,
) -> impl IntoView + use<> {
    let (min, max) = (tile.min.unwrap_or(0.0), tile.max.unwrap_or(100.0));
    let step = tile.step.unwrap_or((max - min) / 100.0);
    // The reader's value, until it is published.
    let own = RwSignal::new(None::<f64>);
    let shown = move || {
        let newest = state.with(|state| match &state.shown {
            Shown::Number(value) => Some(*value),
            _ => None,
        });
        own.get().filter(|_| sender.is_busy()).or(newest)
    };
    let field = tile.field.clone();
    let unit = tile.unit.clone();
    let moved = move |event| {
        let value = event_target_value(&event);
        own.set(Some(number::parsed(&value)));
        sender.send(written(&field, &value));
    };
    let words = live_text(move || match shown() {
        Some(value) => format!("{}{unit}", rounded(value)),
        None => texts::NO_VALUE.get().into(),
    });
    let value = text(move || number::plain(shown().unwrap_or(min)));
    view! {
        <div class="slider">
            <input
                type="range"
                aria-label=tile.name().to_owned()
                min=number::plain(min)
                max=number::plain(max)
                step=number::plain(step)
                value=value.get_untracked()
                prop:value=value
                disabled=is_off
                on:input=moved
            />
            <p class="value" translate="no">{words}</p>
        </div>
    }
}

fn switch(
    tile: &Tile,
    state: RwSignal<State>,
    sender: Sender,
    is_off: Signal<bool>,
) -> impl IntoView + use<> {
    let own = RwSignal::new(None::<bool>);
    let is_on = flag(move || {
        let newest = state.with(|state| state.shown == Shown::Switch(true));
        own.get().filter(|_| sender.is_busy()).unwrap_or(newest)
    });
    let field = tile.field.clone();
    let turned = move |event| {
        let on = event_target_checked(&event);
        own.set(Some(on));
        sender.send(written(&field, if on { "true" } else { "false" }));
    };
    let words = live_text(move || if is_on.get() { texts::ON } else { texts::OFF }.get());
    view! {
        <label class="switch">
            <input
                type="checkbox"
                role="switch"
                aria-label=tile.name().to_owned()
                checked=is_on.get_untracked()
                prop:checked=is_on
                disabled=is_off
                on:change=turned
            />
            <span>{words}</span>
        </label>
    }
}

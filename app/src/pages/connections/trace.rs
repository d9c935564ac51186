//! The trace of a connection: the frames in both directions, while the reader watches.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;

use crate::{
    Text, browser,
    browser::Appointment,
    components::Switch,
    connections::{Filter, Frame, Frames},
    event_source::Events,
    reactive::{effect, hold, live_text, once_live, plain_text, shown},
    texts,
};

/// Events that have arrived and are not drawn yet, with their names.
type Waiting = Rc<RefCell<Vec<(String, String)>>>;

/// The trace of a connection. It runs while the component is shown.
#[component]
pub fn Trace(id: u64) -> impl IntoView {
    let frames = RwSignal::new(Frames::default());
    let state = RwSignal::new(texts::trace::STARTING);
    let is_paused = RwSignal::new(false);
    let filter = RwSignal::new(Filter::default());
    once_live(move || watch(id, frames, state, is_paused));
    effect(move |_| {
        if !is_paused.get() {
            frames.update(Frames::go_on);
        }
    });
    let list = Memo::new(move |_| frames.with(|frames| filter.with(|filter| frames.shown(filter))));
    let count = move || {
        let kept = frames.with(Frames::len);
        match frames.with(Frames::is_empty) {
            true => String::new(),
            false => {
                let shown = list.with(Vec::len);
                texts::trace::COUNT.with(&[&shown.to_string(), &kept.to_string()])
            }
        }
    };
    let kinds = Memo::new(move |_| frames.with(|frames| frames.kinds().to_vec()));
    let direction_id = format!("trace-direction-{id}");
    let kind_id = format!("trace-kind-{id}");
    view! {
        <div class="peer-details trace">
            <p class="aside" role="status">
                {live_text(move || state.get().get())}
            </p>
            <div class="trace-choice">
                <Switch on=is_paused label=texts::trace::PAUSE.get() />
                <span>
                    <label for=direction_id.clone()>{texts::trace::DIRECTION.get()}</label>
                    " "
                    <select
                        id=direction_id
                        on:change=move |event| {
                            filter.update(|filter| filter.direction = event_target_value(&event));
                        }
                    >
                        <option value="">{texts::trace::BOTH.get()}</option>
                        <option value="in">{texts::trace::IN.get()}</option>
                        <option value="out">{texts::trace::OUT.get()}</option>
                    </select>
                </span>
                <span>
                    <label for=kind_id.clone()>{texts::trace::KIND.get()}</label>
                    " "
                    <select
                        id=kind_id
                        on:change=move |event| {
                            filter.update(|filter| filter.kind = event_target_value(&event));
                        }
                    >
                        <option value="">{texts::trace::ALL_KINDS.get()}</option>
                        {move || kinds.get().into_iter().map(option).collect_view()}
                    </select>
                </span>
            </div>
            <p class="aside" style:display=shown(move || !frames.with(Frames::is_empty))>
                {live_text(count)}
            </p>
            // Not a live region: a screen reader would read every frame.
            <ol class="frames" aria-label=texts::trace::FRAMES.get() tabindex="0">
                {move || list.get().into_iter().map(line).collect_view()}
            </ol>
        </div>
    }
}

/// Follows the events of the trace, and draws those of a moment together.
fn watch(id: u64, frames: RwSignal<Frames>, state: RwSignal<Text>, is_paused: RwSignal<bool>) {
    let waiting = Waiting::default();
    let arrived = Rc::clone(&waiting);
    hold(Appointment::every(DRAW_PERIOD_MS, move || {
        let events = std::mem::take(&mut *arrived.borrow_mut());
        if events.is_empty() {
            return;
        }
        let is_paused = is_paused.get_untracked();
        frames.update(|frames| {
            for (name, data) in &events {
                match is_paused {
                    true => frames.count_paused(name),
                    false => frames.take(name, data),
                }
            }
        });
    }));
    let on_event = move |name: &str, data: &str| match name {
        "trace" => state.set(texts::trace::RUNNING),
        "end" => state.set(texts::trace::ENDED),
        _ => waiting
            .borrow_mut()
            .push((name.to_owned(), data.to_owned())),
    };
    let names = ["trace", "frame", "left-out", "end"];
    let address = format!("api/trace?connection={id}");
    let refused = move || state.set(texts::trace::REFUSED);
    match Events::open(&address, &names, "end", on_event, refused) {
        Some(events) => hold(events),
        None => state.set(texts::trace::REFUSED),
    }
}

/// An option that has the same value and text.
fn option(kind: String) -> impl IntoView {
    let value = kind.clone();
    view! {
        <option value=value translate="no">
            {kind}
        </option>
    }
}

/// A line of the list.
fn line(frame: Frame) -> impl IntoView {
    let time = match frame.at_ms {
        0 => String::new(),
        at_ms => {
            let ms = at_ms % 1_000;
            format!("{}.{ms:03}", browser::time_of_day(at_ms as f64))
        }
    };
    let (arrow, spoken) = match &*frame.direction {
        "in" => ("→", texts::trace::IN.get()),
        "out" => ("←", texts::trace::OUT.get()),
        _ => ("", ""),
    };
    view! {
        <li translate="no">
            <span class="peer-note">{plain_text(time)}</span>
            " "
            <span role="img" aria-label=spoken>
                {arrow}
            </span>
            " "
            <strong>{plain_text(frame.kind)}</strong>
            " "
            <span>{plain_text(frame.words)}</span>
        </li>
    }
}

/// Time between two drawings, so that 500 frames a second do not occupy the browser.
const DRAW_PERIOD_MS: u32 = 200;

//! A tile: its frame with title and handles, its content, and what is wrong with it.

use leptos::{either::Either, prelude::*};

use super::{
    arrange::{Arranger, Grip, handle_id},
    controls::control,
    pictures::picture,
    settings::Edited,
};
use crate::{
    boards::{State, Tile},
    figures::grouped,
    reactive::{live_text, plain_text, shown, text},
    texts::boards as texts,
};

/// Draws a tile. It is drawn again when its settings change; its place and its values are signals.
pub fn tile_view(tile: Tile, arranger: Arranger, is_editing: bool) -> impl IntoView {
    let state = RwSignal::from(arranger.desk.state(&tile));
    let id = tile.id;
    let title = tile.name().to_owned();
    let column = text(move || {
        let place = arranger.place_of(id);
        format!("{} / span {}", place.x + 1, place.w)
    });
    let row = text(move || {
        let place = arranger.place_of(id);
        format!("{} / span {}", place.y + 1, place.h)
    });
    let content = match tile.kind.publishes() {
        true => Either::Left(control(&tile, state, arranger)),
        false => Either::Right(picture(&tile, state, arranger.zone)),
    };
    let handles = is_editing.then(|| handles(id, &title, arranger));
    let corner = is_editing.then(|| corner(id, &title, arranger));
    view! {
        <div
            role="group"
            class=format!("tile tile-{}", tile.kind.name())
            aria-label=title.clone()
            style:grid-column=column
            style:grid-row=row
        >
            <div class="tile-head">
                <h2 translate="no">{plain_text(title.clone())}</h2>
                {handles}
            </div>
            <div class="tile-body">{content}</div>
            {notes(&tile, state, arranger)}
            {foot(&tile, state, arranger)}
            {corner}
        </div>
    }
}

/// The buttons of a tile that is edited.
fn handles(id: u32, title: &str, arranger: Arranger) -> impl IntoView + use<> {
    view! {
        <div class="tile-buttons">
            <button
                type="button"
                class="handle"
                id=handle_id(id)
                title=texts::MOVE_TILE.with(&[title])
                aria-label=texts::MOVE_TILE.with(&[title])
                aria-describedby="arrange-hint"
                on:pointerdown=move |event| arranger.grip(&event, id, Grip::Move)
                on:pointermove=move |event| arranger.drag(&event)
                on:pointerup=move |_| arranger.drop_tile()
                on:pointercancel=move |_| arranger.cancel()
                on:keydown=move |event| arranger.pressed(&event, id)
            >
                <span aria-hidden="true">"✥"</span>
            </button>
            <button
                type="button"
                title=texts::SETTINGS_OF.with(&[title])
                aria-label=texts::SETTINGS_OF.with(&[title])
                on:click=move |_| arranger.edited.set(Edited::Tile(id))
            >
                <span aria-hidden="true">"⚙"</span>
            </button>
            <button
                type="button"
                title=texts::REMOVE_TILE.with(&[title])
                aria-label=texts::REMOVE_TILE.with(&[title])
                on:click=move |_| arranger.remove(id)
            >
                <span aria-hidden="true">"✕"</span>
            </button>
        </div>
    }
}

/// The corner that changes the size. The keyboard does it at the handle, so the corner is not in the order of focus.
fn corner(id: u32, title: &str, arranger: Arranger) -> impl IntoView + use<> {
    view! {
        <span
            class="corner"
            title=texts::SIZE_TILE.with(&[title])
            aria-hidden="true"
            on:pointerdown=move |event| arranger.grip(&event, id, Grip::Size)
            on:pointermove=move |event| arranger.drag(&event)
            on:pointerup=move |_| arranger.drop_tile()
            on:pointercancel=move |_| arranger.cancel()
        ></span>
    }
}

/// The missing part: a right, or the value in the newest message.
fn notes(tile: &Tile, state: RwSignal<State>, arranger: Arranger) -> impl IntoView + use<> {
    let desk = arranger.desk;
    let tile = tile.clone();
    let words = move || {
        let topic = &*tile.topic;
        if tile.kind.reads() && !desk.may_read(topic) {
            return texts::MAY_NOT_READ.with(&[topic]);
        }
        if tile.kind.publishes() && !desk.may_publish(topic) {
            return texts::MAY_NOT_PUBLISH.with(&[topic]);
        }
        if state.with(|state| state.lacks_field) {
            let field = match tile.field.trim() {
                "" => texts::WHOLE_BODY.get(),
                field => field,
            };
            return texts::LACKS_FIELD.with(&[field]);
        }
        match state.with(|state| state.missed) {
            0 => String::new(),
            missed => texts::MISSED.with(&[&grouped(missed)]),
        }
    };
    view! { <p class="tile-note">{live_text(words)}</p> }
}

/// The time of the newest message, and the number of messages. All messages are counted, whatever is drawn.
fn foot(tile: &Tile, state: RwSignal<State>, arranger: Arranger) -> impl IntoView + use<> {
    let zone = arranger.zone;
    let is_known = move || state.with(|state| state.unix_ms > 0.0);
    let time = live_text(move || match state.with(|state| state.unix_ms) {
        0.0 => String::new(),
        unix_ms => seconds(&zone.get().time_of_day(unix_ms)),
    });
    let count = live_text(move || grouped(state.with(|state| state.received)));
    let explained = text(move || {
        let count = grouped(state.with(|state| state.received));
        texts::COUNT.with(&[&count])
    });
    tile.kind.reads().then(|| {
        view! {
            <p class="tile-foot" translate="no" style:display=shown(is_known)>
                <span title=texts::AGE.get()>{time}</span>
                <span class="count" title=explained>
                    {count}
                </span>
            </p>
        }
    })
}

/// Returns a time of day without its milliseconds.
pub fn seconds(time: &str) -> String {
    time.split('.').next().unwrap_or_default().to_owned()
}

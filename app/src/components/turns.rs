//! The buttons to other pages of a list; hidden while there is only one.

use leptos::prelude::*;

use crate::{
    paging::{Pages, Turn},
    reactive::{flag, shown},
    texts,
};

#[component]
pub fn Turns(pages: Signal<Pages>, turn: impl Fn(Turn) + Copy + 'static) -> impl IntoView {
    let is_first = move || pages.with(Pages::is_first);
    let is_last = move || !pages.with(Pages::has_more);
    let button = move |to: Turn, label: &'static str, is_disabled: Signal<bool>| {
        view! {
            <button type="button" disabled=is_disabled on:click=move |_| turn(to)>
                {label}
            </button>
        }
    };
    view! {
        <span class="buttons" style:display=shown(move || !(is_first() && is_last()))>
            {button(Turn::First, texts::list::FIRST.get(), flag(is_first))}
            {button(Turn::Back, texts::list::BACK.get(), flag(is_first))}
            {button(Turn::Next, texts::list::NEXT.get(), flag(is_last))}
        </span>
    }
}

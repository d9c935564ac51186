//! The demonstration in small, for the overview.

use leptos::prelude::*;

use crate::{angle, chart::Scale, reactive::text, reading::Data};

#[component]
pub fn MiniatureSquare(data: ReadSignal<Option<Data>>) -> impl IntoView {
    let rotation = Memo::new(move |drawn: Option<&f64>| {
        let angle = data.with(|data| match data {
            Some(Data::Number(angle)) => *angle,
            _ => 0.0,
        });
        drawn.map_or(angle, |drawn| angle::turned(*drawn, angle))
    });
    let turn = text(move || format!("rotate({}deg)", rotation.get()));
    view! {
        <div class="miniature" aria-hidden="true">
            <div class="square smooth" style:transform=turn></div>
        </div>
    }
}

/// Seven bars whatever the message has, so that the card keeps its shape.
#[component]
pub fn MiniatureBars(data: ReadSignal<Option<Data>>) -> impl IntoView {
    let heights = Memo::new(move |_| {
        data.with(|data| match data {
            Some(Data::Numbers(numbers)) => heights(numbers),
            _ => heights(&FIRST),
        })
    });
    let bar = |index: usize| {
        let height = text(move || format!("{:.0}%", heights.get()[index]));
        view! { <div style:height=height></div> }
    };
    view! {
        <div class="miniature miniature-bars" aria-hidden="true">
            {(0..BARS).map(bar).collect_view()}
        </div>
    }
}

fn heights(numbers: &[f64]) -> [f64; BARS] {
    let high = Scale::of(numbers).high;
    std::array::from_fn(|index| {
        let number = numbers.get(index).copied().unwrap_or(0.0);
        (number / high * 100.0).clamp(2.0, 100.0)
    })
}

const BARS: usize = 7;
const FIRST: [f64; BARS] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

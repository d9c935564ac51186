//! Columns of messages beside each other.

use leptos::prelude::*;

use crate::{order::Row, reactive::plain_text};

/// A column as it is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    pub title: String,
    /// Counts, below the title.
    pub note: String,
    pub rows: Vec<Row>,
    /// The index of the row to mark as different.
    pub marked: Option<usize>,
}

/// Draws columns. They share the width, also on a phone.
pub fn lanes(columns: Signal<Vec<Lane>>) -> impl IntoView {
    let draw = move || columns.get().into_iter().map(lane).collect_view();
    view! { <div class="lanes">{draw}</div> }
}

fn lane(lane: Lane) -> impl IntoView {
    let label = lane.title.clone();
    let rows = lane.rows.into_iter().enumerate();
    let rows = rows.map(|(index, row)| draw_row(row, lane.marked == Some(index)));
    view! {
        <div class="lane">
            <p class="lane-title">{plain_text(lane.title)}</p>
            <p class="lane-note">{plain_text(lane.note)}</p>
            <ol aria-label=label>{rows.collect_view()}</ol>
        </div>
    }
}

/// Draws a message: the shape and the colour of its producer, its name, and its position.
fn draw_row(row: Row, is_marked: bool) -> impl IntoView {
    let position = match row.position {
        0 => String::new(),
        position => format!("#{position}"),
    };
    view! {
        <li class="entry" data-producer=row.producer.to_string() data-marked=is_marked.then_some("")>
            <i aria-hidden="true">{row.shape()}</i>
            <b translate="no">{plain_text(row.label())}</b>
            <small translate="no">{plain_text(position)}</small>
        </li>
    }
}

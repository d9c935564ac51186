//! The figures of the queue.

use leptos::prelude::*;

use crate::{queue::Desk, queues::Board, reactive::plain_text, row::Cell};

#[component]
pub fn Figures(desk: Desk) -> impl IntoView {
    let cells = move || {
        let rows = desk.board.with(Board::rows);
        let cells = rows.into_iter().flat_map(|row| row.cells);
        cells.map(tile).collect_view()
    };
    view! { <dl class="totals six">{cells}</dl> }
}

fn tile(cell: Cell) -> impl IntoView {
    view! {
        <div>
            <dt>{cell.column}</dt>
            <dd translate="no" class=if cell.is_amiss { "amiss" } else { "" }>
                {plain_text(cell.figure)}
                " "
                <small>{plain_text(cell.note)}</small>
            </dd>
        </div>
    }
}

//! The body of a table of figures. A row keeps its elements when its figures change.

use leptos::prelude::*;

use crate::{
    reactive::plain_text,
    row::{Cell, Row},
};

/// The ARIA roles repeat the implicit roles of the elements, because some browsers drop these when
/// a style changes the display type of a table.
#[component]
pub fn FigureRows(rows: impl Fn() -> Vec<Row> + Send + 'static) -> impl IntoView {
    let draw = move || rows().into_iter().map(row).collect_view();
    view! { <tbody role="rowgroup">{draw}</tbody> }
}

fn row(row: Row) -> impl IntoView {
    view! {
        <tr role="row" class=row.class>
            <th scope="row" role="rowheader">
                // Without an address it is only text (HTML, 4.5.1).
                <a translate="no" href=row.href>
                    {plain_text(row.name)}
                </a>
                " "
                <span class="badge">{plain_text(row.badge)}</span>
            </th>
            {row.cells.into_iter().map(cell).collect_view()}
        </tr>
    }
}

fn cell(cell: Cell) -> impl IntoView {
    view! {
        <td role="cell" data-column=cell.column class=if cell.is_amiss { "amiss" } else { "" }>
            <span translate="no">{plain_text(cell.figure)}</span>
            " "
            <small>{plain_text(cell.note)}</small>
        </td>
    }
}

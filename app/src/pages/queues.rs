//! `/queues`: the messages that wait in each queue, its consumers, and its failures.

use leptos::prelude::*;

use crate::{
    components::FigureRows,
    queues::{self, Board},
    reactive::{live_text, plain_text, shown},
    site::site,
};

#[component]
pub fn Queues() -> impl IntoView {
    let board = queues::live();
    let has_none = move || board.with(Board::has_none);
    let warning = move || board.with(Board::warning);
    view! {
        <div class="page-head">
            <h1>"Queues"</h1>
            <p>"A queue keeps each message until one of its consumers has acknowledged it."</p>
        </div>
        <p class="notice" role="status" style:display=shown(move || !warning().is_empty())>
            {live_text(warning)}
        </p>
        <p class="aside" style:display=shown(move || !has_none())>
            {live_text(move || board.with(Board::summary))}
        </p>
        <table
            class="queues"
            role="table"
            style:display=shown(move || board.with(Board::has_queues))
        >
            <caption class="visually-hidden">"The queues by name, as they are now"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">"Queue"</th>
                    <th scope="col" role="columnheader">"Waiting"</th>
                    <th scope="col" role="columnheader">"Unacknowledged"</th>
                    <th scope="col" role="columnheader">"Consumers"</th>
                    <th scope="col" role="columnheader">"Enqueued"</th>
                    <th scope="col" role="columnheader">"Acknowledged"</th>
                    <th scope="col" role="columnheader">"Dead letters"</th>
                </tr>
            </thead>
            <FigureRows rows=move || board.with(Board::rows) />
        </table>
        <FirstSteps is_shown=shown(has_none) />
    }
}

/// Instructions for creating a queue.
#[component]
fn FirstSteps(is_shown: Signal<String>) -> impl IntoView {
    let send = format!("curl -d hello {}/api/queues/orders", site());
    view! {
        <section class="panel first-steps" style:display=is_shown>
            <h2>"No queues yet"</h2>
            <p>"The first message creates one:"</p>
            <pre tabindex="0" translate="no">
                <code>{plain_text(send)}</code>
            </pre>
            <p>
                "The " <a href="console">"Console"</a>
                " sends to queues as well: choose Custom there, then Queue."
            </p>
        </section>
    }
}

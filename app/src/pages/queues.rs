//! `/queues`: the messages that wait in each queue, its consumers, and its failures.

use leptos::prelude::*;

use crate::{
    components::FigureRows,
    queues::{self, Board},
    reactive::{live_text, plain_text, shown},
    site::site,
    texts,
};

#[component]
pub fn Queues() -> impl IntoView {
    let board = queues::live();
    let has_none = move || board.with(Board::has_none);
    let warning = move || board.with(Board::warning);
    view! {
        <div class="page-head">
            <h1>{texts::shared::QUEUES.get()}</h1>
            <p>{texts::queues::INTRO.get()}</p>
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
            <caption class="visually-hidden">{texts::queues::CAPTION.get()}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">{texts::shared::QUEUE.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::WAITING.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::UNACKNOWLEDGED.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::CONSUMERS.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::ENQUEUED.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::ACKNOWLEDGED.get()}</th>
                    <th scope="col" role="columnheader">{texts::queues::DEAD_LETTERS.get()}</th>
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
            <h2>{texts::queues::NONE.get()}</h2>
            <p>{texts::queues::FIRST.get()}</p>
            <pre tabindex="0" translate="no">
                <code>{plain_text(send)}</code>
            </pre>
            <p inner_html=texts::queues::FROM_CONSOLE.get()></p>
        </section>
    }
}

//! The consumers of the queue, with what they hold.

use leptos::prelude::*;

use crate::{
    components::FigureRows,
    queue::Desk,
    reactive::{live_text, shown},
    texts,
};

#[component]
pub fn Consumers(desk: Desk) -> impl IntoView {
    let has_some = move || desk.consumers.with(|(list, _)| !list.is_empty());
    let rows = move || {
        desk.consumers
            .with(|(list, _)| list.iter().map(|one| one.row()).collect())
    };
    let note = move || {
        desk.consumers
            .with(|(list, has_more)| match (list.is_empty(), has_more) {
                (true, _) => texts::queue::NO_CONSUMER.get(),
                (_, true) => texts::queue::MORE_CONSUMERS.get(),
                _ => "",
            })
    };
    let columns = [
        texts::queue::CONSUMER.get(),
        texts::shared::HOLDS.get(),
        texts::queue::PREFETCH.get(),
        texts::shared::SUBSCRIPTION.get(),
        texts::queue::TAKES.get(),
    ];
    let heads = columns.map(|name| view! { <th scope="col" role="columnheader">{name}</th> });
    view! {
        <section aria-labelledby="consumers-title">
            <h2 id="consumers-title">{texts::queues::CONSUMERS.get()}</h2>
            <table
                class="queues"
                role="table"
                aria-labelledby="consumers-title"
                style:display=shown(has_some)
            >
                <thead role="rowgroup">
                    <tr role="row">{heads.into_iter().collect_view()}</tr>
                </thead>
                <FigureRows rows />
            </table>
            <p class="none" style:display=shown(move || !note().is_empty())>
                {live_text(note)}
            </p>
        </section>
    }
}

//! The broker's queues as the pages show them: what the broker tells, what follows from it, and
//! how it is kept up to date. What it looks like is `pages::queues`.

mod board;
mod figures;
mod row;

use leptos::prelude::*;

pub use board::Board;
pub use figures::{QueueFigures, Queues};

use crate::{
    connection::{Connection, Delivery},
    host::Host,
    reactive::{carried, hold, once_live},
};

/// The queues at rendering, and from there on as the broker publishes them, once a second.
pub fn live() -> RwSignal<Board> {
    let render = || use_context::<Host>().map(|host| (host.queues)());
    let board = RwSignal::new(Board::begin(carried(render)));
    let connection = expect_context::<Connection>();
    once_live(move || {
        hold(
            connection.listen(TOPIC, Delivery::Fresh, None, move |messages| {
                let Some(newest) = messages.last() else {
                    return;
                };
                if let Some(queues) = figures::read(&newest.body) {
                    board.update(|board| *board = board.after(queues, newest.timestamp_ms));
                }
            }),
        );
    });
    board
}

/// Where the broker publishes its queues, once a second while somebody listens.
const TOPIC: &str = "$SYS.queues";

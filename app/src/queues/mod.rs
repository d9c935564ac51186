//! The broker's queues as the pages show them: the published figures, values derived from them, and
//! their updates. `pages::queues` draws them.

mod board;
mod figures;
mod row;

use leptos::prelude::*;

pub use board::Board;
pub use figures::{QueueFigures, Queues};

use crate::{
    connection::{Connection, Delivery, Wanted},
    host::Host,
    reactive::{carried, hold, once_live},
};

/// The queues at the time of rendering, then as the broker publishes them, once a second.
pub fn live() -> RwSignal<Board> {
    let render = || use_context::<Host>().map(|host| (host.queues)());
    let board = RwSignal::new(Board::begin(carried(render)));
    let connection = expect_context::<Connection>();
    once_live(move || {
        hold(connection.listen(wanted(), None, move |messages| {
            let Some(newest) = messages.last() else {
                return;
            };
            if let Some(queues) = newest.text().and_then(figures::read) {
                board.update(|board| *board = board.after(queues, newest.timestamp_ms));
            }
        }));
    });
    board
}

fn wanted() -> Wanted {
    Wanted::new(TOPIC, Delivery::Fresh)
}

/// The topic of the figures of queues; published once a second while it has a subscriber.
const TOPIC: &str = "$SYS.queues";

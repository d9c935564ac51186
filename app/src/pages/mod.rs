//! The pages. A page only draws its input; other modules compute it.

mod boards;
mod chart;
mod connections;
mod console;
mod image_note;
mod not_found;
mod order;
mod overview;
mod queue;
mod queues;
mod rect;
mod topic;
mod topics;

use leptos::{
    either::{EitherOf6, EitherOf8},
    prelude::*,
};

use crate::{
    Route,
    program::{Module, Program},
    site::subject,
};
use boards::{Boards, OneBoard};
use chart::Chart;
use connections::Connections;
use console::Console;
use not_found::NotFound;
use order::Order;
use overview::Overview;
use queue::Queue;
use queues::Queues;
use rect::Rect;
use topic::Topic;
use topics::Topics;

/// Returns the pages of the first module.
pub fn demo() -> Program<impl IntoView> {
    Program {
        module: Module::Demo,
        title: |route| route.title().to_owned(),
        draw: |route| match route {
            Route::Overview => EitherOf6::A(view! { <Overview /> }),
            Route::Console => EitherOf6::B(view! { <Console /> }),
            Route::Rect => EitherOf6::C(view! { <Rect /> }),
            Route::Chart => EitherOf6::D(view! { <Chart /> }),
            Route::Queues => EitherOf6::E(view! { <Queues /> }),
            _ => EitherOf6::F(view! { <NotFound /> }),
        },
    }
}

/// Returns the pages of the second module. A page with a name reads the name with `site::subject`.
pub fn tools() -> Program<impl IntoView> {
    Program {
        module: Module::Tools,
        title: tools_title,
        draw: |route| match route {
            Route::Topics => EitherOf8::A(view! { <Topics /> }),
            Route::Topic => EitherOf8::B(view! { <Topic name=subject() /> }),
            Route::Queue => EitherOf8::C(view! { <Queue name=subject() /> }),
            Route::Connections => EitherOf8::D(view! { <Connections /> }),
            Route::Boards => EitherOf8::E(view! { <Boards /> }),
            Route::Board => EitherOf8::F(view! { <OneBoard name=subject() /> }),
            Route::Order => EitherOf8::G(view! { <Order /> }),
            _ => EitherOf8::H(view! { <NotFound /> }),
        },
    }
}

/// Returns the title of a page: a page with a name begins with the name.
fn tools_title(route: Route) -> String {
    match route {
        Route::Topic | Route::Queue | Route::Board => format!("{} · {}", subject(), route.title()),
        _ => route.title().to_owned(),
    }
}

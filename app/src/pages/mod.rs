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
    either::{Either, EitherOf3, EitherOf5, EitherOf6},
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
        title: title_with_name,
        draw: |route| match route {
            Route::Topics => EitherOf5::A(view! { <Topics /> }),
            Route::Topic => EitherOf5::B(view! { <Topic name=subject() /> }),
            Route::Queue => EitherOf5::C(view! { <Queue name=subject() /> }),
            Route::Connections => EitherOf5::D(view! { <Connections /> }),
            _ => EitherOf5::E(view! { <NotFound /> }),
        },
    }
}

/// Returns the page of the third module.
pub fn order() -> Program<impl IntoView> {
    Program {
        module: Module::Order,
        title: |route| route.title().to_owned(),
        draw: |route| match route {
            Route::Order => Either::Left(view! { <Order /> }),
            _ => Either::Right(view! { <NotFound /> }),
        },
    }
}

/// Returns the pages of the fourth module.
pub fn boards() -> Program<impl IntoView> {
    Program {
        module: Module::Boards,
        title: title_with_name,
        draw: |route| match route {
            Route::Boards => EitherOf3::A(view! { <Boards /> }),
            Route::Board => EitherOf3::B(view! { <OneBoard name=subject() /> }),
            _ => EitherOf3::C(view! { <NotFound /> }),
        },
    }
}

/// Returns the title of a page: a page with a name begins with the name.
fn title_with_name(route: Route) -> String {
    match route {
        Route::Topic | Route::Queue | Route::Board => format!("{} · {}", subject(), route.title()),
        _ => route.title().to_owned(),
    }
}

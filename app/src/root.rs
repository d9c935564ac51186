//! The root component: the parts that all pages share, and the page's single connection.

use leptos::{either::EitherOf6, prelude::*};

use crate::{
    Route,
    components::{ConnectionNotice, Header},
    connection::Connection,
    demo::Feeds,
    navigation::{CONTENT_ID, Navigation},
    pages::{Chart, Console, NotFound, Overview, Queues, Rect},
    reactive::once_live,
};

/// The `id` of the element that holds the pages. The program draws the pages in it (see `mount`),
/// and changes nothing outside it.
pub const ROOT_ID: &str = "carillon";

/// Everything that the pages draw.
#[component]
pub fn App() -> impl IntoView {
    let navigation = Navigation::new();
    let connection = Connection::new();
    provide_context(navigation);
    provide_context(connection);
    provide_context(Feeds::new());
    once_live(move || keep_open(connection));

    view! {
        <Header />
        <ConnectionNotice />
        <main id=CONTENT_ID tabindex="-1">
            {move || match navigation.route() {
                Route::Overview => EitherOf6::A(view! { <Overview /> }),
                Route::Console => EitherOf6::B(view! { <Console /> }),
                Route::Rect => EitherOf6::C(view! { <Rect /> }),
                Route::Chart => EitherOf6::D(view! { <Chart /> }),
                Route::Queues => EitherOf6::E(view! { <Queues /> }),
                Route::NotFound => EitherOf6::F(view! { <NotFound /> }),
            }}
        </main>
        <footer class="foot">
            <p>"Carillon " {env!("CARGO_PKG_VERSION")}</p>
        </footer>
    }
}

/// Opens the connection, and checks it when the network returns or the page becomes visible.
fn keep_open(connection: Connection) {
    connection.open();
    for occasion in ["online", "visibilitychange"] {
        let check = move |_| {
            if !document().hidden() {
                connection.check();
            }
        };
        let listener = window_event_listener_untyped(occasion, check);
        on_cleanup(move || listener.remove());
    }
}

//! The root component: the parts that all pages share, and the page's single connection.

use leptos::prelude::*;

use crate::{
    components::{ConnectionNotice, Header},
    connection::Connection,
    demo::Feeds,
    navigation::{CONTENT_ID, Navigation},
    program::Program,
    reactive::once_live,
};

/// The `id` of the element that holds the pages. The program draws the pages in it (see `mount`),
/// and changes nothing outside it.
pub const ROOT_ID: &str = "carillon";

/// Everything that the pages of a program draw.
pub fn app(program: Program<impl IntoView + 'static>) -> impl IntoView {
    let navigation = Navigation::new(program.module, program.title);
    let draw = program.draw;
    let connection = Connection::new();
    provide_context(navigation);
    provide_context(connection);
    provide_context(Feeds::new());
    once_live(move || keep_open(connection));

    view! {
        <Header />
        <ConnectionNotice />
        <main id=CONTENT_ID tabindex="-1">
            {move || draw(navigation.route())}
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

//! The root component: header, the route's page, and the one connection they share.

use leptos::prelude::*;

/// The whole content of `<body>`.
#[component]
pub fn App() -> impl IntoView {
    view! { <main id="main">"Carillon"</main> }
}

//! The HTML document around the pages: metadata, the files with hashed names, and the script that
//! starts hydration. Only the server draws it.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use crate::{App, Assets, RequestPath, Route};

/// The whole document. Reads the contexts [`Assets`] and [`RequestPath`]; without them (nobody
/// has provided any) the document has no script and shows the overview.
pub fn shell() -> impl IntoView {
    let route = Route::of(&use_context::<RequestPath>().map_or("/".into(), |path| path.0));
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <title>{route.title()}</title>
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=DESCRIPTION />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#fdfcf9" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#16201e" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/icon-192.png" />
                <link rel="manifest" href="/site.webmanifest" />
                {use_context::<Assets>().map(asset_links)}
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn asset_links(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    let start = format!(
        "import start from '{}';start({{module_or_path:'{}'}});",
        assets.js, assets.wasm
    );
    view! {
        <link rel="stylesheet" href=assets.css />
        <link rel="modulepreload" href=assets.js nonce=nonce.clone() />
        <link
            rel="preload"
            href=assets.wasm
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=nonce inner_html=start></script>
    }
}

const DESCRIPTION: &str = "Carillon is a broker for topics and queues in one binary: publish over WebSocket or \
                           HTTP and every page that listens answers at once.";

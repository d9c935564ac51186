//! Renders the pages. In the browser their program draws them again and updates them.

use std::sync::Arc;

use app::{Host, Image, RequestPath, Route};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use broker::{Broker, Entry, TopicName};
use leptos::{nonce::use_nonce, prelude::provide_context};
use leptos_axum::ResponseOptions;

use super::assets;
use crate::server::Server;

/// Renders the page of a path, with status 404 if there is none.
pub async fn page(State(server): State<Arc<Server>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let status = match Route::of(&path) {
        Route::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let host = host(&server);
    let assets = assets::hashed_assets();
    let provide = move || {
        provide_context(RequestPath(path.clone()));
        provide_context(host.clone());
        if let Some(assets) = &assets {
            provide_context(assets.clone());
        }
        allow_scripts();
    };
    let render = leptos_axum::render_app_async_with_context(provide, app::shell);
    let mut response = render(request).await;
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Allows only the page's own script.
fn allow_scripts() {
    let (Some(nonce), Some(options)) = (
        use_nonce(),
        leptos::prelude::use_context::<ResponseOptions>(),
    ) else {
        return;
    };
    let policy = super::security::policy(Some(&nonce));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

fn host(server: &Arc<Server>) -> Host {
    let images = Arc::clone(&server.broker);
    let figures = Arc::clone(server);
    let queues = Arc::clone(&server.broker);
    Host {
        last_image: Arc::new(move |topic| {
            let name = TopicName::new(topic).ok()?;
            let entry = images.last_image(&name)?;
            Some(image(&images, &entry))
        }),
        figures: Arc::new(move || figures.figures.current()),
        queues: Arc::new(move || crate::queues::all(&queues)),
    }
}

fn image(broker: &Broker, entry: &Entry) -> Image {
    Image {
        id: broker.id_of(entry).to_string(),
        sequence: entry.sequence(),
        timestamp_ms: entry.timestamp_ms(),
        producer: entry.producer().to_owned(),
        content_type: entry.content_type().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(entry.body()).into_owned(),
    }
}

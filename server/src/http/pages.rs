//! Renders the pages. In the browser their program draws them again and updates them.

use std::sync::Arc;

use access::Right;
use app::{Figures, Host, Image, OrderDenied, RequestPath, Route, Visitor};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use broker::{Broker, DestinationKind, Entry, TopicName};
use leptos::{nonce::use_nonce, prelude::provide_context};
use leptos_axum::ResponseOptions;

use super::{
    HttpState, assets, handler::RequestScheme, host::RequestHost, language, preload, security,
};
use crate::{access_control::Principal, figures, server::Server};

/// Renders the page of a path, with status 404 if there is none.
pub async fn page(State(state): State<HttpState>, request: Request) -> Response {
    let server = &state.server;
    let address = RequestPath {
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    };
    let status = match address.route() {
        Route::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let principal = request.extensions().get::<Arc<Principal>>();
    let principal = principal.map_or_else(|| server.access.without_rights(), Arc::clone);
    let host = host(server, principal, site(&state, &request));
    let documents = preload::documents(&address, request.extensions()).await;
    let assets = assets::hashed_assets();
    let language = language::of(request.headers());
    let provide = move || {
        provide_context(address.clone());
        provide_context(documents.clone());
        provide_context(host.clone());
        provide_context(language);
        if let Some(assets) = &assets {
            provide_context(assets.clone());
        }
        allow_scripts(address.base().is_some());
    };
    let render = leptos_axum::render_app_async_with_context(provide, app::shell);
    let mut response = render(request).await;
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    language::describe(&mut response, language);
    response
}

/// Returns the address of the site as its visitors write it, without the last slash.
pub fn site(state: &HttpState, request: &Request) -> String {
    if let Some(public_url) = &state.access.public_url {
        return public_url.to_string().trim_end_matches('/').to_owned();
    }
    let host = RequestHost::of(request).ok();
    let Some(authority) = host.and_then(|host| host.authority) else {
        // HTTP/1.0 allows it.
        return String::new();
    };
    let scheme = request.extensions().get::<RequestScheme>();
    let scheme = scheme.map_or("http", |scheme| scheme.0);
    format!("{scheme}://{authority}{}", state.access.prefix())
}

/// Allows only the page's own script, and an element `base` that names the root of the site, if the page has one.
fn allow_scripts(has_base: bool) {
    let (Some(nonce), Some(options)) = (
        use_nonce(),
        leptos::prelude::use_context::<ResponseOptions>(),
    ) else {
        return;
    };
    let base_uri = if has_base { "'self'" } else { "'none'" };
    let policy = security::policy(Some(&nonce), base_uri);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Returns the data for a page: what the visitor may see.
fn host(server: &Arc<Server>, principal: Arc<Principal>, site: String) -> Host {
    let visitor = visitor(&principal);
    let (images, image_reader) = (Arc::clone(&server.broker), Arc::clone(&principal));
    let figures = Arc::clone(server);
    let queues = Arc::clone(&server.broker);
    let sees_figures = may_subscribe(&principal, figures::TOPIC);
    Host {
        last_image: Arc::new(move |topic| {
            let name = TopicName::new(topic).ok()?;
            let entry = may_subscribe(&image_reader, topic).then(|| images.last_image(&name))??;
            Some(image(&images, &entry))
        }),
        figures: Arc::new(move || match sees_figures {
            true => figures.figures.current(),
            false => Figures::default(),
        }),
        queues: Arc::new(move || crate::queues::visible_to_page(&queues, &principal)),
        visitor,
        site,
    }
}

fn visitor(principal: &Principal) -> Visitor {
    let denied = app::TOPICS.into_iter();
    let denied = denied.filter(|topic| !may_subscribe(principal, topic));
    Visitor {
        user: principal
            .user()
            .map(ToString::to_string)
            .unwrap_or_default(),
        denied: denied.map(str::to_owned).collect(),
        order: OrderDenied {
            read: !may_all(principal, Right::Subscribe, &app::ORDER_TOPICS),
            write: !may_all(principal, Right::Publish, &app::ORDER_TOPICS),
        },
    }
}

fn may_subscribe(principal: &Principal, topic: &str) -> bool {
    may_all(principal, Right::Subscribe, &[topic])
}

/// Returns true if a user has a right on all of these topics.
fn may_all(principal: &Principal, right: Right, topics: &[&str]) -> bool {
    topics.iter().all(|topic| {
        TopicName::new(topic).is_ok_and(|name| {
            let checked = principal.check(right, DestinationKind::Topic, &name);
            checked.is_ok()
        })
    })
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

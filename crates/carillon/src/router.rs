//! The routes of a server, for another program with axum.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, OriginalUri, Request},
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::any,
};
use carillon_server::embedding::ForeignRequest;

use crate::running::Core;

/// Returns the routes, below the path of the server.
pub(crate) fn router(core: &Arc<Core>) -> Router {
    let path = &core.path;
    let shared = Arc::clone(core);
    let methods = any(move |request: Request| answer(Arc::clone(&shared), request));
    let router = Router::new()
        .route(&format!("{path}/"), methods.clone())
        .route(&format!("{path}/{{*rest}}"), methods.clone());
    match path.is_empty() {
        true => router,
        false => router.route(path, methods),
    }
}

/// Answers a request on the threads of the server.
async fn answer(core: Arc<Core>, request: Request) -> Response {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    if let Some(redirect) = redirect_to_folder(&request)
        && !is_upgrade
    {
        return redirect.into_response();
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip());
    let permit = match is_upgrade {
        true => match core.connection_limit.acquire_foreign() {
            Some(permit) => Some(permit),
            None => return refuse("the limit of connections is reached"),
        },
        false => None,
    };
    let foreign = ForeignRequest {
        request,
        peer,
        permit,
    };
    let answering = {
        let _runtime = core.runtime.enter();
        core.http.spawn_answer(foreign)
    };
    // The runtime drops its tasks when the server stops.
    answering
        .await
        .unwrap_or_else(|_| refuse("the server has stopped"))
}

/// Returns the redirect for a router that is nested at a path, if the request names the path without a slash after it: the
/// links of pages are relative.
fn redirect_to_folder(request: &Request) -> Option<Redirect> {
    let OriginalUri(original) = request.extensions().get()?;
    let is_nested = original.path() != request.uri().path();
    (is_nested && request.uri().path() == "/" && !original.path().ends_with('/'))
        .then(|| Redirect::permanent(&format!("{}/", original.path())))
}

fn refuse(reason: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
}

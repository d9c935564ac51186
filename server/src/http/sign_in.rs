//! The sign-in form for pages, and signing out. Plain HTML, so that it works without scripts.

use app::site_texts;
use axum::{
    Form,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    HttpState,
    html::{self, Reader},
    language, links,
    login::PeerAddress,
};
use crate::access_control::{Credentials, LoginAttempt};

/// `GET /login?next=…`: the form.
pub async fn form(
    State(state): State<HttpState>,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
) -> Response {
    let next = query.next.as_deref().map_or("/", local_path);
    let session = state.web_sessions.id_in(&headers);
    let is_signed_in = session.is_some_and(|id| state.web_sessions.find(id).is_some());
    if state.server.access.is_open() || (is_signed_in && query.done.is_some()) {
        return Redirect::to(&links::relative(PATH, next)).into_response();
    }
    let reader = Reader::of(&headers);
    let notice = query
        .done
        .map(|_| site_texts::NO_COOKIE.of(reader.language));
    let shown = Shown {
        reader,
        next,
        user: "",
        notice,
    };
    shown.respond(StatusCode::OK)
}

/// `POST /login`: signs in. Pages of other origins are refused before.
pub async fn submit(
    State(state): State<HttpState>,
    axum::Extension(PeerAddress(address)): axum::Extension<PeerAddress>,
    headers: HeaderMap,
    Form(SignIn {
        user,
        password,
        next,
    }): Form<SignIn>,
) -> Response {
    let next = local_path(&next);
    let attempt = LoginAttempt {
        credentials: Credentials::Password {
            user: &user,
            password: password.as_bytes(),
        },
        address,
        protocol: "page",
        client: None,
    };
    match state.server.access.log_in(attempt).await {
        Ok(login) => match state.web_sessions.add(login) {
            Some(cookie) => {
                // The form checks that the browser has kept the cookie.
                let target = format!("{PATH}?done=1&next={}", links::encoded(next));
                let target = links::relative(PATH, &target);
                with_cookie(Redirect::to(&target).into_response(), cookie)
            }
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Err(error) => {
            let reader = Reader::of(&headers);
            let reason = capitalised(&error.to_string());
            let shown = Shown {
                reader,
                next,
                user: &user,
                notice: Some(&site_texts::REFUSED.with_of(reader.language, &[&reason])),
            };
            shown.respond(StatusCode::UNAUTHORIZED)
        }
    }
}

/// `POST /logout`: signs out.
pub async fn sign_out(State(state): State<HttpState>, request: Request) -> Response {
    let session = state.web_sessions.id_in(request.headers());
    let cookie = state.web_sessions.end(session);
    let target = links::relative(SIGN_OUT_PATH, PATH);
    match cookie {
        Some(cookie) => with_cookie(Redirect::to(&target).into_response(), cookie),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Redirects a browser to the form.
pub fn redirect(from: &Uri) -> Response {
    let path = from.path_and_query().map_or("/", |path| path.as_str());
    let target = match path {
        "/" => PATH.to_owned(),
        path => format!("{PATH}?next={}", links::encoded(path)),
    };
    let target = links::relative(from.path(), &target);
    let mut response = Redirect::to(&target).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The query of the form.
#[derive(Deserialize)]
pub struct FormQuery {
    /// The page to show after signing in.
    next: Option<String>,
    /// Set after the password was accepted.
    done: Option<String>,
}

/// The fields of the form.
#[derive(Deserialize)]
pub struct SignIn {
    user: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The form, as it is shown.
struct Shown<'a> {
    reader: Reader,
    next: &'a str,
    user: &'a str,
    notice: Option<&'a str>,
}

impl Shown<'_> {
    fn respond(self, status: StatusCode) -> Response {
        let language = self.reader.language;
        let notice = self.notice.map_or_else(String::new, |text| {
            format!(
                "<p class=\"sign-in-notice\" role=\"alert\">{}</p>",
                html::escaped(text)
            )
        });
        let (next, user) = (html::escaped(self.next), html::escaped(self.user));
        let own = format!(
            "{}?next={}",
            PATH.trim_start_matches('/'),
            links::encoded(self.next)
        );
        let content = format!(
            "<main>\n<h1 translate=\"no\">Carillon</h1>\n{notice}\n\
             <form method=\"post\" action=\".{PATH}\">\n\
             <label>{user_label}<input name=\"user\" value=\"{user}\" autocomplete=\"username\" autocapitalize=\"none\" required autofocus></label>\n\
             <label>{password}<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n\
             <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
             <button type=\"submit\">{sign_in}</button>\n</form>\n{languages}\n</main>",
            user_label = site_texts::USER.of(language),
            password = site_texts::PASSWORD.of(language),
            sign_in = site_texts::SIGN_IN.of(language),
            languages = html::language_form(language, &own),
        );
        let title = site_texts::SIGN_IN.of(language);
        let html = html::document(self.reader, title, "sign-in", &content);
        let mut response = (status, Html(html)).into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        language::describe(&mut response, language);
        response
    }
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, cookie);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns the path if it is one of this server: a link must not lead to another site after signing in.
pub fn local_path(path: &str) -> &str {
    let is_forbidden = |one: char| one == '\\' || one.is_control();
    let way = path.split(['?', '#']).next().unwrap_or_default();
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(is_forbidden)
        && way.split('/').all(|part| part != "..");
    if is_local { path } else { "/" }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|one| one.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// The path of the form.
pub const PATH: &str = "/login";
/// The path for signing out.
pub const SIGN_OUT_PATH: &str = "/logout";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_followed() {
        let table = [
            ("/console", "/console"),
            ("/topics?filter=a", "/topics?filter=a"),
            ("", "/"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\0b", "/"),
            ("/../evil", "/"),
            ("/console?a=../b", "/console?a=../b"),
            ("console", "/"),
        ];
        for (path, expected) in table {
            assert_eq!(local_path(path), expected, "{path}");
        }
    }
}

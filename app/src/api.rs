//! Requests to the API of the page's server. Addresses are relative to the root of the site, such as `api/topics`.

use js_sys::{JsString, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use crate::{Text, host::Documents, json, reactive::carried_text, refusal, texts};

/// The reason why a request failed, as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 0 if the server gave no answer.
    pub status: u16,
    pub detail: String,
}

/// A request that changes something.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    pub method: &'static str,
    pub address: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: &'a [u8],
}

/// Returns the text of a document.
///
/// # Errors
///
/// The server does not answer, or refuses.
pub async fn get(address: &str) -> Result<String, Problem> {
    send(Request {
        method: "GET",
        address,
        ..Request::default()
    })
    .await
}

/// Sends a request, and returns the text of the answer.
///
/// # Errors
///
/// The server does not answer, or refuses; or the browser refuses a header.
pub async fn send(request: Request<'_>) -> Result<String, Problem> {
    let options = RequestInit::new();
    options.set_method(request.method);
    if !request.headers.is_empty() {
        options.set_headers(&JsValue::from(headers(&request.headers)?));
    }
    if request.method != "GET" {
        options.set_body(&Uint8Array::from(request.body));
    }
    let fetch = window().fetch_with_str_and_init(request.address, &options);
    let response = JsFuture::from(fetch).await.map_err(|_| unreachable())?;
    let response: Response = response.dyn_into().map_err(|_| unreachable())?;
    let text = JsFuture::from(response.text().map_err(|_| unreachable())?);
    let text: JsValue = text.await.map_err(|_| unreachable())?;
    let text = String::from(text.unchecked_into::<JsString>());
    match response.ok() {
        true => Ok(text),
        false => Err(problem(response.status(), &text)),
    }
}

/// Returns the document that the server rendered into this page; `None` if there is none. Every page that calls this function
/// must call it for the same addresses on the server and in the browser, in the same order.
///
/// # Errors
///
/// The visitor may not see the document.
pub fn carried(address: &str) -> Result<Option<String>, Problem> {
    let find = |documents: &[(String, String)]| {
        let found = documents.iter().find(|(own, _)| own == address);
        found.map(|(_, text)| text.clone())
    };
    let text = carried_text(|| {
        let documents = use_context::<Documents>().unwrap_or_default();
        let refused = || find(&documents.refused).map(|problem| format!("{REFUSED}{problem}"));
        find(&documents.found).or_else(refused).unwrap_or_default()
    });
    match text.strip_prefix(REFUSED) {
        Some(refusal) => Err(problem(FORBIDDEN, refusal)),
        None => Ok((!text.is_empty()).then_some(text)),
    }
}

/// Returns the headers of a request. The browser passes on each character as one byte, and the server reads the bytes as UTF-8.
fn headers(pairs: &[(String, String)]) -> Result<Headers, Problem> {
    let refused = |name: &str| Problem {
        status: 0,
        detail: texts::problem::HEADER.with(&[name]),
    };
    let headers = Headers::new().map_err(|_| unreachable())?;
    for (name, value) in pairs {
        let bytes: String = value.bytes().map(char::from).collect();
        headers.append(name, &bytes).map_err(|_| refused(name))?;
    }
    Ok(headers)
}

fn unreachable() -> Problem {
    Problem {
        status: 0,
        detail: texts::problem::NO_ANSWER.get().into(),
    }
}

/// The beginning of a text that is no document but the reason why there is none. No JSON begins like this.
const REFUSED: char = '!';
const FORBIDDEN: u16 = 403;

/// Reads the `detail` of an RFC 9457 problem.
fn problem(status: u16, text: &str) -> Problem {
    let json = json::read(text).ok();
    let member = |name| Some(json.as_ref()?.member(name)?.text()?.to_owned());
    let detail: Option<String> = member("detail");
    let meaning = member("code").and_then(|code| refusal::of_code(&code));
    Problem {
        status,
        detail: match detail {
            Some(detail) => {
                let meaning = meaning.unwrap_or_else(|| of_status(status));
                meaning.with(&[&detail])
            }
            None => texts::problem::STATUS.with(&[&status.to_string()]),
        },
    }
}

/// Returns the text around the detail of the server, which is English in all languages: it says what a status means.
fn of_status(status: u16) -> Text {
    match status {
        400 => texts::problem::BAD_REQUEST,
        401 => texts::problem::UNAUTHORIZED,
        403 => texts::problem::FORBIDDEN,
        404 => texts::problem::NOT_FOUND,
        409 => texts::problem::CONFLICT,
        413 => texts::problem::TOO_LARGE,
        429 => texts::problem::TOO_MANY,
        503 => texts::problem::UNAVAILABLE,
        507 => texts::problem::NO_ROOM,
        _ => texts::problem::OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn a_problem_has_the_detail_of_the_answer() {
        let text = r#"{"status":404,"detail":"there is no topic a"}"#;
        assert_eq!(problem(404, text).detail, "there is no topic a");
        for code in ["queue_full", "a later one"] {
            let text = format!(r#"{{"detail":"queue a is full","code":"{code}"}}"#);
            assert_eq!(problem(507, &text).detail, "queue a is full");
        }
        let other = problem(502, "<html>");
        assert_eq!(other.detail, "the server answers with status 502");
        assert_eq!(other.status, 502);
    }
}

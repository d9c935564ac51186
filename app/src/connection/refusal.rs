//! The reason why the server refuses this page's connection. A script cannot read the HTTP response
//! to a refused WebSocket, so the page requests the reason over plain HTTP.

use js_sys::{JsString, encode_uri_component};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::json;

/// Returns the server's reason when it refuses connections from pages of this origin. Returns
/// `None` when the server accepts them, does not know the request, or cannot be reached.
pub async fn reason() -> Option<String> {
    let origin = window().location().origin().ok()?;
    let origin = String::from(encode_uri_component(&origin));
    let address = format!("api/connect-check?origin={origin}");
    let response = JsFuture::from(window().fetch_with_str(&address))
        .await
        .ok()?;
    let response: Response = response.dyn_into().ok()?;
    if response.status() != FORBIDDEN {
        return None;
    }
    let body: JsValue = JsFuture::from(response.text().ok()?).await.ok()?;
    detail(&String::from(body.unchecked_into::<JsString>()))
}

/// Returns the `detail` of an RFC 9457 problem.
fn detail(problem: &str) -> Option<String> {
    let problem = json::read(problem).ok()?;
    let detail = problem.member("detail")?.text()?;
    (!detail.is_empty()).then(|| detail.to_owned())
}

const FORBIDDEN: u16 = 403;

#[cfg(test)]
mod tests {
    use super::detail;

    #[test]
    fn the_reason_is_read_from_the_detail_of_the_problem() {
        let problem = r#"{"title":"Forbidden","status":403,"detail":"start it with --allow-origin https://a"}"#;
        assert_eq!(
            detail(problem).as_deref(),
            Some("start it with --allow-origin https://a")
        );
        for other in ["", "<html>", "{}", r#"{"detail":""}"#, r#"{"detail":7}"#] {
            assert_eq!(detail(other), None, "{other}");
        }
    }
}

//! Pages of another, allowed origin: the browser's preflight requests (the Fetch standard's CORS protocol), and a page
//! in a real browser.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::{Answer, get, request, send};
use harness::site::Site;
use http::{HeaderValue, Method, StatusCode};

const FRIEND: &str = "https://friend.example";

/// Sends a browser's preflight request for these headers.
async fn preflight(server: &Carillon, origin: &str, method: &str, headers: &str) -> Answer {
    let mut preflight = request(Method::OPTIONS, server.url("/api/topics/a"), "");
    for (name, value) in [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ] {
        let value = HeaderValue::from_str(value).expect("a value");
        preflight.headers_mut().insert(name, value);
    }
    send(preflight).await
}

#[tokio::test]
async fn a_preflight_allows_all_headers_that_the_api_reads() {
    let server = Carillon::with(&["--allow-origin", FRIEND]).await;
    let headers = "carillon-header-colour,carillon-header-size,content-type,last-event-id";
    for method in ["GET", "POST", "DELETE"] {
        let allowed = preflight(&server, FRIEND, method, headers).await;
        assert!(allowed.status.is_success(), "{allowed:?}");
        assert_eq!(allowed.header("access-control-allow-origin"), FRIEND);
        let methods = allowed.header("access-control-allow-methods");
        assert!(methods.contains(method), "{methods}");
        let names = allowed.header("access-control-allow-headers");
        for name in headers.split(',') {
            assert!(names.split(',').any(|one| one.trim() == name), "{names}");
        }
        let vary = allowed.header("vary").to_ascii_lowercase();
        assert!(vary.contains("origin"), "{vary}");
    }
    let refused = preflight(&server, "https://elsewhere.example", "POST", headers).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_publishes_with_headers_and_reads_the_answer() {
    let site = Site::original().await;
    let server = Carillon::with(&["--allow-origin", &site.origin()]).await;
    let browser = Browser::start().await;
    let opened = browser.client.goto(&site.origin()).await;
    opened.expect("a page");
    let url = server.url("/api/topics/a");
    let publish = format!(
        "const done = arguments[arguments.length - 1];
         fetch('{url}', {{
             method: 'POST',
             body: 'x',
             headers: {{ 'carillon-header-colour': 'red', 'content-type': 'text/plain' }},
         }}).then(answer => answer.json()).then(done, error => done(String(error)))"
    );
    let answer = browser.evaluate_async(&publish).await;
    assert_eq!(answer["topic"], "a", "{answer}");
    let last = get(&url).await.json()["last"].clone();
    assert_eq!(last["headers"]["colour"], "red", "{last}");
}

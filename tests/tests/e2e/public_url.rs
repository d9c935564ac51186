//! `--public-url`: the pages behind a proxy, below a path and with another host name.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::{Answer, get, raw, request, send};
use harness::proxy::{Place, UnconnectedProxy};
use harness::stomp::{StompClient, upgrade};
use harness::users::UsersFile;
use http::{Method, StatusCode};

use crate::reader::LIVE;

const PUBLIC: [&str; 4] = [
    "--public-url",
    "https://board.example/carillon/",
    "--anonymous",
    "all",
];

#[tokio::test]
async fn the_server_answers_with_and_without_the_prefix() {
    let server = Carillon::with(&PUBLIC).await;
    server.logged("https://board.example/carillon/").await;
    for path in [
        "/carillon/",
        "/carillon/console",
        "/carillon/api/figures",
        "/carillon/robots.txt",
        "/carillon/healthz",
        "/console",
        "/api/figures",
    ] {
        let answer = get(server.url(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    for path in ["/carillons", "/carillon/carillon/x", "/other/console"] {
        let answer = get(server.url(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Relative links lead to the right place only below the slash.
    let redirected = get(server.url("/carillon")).await;
    assert_eq!(redirected.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(redirected.header("location"), "/carillon/");
    for path in ["/carillon", "/carillon/", "/carillon/ws"] {
        let opened = StompClient::upgraded(upgrade(&server, path, &[])).await;
        opened.expect(path).connected().await;
    }
}

#[tokio::test]
async fn the_host_and_the_origin_are_allowed() {
    let server = Carillon::with(&PUBLIC).await;
    for (host, expected) in [("board.example", 200), ("evil.example", 421)] {
        let request = format!("GET /api/topics HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = raw(server.address(), &request).await;
        assert_eq!(answer.status, expected, "{host}");
    }
    let origin = |origin| {
        let request = upgrade(&server, "/ws", &[("origin", origin)]);
        StompClient::upgraded(request)
    };
    assert!(origin("https://board.example").await.is_ok());
    let refused = origin("http://board.example").await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn pages_link_only_relatively_and_show_the_public_address() {
    let server = Carillon::with(&PUBLIC).await;
    for path in ["/", "/console", "/rect", "/chart", "/queues", "/nothing"] {
        let html = get(server.url(path)).await.text();
        for absolute in ["=\"/", "='/", "('/"] {
            assert!(!html.contains(absolute), "{path}: {absolute} in {html}");
        }
        assert!(!html.contains("<base"), "{path}: {html}");
    }
    let html = get(server.url("/")).await.text();
    let command = "curl https://board.example/carillon/api/topics/rect";
    assert!(html.contains(command), "{html}");
    // Links of a page in a folder are relative to the root as well.
    let lost = get(server.url("/carillon/a/b")).await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
    assert!(
        lost.text().contains("<base href=\"../\">"),
        "{}",
        lost.text()
    );
    let policy = lost.header("content-security-policy");
    assert!(policy.contains("base-uri 'self'"), "{policy}");
}

#[tokio::test]
async fn commands_on_pages_name_the_address_of_the_request() {
    let server = Carillon::with(&["--trusted-proxy", "127.0.0.1"]).await;
    let html = get(server.url("/")).await.text();
    let command = format!("curl {}", server.url("/api/topics/rect"));
    assert!(html.contains(&command), "{html}");
    let mut request = request(Method::GET, server.url("/"), "");
    let https = "https".parse().expect("a header");
    request.headers_mut().insert("x-forwarded-proto", https);
    let html = send(request).await.text();
    let command = command.replace("http://", "https://");
    assert!(html.contains(&command), "{html}");
}

#[tokio::test]
async fn the_cookie_is_for_the_prefix() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file.server(&PUBLIC[..2]).await;
    let post = |path: &str, body: &str, cookie: &str| {
        let mut request = request(Method::POST, server.url(path), body.to_owned());
        for (name, value) in [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "https://board.example"),
            ("cookie", cookie),
        ] {
            let value = value.parse().expect("a header");
            request.headers_mut().insert(name, value);
        }
        send(request)
    };
    let redirect = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        answer.header("location").to_owned()
    };
    let mut page = request(Method::GET, server.url("/carillon/console"), "");
    let html = "text/html".parse().expect("a header");
    page.headers_mut().insert("accept", html);
    assert_eq!(redirect(&send(page).await), "./login?next=/console");
    let fields = "user=anna&password=secret&next=/console";
    let signed_in = post("/carillon/login", fields, "").await;
    assert_eq!(redirect(&signed_in), "./login?done=1&next=/console");
    let cookie = signed_in.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once(';').expect("attributes");
    assert!(pair.starts_with("__Secure-carillon="), "{cookie}");
    assert_eq!(
        attributes,
        " Path=/carillon/; Secure; HttpOnly; SameSite=Strict"
    );
    let signed_out = post("/carillon/logout", "", pair).await;
    assert_eq!(redirect(&signed_out), "./login");
    let expired = signed_out.header("set-cookie");
    assert!(expired.contains("Path=/carillon/;"), "{expired}");
    assert!(expired.contains("Max-Age=0"), "{expired}");
}

#[tokio::test]
async fn a_public_server_needs_users() {
    let refused = harness::carillon::run(&PUBLIC[..2]).await;
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).expect("a text");
    assert!(error.contains("https://board.example/carillon/"), "{error}");
    assert!(error.contains("carillon user add"), "{error}");
    let refused = harness::carillon::run(&["--public-url", "https://board.example/api/"]).await;
    assert_eq!(refused.status.code(), Some(2));
}

/// Signs in, follows pages with their connection, and signs out, through a proxy with another host name.
async fn journey(place: Place) {
    let proxy = UnconnectedProxy::bind().await;
    let origin = format!("http://board.localhost:{}", proxy.port());
    let site = format!("{origin}{}/", place.prefix);
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    file.edit("[users.anna]", "[users.anna]\nsubscribe = [\">\"]");
    let server = file.server(&["--public-url", &site]).await;
    let _proxy = proxy.connect(server.address(), place);

    let browser = Browser::start().await;
    let open = format!("location.href = '{site}rect'");
    browser.evaluate(&open).await;
    browser.element("input[name=user]").await;
    let fill = "document.querySelector('input[name=user]').value = 'anna'; \
                document.querySelector('input[name=password]').value = 'secret'";
    browser.evaluate(fill).await;
    browser.click("button[type=submit]").await;
    browser.element(LIVE).await;
    let here = "return location.pathname";
    let path = |page: &str| format!("{}/{page}", place.prefix);
    assert_eq!(browser.evaluate(here).await, path("rect"));

    // Without loading another document, there and back.
    browser.evaluate("window.sameDocument = true").await;
    for (link, page) in [("chart", "chart"), ("./", ""), ("console", "console")] {
        browser.click(&format!("header a[href='{link}']")).await;
        let expected = path(page);
        browser
            .evaluate_until(here, |shown| *shown == expected.as_str())
            .await;
    }
    browser.evaluate("history.back()").await;
    browser
        .text_until("h1", |text| text.contains("every subscriber"))
        .await;
    let command = format!("curl {site}api/topics/rect");
    browser
        .text_until("pre", |text| text.starts_with(&command))
        .await;
    assert_eq!(browser.evaluate("return window.sameDocument").await, true);

    // A page in a folder has no page of the site, and its links lead to the site.
    browser.open(&format!("{site}rect/")).await;
    browser
        .text_until("h1", |text| text == "Page not found")
        .await;
    browser.click("header a[href='rect']").await;
    browser
        .evaluate_until(here, |shown| *shown == path("rect").as_str())
        .await;
    browser.element(LIVE).await;

    browser.click(".signed-in button").await;
    browser
        .evaluate_until(here, |shown| *shown == path("login").as_str())
        .await;
    browser.evaluate(&open).await;
    browser.element("input[name=user]").await;
    browser.close(|message| message.contains("404")).await;
}

#[tokio::test]
async fn a_person_uses_the_pages_below_a_prefix_that_the_proxy_removes() {
    journey(Place {
        prefix: "/carillon",
        is_removed: true,
    })
    .await;
}

#[tokio::test]
async fn a_person_uses_the_pages_below_a_prefix_that_the_proxy_keeps() {
    journey(Place {
        prefix: "/tools/carillon",
        is_removed: false,
    })
    .await;
}

//! Pages and their files over plain HTTP: the content that a browser gets before any script runs.

use harness::Carillon;
use harness::http::{Answer, get, post, request, send};
use http::{Method, StatusCode};

const PAGES: [&str; 8] = [
    "/",
    "/console",
    "/rect",
    "/chart",
    "/queues",
    "/topics",
    "/topics/rect",
    "/connections",
];

/// Returns the path of the page's file in `/pkg/` with this ending. The page names it relative to the root.
fn file(page: &Answer, ending: &str) -> String {
    let html = page.text();
    let paths = html
        .split(['"', '\''])
        .filter_map(|part| part.strip_prefix('.'))
        .filter(|part| part.starts_with("/pkg/"));
    let mut found = paths.filter(|path| path.ends_with(ending));
    found
        .next()
        .unwrap_or_else(|| panic!("no {ending} in {html}"))
        .to_owned()
}

async fn get_with(url: String, name: &'static str, value: &str) -> Answer {
    let mut get = request(Method::GET, url, "");
    get.headers_mut()
        .insert(name, value.parse().expect("a value"));
    send(get).await
}

#[tokio::test]
async fn each_page_is_html_with_its_own_title() {
    let server = Carillon::start().await;
    let mut titles = Vec::new();
    for path in PAGES {
        let page = get(server.url(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        let html = page.text();
        let (_, rest) = html.split_once("<title>").expect("a title");
        titles.push(rest.split('<').next().unwrap_or_default().to_owned());
    }
    let mut different = titles.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), PAGES.len(), "{titles:?}");
}

#[tokio::test]
async fn pages_show_the_last_image_before_any_script_runs() {
    let server = Carillon::start().await;
    for (path, topic, data, shown) in [
        ("/rect", "rect", "137", "137"),
        ("/chart", "chart", "[11,22,33,44,55,66,77]", "66"),
    ] {
        let before = get(server.url(path)).await.text();
        assert!(
            !visible_text(&before).contains(shown),
            "{path} has it already"
        );
        let body = format!(r#"{{"producerId":"e2e","data":{data},"date":"2026-01-01T00:00:00Z"}}"#);
        post(
            server.url(&format!("/api/topics/{topic}")),
            "application/json",
            body,
        )
        .await;
        let page = get(server.url(path)).await.text();
        assert!(visible_text(&page).contains(shown), "{path}: {page}");
    }
}

/// Returns the text between tags, without scripts.
fn visible_text(html: &str) -> String {
    let (_, body) = html.split_once("<body").expect("a body");
    let mut text = String::new();
    for part in body.split('<').filter(|part| !part.starts_with("script")) {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    text
}

#[tokio::test]
async fn a_page_without_scripts_shows_that_it_is_not_live() {
    let server = Carillon::start().await;
    for path in ["/rect", "/chart"] {
        let page = get(server.url(path)).await.text();
        assert!(page.contains("<noscript>"), "{path}: {page}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_a_real_404_page() {
    let server = Carillon::start().await;
    for path in ["/nothing", "/rect/", "/console/x", "/pkg/nothing.js"] {
        let page = get(server.url(path)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = get(server.url("/nothing")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("<title>Not found"), "{}", page.text());
}

#[tokio::test]
async fn pages_carry_a_strict_content_security_policy() {
    let server = Carillon::start().await;
    let mut nonces = Vec::new();
    for path in PAGES {
        let page = get(server.url(path)).await;
        let policy = page.header("content-security-policy").to_owned();
        let directive = |name: &str| {
            let found = policy
                .split(';')
                .map(str::trim)
                .find(|part| part.starts_with(name));
            found
                .unwrap_or_else(|| panic!("{path} has no {name}: {policy}"))
                .to_owned()
        };
        let scripts = directive("script-src ");
        assert!(
            !scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"),
            "{scripts}"
        );
        let (_, nonce) = scripts.split_once("'nonce-").expect("a nonce");
        let nonce = nonce.split('\'').next().unwrap_or_default().to_owned();
        assert!(page.text().contains(&nonce), "the script has the nonce");
        nonces.push(nonce);
        directive("default-src ");
        directive("frame-ancestors ");
        directive("base-uri ");
        directive("object-src ");
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(
        nonces.len(),
        PAGES.len(),
        "a nonce is used once: {nonces:?}"
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Carillon::start().await;
    for path in ["/", "/nothing", "/favicon.svg", "/api/figures", "/healthz"] {
        let answer = get(server.url(path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("referrer-policy").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn files_with_hashed_names_are_immutable_and_compressed() {
    let server = Carillon::start().await;
    let page = get(server.url("/")).await;
    let tools = get(server.url("/topics")).await;
    for (page, ending, content_type) in [
        (&page, ".js", "text/javascript"),
        (&page, ".wasm", "application/wasm"),
        (&page, ".css", "text/css"),
        (&tools, ".js", "text/javascript"),
        (&tools, ".wasm", "application/wasm"),
    ] {
        let url = server.url(&file(page, ending));
        let plain = get(&url).await;
        assert_eq!(plain.status, StatusCode::OK, "{url}");
        assert!(
            plain.header("content-type").starts_with(content_type),
            "{url}"
        );
        assert!(plain.header("cache-control").contains("immutable"), "{url}");
        assert_eq!(plain.header("content-encoding"), "", "{url}");

        let mut sizes = vec![plain.body.len()];
        for encoding in ["gzip", "br"] {
            let packed = get_with(url.clone(), "accept-encoding", encoding).await;
            assert_eq!(packed.header("content-encoding"), encoding, "{url}");
            assert!(
                packed
                    .header("vary")
                    .to_lowercase()
                    .contains("accept-encoding"),
                "{url}"
            );
            sizes.push(packed.body.len());
        }
        assert!(
            sizes.is_sorted_by(|larger, smaller| larger > smaller),
            "{url}: {sizes:?}"
        );
    }
}

#[tokio::test]
async fn a_page_loads_only_the_module_that_draws_it() {
    let server = Carillon::start().await;
    for (path, module) in [
        ("/", "pkg/carillon"),
        ("/queues", "pkg/carillon"),
        ("/nothing", "pkg/carillon"),
        ("/topics", "pkg/tools"),
        ("/topics/rect", "pkg/tools"),
        ("/queues/orders", "pkg/tools"),
        ("/connections", "pkg/tools"),
        ("/order", "pkg/order"),
        ("/boards", "pkg/boards"),
        ("/boards/any", "pkg/boards"),
    ] {
        let page = get(server.url(path)).await.text();
        let names = page
            .split(['"', '\''])
            .filter(|part| part.ends_with(".wasm"));
        let names: Vec<_> = names.collect();
        assert!(!names.is_empty(), "{path}: {page}");
        let is_own = |name: &&str| name.trim_start_matches("./").starts_with(module);
        assert!(names.iter().all(is_own), "{path}: {names:?}");
    }
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let server = Carillon::start().await;
    let page = get(server.url("/")).await;
    for path in ["/favicon.svg".to_owned(), file(&page, ".css")] {
        let first = get(server.url(&path)).await;
        assert_eq!(first.status, StatusCode::OK, "{path}");
        let tag = first.header("etag");
        assert!(!tag.is_empty(), "{path}: {:?}", first.headers);
        let again = get_with(server.url(&path), "if-none-match", tag).await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{path}"
        );
        let other = get_with(server.url(&path), "if-none-match", "\"other\"").await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn pages_are_never_cached() {
    let server = Carillon::start().await;
    for path in PAGES {
        let kept = get(server.url(path))
            .await
            .header("cache-control")
            .to_owned();
        assert!(
            kept.contains("no-store") || kept.contains("no-cache"),
            "{path}: {kept}"
        );
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let server = Carillon::start().await;
    for path in ["/rect", "/favicon.svg"] {
        let head = send(request(Method::HEAD, server.url(path), "")).await;
        assert_eq!(
            (head.status, head.body.len()),
            (StatusCode::OK, 0),
            "{path}"
        );
    }
}

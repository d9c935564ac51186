//! Accessibility of every page: the rules that axe-core can check, in light and dark, and layouts
//! that fit a phone.

use std::fs;

use harness::browser::{Browser, Screen};
use harness::http::post;
use harness::{Carillon, node};
use serde_json::Value;

pub const PAGES: [&str; 14] = [
    "/",
    "/console",
    "/rect",
    "/chart",
    "/queues",
    "/queues/orders",
    "/topics",
    "/topics/rect",
    "/connections",
    "/boards",
    "/boards/hall",
    "/order",
    "/api",
    "/nothing",
];

/// Starts a server with messages to show on each page.
pub async fn server() -> Carillon {
    let server = Carillon::start().await;
    for (topic, data) in [("rect", "140"), ("chart", "[10,20,30,40,50,60,70]")] {
        let body = format!(r#"{{"producerId":"e2e","data":{data},"date":"2026-01-01T00:00:00Z"}}"#);
        let url = server.url(&format!("/api/topics/{topic}"));
        assert!(
            post(url, "application/json", body)
                .await
                .status
                .is_success()
        );
    }
    let tiles = r#"{"tiles":[
        {"id":1,"kind":"gauge","x":0,"y":0,"w":4,"h":3,"topic":"rect","field":"data"},
        {"id":2,"kind":"bars","x":4,"y":0,"w":4,"h":3,"topic":"chart","field":"data"},
        {"id":3,"kind":"slider","x":8,"y":0,"w":4,"h":3,"topic":"rect","field":"data"}]}"#;
    let url = server.url("/api/boards/hall");
    let board = harness::http::request(http::Method::PUT, url, tiles);
    assert!(harness::http::send(board).await.status.is_success());
    let url = server.url("/api/queues/orders");
    assert!(post(url, "text/plain", "1").await.status.is_success());
    server
}

/// Opens a page; that of the API has no program.
pub async fn open(browser: &Browser, server: &Carillon, path: &str) {
    match path {
        "/api" => browser.open_plain(&server.url(path)).await,
        _ => browser.open(&server.url(path)).await,
    }
}

/// The browser logs the 404 page as an error.
pub fn is_missing_page(message: &str) -> bool {
    message.contains("/nothing") && message.contains("404")
}

#[tokio::test]
async fn every_page_passes_the_accessibility_rules_in_light_and_dark() {
    let server = server().await;
    let browser = Browser::start().await;
    for scheme in ["light", "dark"] {
        browser.emulate_colours(scheme).await;
        pass_the_rules(&browser, &server).await;
    }
    browser.close(is_missing_page).await;
}

#[tokio::test]
async fn every_page_in_korean_passes_the_accessibility_rules() {
    let server = server().await;
    let browser = Browser::preferring("ko").await;
    pass_the_rules(&browser, &server).await;
    browser.close(is_missing_page).await;
}

async fn pass_the_rules(browser: &Browser, server: &Carillon) {
    for path in PAGES {
        open(browser, server, path).await;
        let broken = broken_rules(browser).await;
        assert_eq!(broken, Value::Array(Vec::new()), "{path}: {broken:#}");
    }
}

/// Returns the rules that the shown page breaks, and the elements that break them.
pub async fn broken_rules(browser: &Browser) -> Value {
    let axe = node::module("axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("axe-core's script");
    browser.still().await;
    browser.evaluate(&axe).await;
    browser.evaluate_async(RUN_AXE).await
}

/// Returns each broken rule and the elements that break it.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const broken = ({ violations }) => violations.map(({ id, help, nodes }) =>
        ({ id, help, nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]) }));
    axe.run().then(broken).then(done, (error) => done(String(error)));";

#[tokio::test]
async fn pages_fit_the_width_of_a_phone() {
    let server = server().await;
    for language in ["en", "ko"] {
        let browser = Browser::preferring(language).await;
        for width in [320, 390] {
            browser.emulate_screen(width, 700, Screen::Phone).await;
            for path in PAGES {
                open(&browser, &server, path).await;
                let overflow = browser.evaluate(WIDER_THAN_SCREEN).await;
                assert_eq!(
                    overflow,
                    Value::Array(Vec::new()),
                    "{path} in {language} at {width} pixels"
                );
            }
        }
        browser.close(is_missing_page).await;
    }
}

/// Returns the elements that make the page scroll sideways.
const WIDER_THAN_SCREEN: &str = "
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.body.querySelectorAll('*')]
        .filter((element) => element.getBoundingClientRect().right > width + 1);
    return ['the page', ...wide.map((element) => element.outerHTML.slice(0, 200))];";

#[tokio::test]
async fn light_and_dark_are_different() {
    let server = server().await;
    let browser = Browser::start().await;
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.emulate_colours(scheme).await;
        browser.open(&server.url("/rect")).await;
        let background = "return getComputedStyle(document.body).backgroundColor";
        backgrounds.push(browser.evaluate(background).await);
    }
    assert_ne!(backgrounds[0], backgrounds[1]);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_keyboard_reaches_every_page() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    for path in [
        "console",
        "rect",
        "chart",
        "topics",
        "queues",
        "connections",
        "boards",
        "order",
    ] {
        let link = format!("header a[href='{path}']");
        let is_focused = format!("return document.activeElement?.matches(\"{link}\")");
        for _ in 0..30 {
            browser.press("\u{e004}").await;
            if browser.evaluate(&is_focused).await == true {
                break;
            }
        }
        assert_eq!(
            browser.evaluate(&is_focused).await,
            true,
            "Tab reaches {link}"
        );
    }
    browser.press("\u{e007}").await;
    let here = "return location.pathname";
    browser.evaluate_until(here, |path| path == "/order").await;
    browser.close(|_| false).await;
}

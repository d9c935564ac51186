//! A page whose program failed shows this, and can be loaded again.

use std::cell::Cell;

use harness::Carillon;
use harness::browser::Browser;
use harness::deadline::eventually;
use harness::http::get;
use serde_json::Value;

use crate::reader::{LIVE, open_live, publish};

/// Makes the program fail while it builds the next page, with a panic in Leptos.
const BREAK: &str = "document.createElement = () => { throw new Error('refused by the test'); }";

/// The visible text of the notice.
const NOTICE: &str = "[data-stopped] .stopped";

async fn connections(server: &Carillon) -> Value {
    get(server.url("/api/figures")).await.json()["connections"].clone()
}

#[tokio::test]
async fn a_panic_is_shown_and_a_reload_restores_the_page() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    browser.evaluate(BREAK).await;
    browser.click("header a[href='chart']").await;
    browser
        .text_until(NOTICE, |text| text.contains("This page has stopped"))
        .await;
    let state = "return getComputedStyle(document.querySelector('.connection')).visibility";
    assert_eq!(browser.evaluate(state).await, "hidden");

    browser.click(".stopped a").await;
    browser.started().await;
    browser.element(LIVE).await;
    browser.element(".chart canvas").await;
    let stopped = "return document.documentElement.hasAttribute('data-stopped')";
    assert_eq!(browser.evaluate(stopped).await, false);

    let panics = Cell::new(0);
    let is_expected = |message: &str| {
        let is_panic = message.contains("panicked at") && message.contains("refused by the test");
        panics.set(panics.get() + usize::from(is_panic));
        is_panic || message.contains("unreachable")
    };
    browser.close(is_expected).await;
    assert_eq!(panics.get(), 1, "the panic has its text in the console");
}

#[tokio::test]
async fn a_stopped_page_disconnects_and_its_links_load_pages() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    let open = connections(&server).await;
    browser.evaluate(BREAK).await;
    browser.click("header a[href='chart']").await;
    browser.element(NOTICE).await;
    publish(&server, "rect", "90").await;
    eventually(
        "the page's connection to end",
        || connections(&server),
        |now| *now != open,
    )
    .await;

    browser.click("header a[href='queues']").await;
    browser.element(LIVE).await;
    browser.element(".first-steps").await;
    browser
        .close(|message| message.contains("panicked at") || message.contains("unreachable"))
        .await;
}

#[tokio::test]
async fn a_page_whose_program_cannot_be_loaded_shows_a_notice() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.block("*.wasm").await;
    browser
        .client
        .goto(&server.url("/rect"))
        .await
        .expect("a page");
    browser
        .text_until(NOTICE, |text| text.contains("This page has stopped"))
        .await;
    browser
        .close(|message| {
            message.contains("ERR_BLOCKED_BY_CLIENT") || message.contains("Failed to fetch")
        })
        .await;
}

//! The demo that Carillon replaces, in a real browser: pages of another origin with mqtt.js 4.3.7, which need only
//! Carillon's address, together with Carillon's own pages.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::get;
use harness::site::Site;
use harness::tls::Pair;
use serde_json::{Value, json};

use crate::reader::{
    LIVE, PICTURE, SQUARE, VALUES, choose, enter, figure_until, open_live, published, rows,
};

/// Starts a server that allows the origin of the original's site.
async fn start() -> (Carillon, Site) {
    let site = Site::original().await;
    let server = Carillon::with(&["--allow-origin", &site.origin()]).await;
    (server, site)
}

/// Opens the original's page, which publishes or subscribes. Returns the id of its client.
async fn open_original(browser: &Browser, server: &Carillon, site: &Site, task: &str) -> Value {
    open_original_at(browser, &format!("ws://{}", server.address()), site, task).await
}

async fn open_original_at(browser: &Browser, broker: &str, site: &Site, task: &str) -> Value {
    let url = format!("{}/?broker={broker}&{task}", site.origin());
    let opened = browser.client.goto(&url).await;
    opened.expect("a page");
    browser
        .evaluate_until("return state", |state| state == "connected")
        .await;
    browser.evaluate("return clientId").await
}

#[tokio::test]
async fn the_original_console_turns_the_square_on_carillons_page() {
    let (server, site) = start().await;
    let browser = Browser::start().await;
    let client = open_original(&browser, &server, &site, "publish=rect").await;
    browser.open_window(&server.url("/rect")).await;
    browser.element(LIVE).await;
    figure_until(&browser, "received", |count| count >= 5).await;
    let turned = browser.evaluate(SQUARE).await;
    assert_eq!(turned[1], true, "it is drawn at its angle: {turned}");
    browser
        .evaluate_until(SQUARE, |now| now[0] != turned[0])
        .await;
    let rows = rows(&browser).await;
    assert!(
        rows.iter().all(|row| row[0] == client),
        "{client}: {rows:?}"
    );

    // Each angle is 50 degrees more than the one before: no message is missing or out of order.
    let angles = published(&server, "rect").await;
    let angles = angles
        .iter()
        .map(|row| row[1].as_str().expect("a text").parse());
    let angles: Vec<u32> = angles.collect::<Result<_, _>>().expect("degrees");
    let expected: Vec<_> = (1..=angles.len() as u32)
        .map(|count| count * 50 % 360)
        .collect();
    assert_eq!(angles, expected);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_original_console_redraws_the_chart_on_carillons_page() {
    let (server, site) = start().await;
    let browser = Browser::start().await;
    open_original(&browser, &server, &site, "publish=chart").await;
    browser.open_window(&server.url("/chart")).await;
    figure_until(&browser, "received", |count| count >= 3).await;
    let picture = browser.evaluate_until(PICTURE, Value::is_string).await;
    let values = browser.evaluate(VALUES).await;
    assert_eq!(values.as_array().map(Vec::len), Some(7), "{values}");
    browser.evaluate_until(VALUES, |now| *now != values).await;
    browser.evaluate_until(PICTURE, |now| *now != picture).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_original_page_shows_messages_of_carillons_console() {
    let (server, site) = start().await;
    let browser = Browser::start().await;
    for (topic, mode) in [("rect", None), ("chart", Some("Chart"))] {
        open_original(&browser, &server, &site, &format!("subscribe={topic}")).await;
        let viewer = browser.window().await;
        let console = browser.open_window(&server.url("/console")).await;
        enter(&browser, "Period in milliseconds", "50").await;
        if let Some(mode) = mode {
            choose(&browser, mode).await;
        }
        browser.show(&viewer).await;
        let script = "return received.slice(0, 5)";
        let many = |seen: &Value| seen.as_array().is_some_and(|seen| seen.len() == 5);
        let seen = browser.evaluate_until(script, many).await;
        for message in seen.as_array().expect("a list") {
            assert!(message["producerId"].is_string(), "{message}");
            let fits = match topic {
                "rect" => message["data"].is_number(),
                _ => message["data"].as_array().map(Vec::len) == Some(7),
            };
            assert!(fits, "{message}");
        }
        browser.show(&console).await;
        browser.client.close_window().await.expect("it is open");
        browser.show(&viewer).await;
    }
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_original_connects_over_tls_if_its_address_requires_it() {
    let site = Site::original().await;
    let pair = Pair::new();
    let server = pair.server(&["--allow-origin", &site.origin()]).await;
    let browser = Browser::trusting().await;
    let broker = format!("wss://{}", server.address());
    let viewer = browser.window().await;
    open_original_at(&browser, &broker, &site, "subscribe=rect").await;
    let producer = browser.client.new_window(false).await.expect("a window");
    browser.show(&producer.handle).await;
    let client = open_original_at(&browser, &broker, &site, "publish=rect").await;
    browser.show(&viewer).await;
    let many = |seen: &Value| seen.as_array().is_some_and(|seen| seen.len() == 5);
    let seen = browser
        .evaluate_until("return received.slice(0, 5)", many)
        .await;
    for message in seen.as_array().expect("a list") {
        assert_eq!(message["producerId"], client, "{message}");
    }
    browser.close(|_| false).await;
}

#[tokio::test]
async fn pages_of_an_origin_that_is_not_allowed_are_refused() {
    let site = Site::original().await;
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    let broker = format!("ws://{}", server.address());
    let url = format!("{}/?broker={broker}&publish=rect", site.origin());
    browser.client.goto(&url).await.expect("a page");
    browser
        .evaluate_until("return state", |state| state == "closed")
        .await;
    assert_eq!(browser.evaluate("return published").await, json!(0));
    assert_eq!(get(server.url("/api/topics/rect")).await.status, 404);
    browser.close(|message| message.contains("WebSocket")).await;
}

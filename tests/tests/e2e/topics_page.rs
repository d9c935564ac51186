//! The page of topics: the tree of their names, the search, and the way to one topic.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use serde_json::json;

use crate::reader::{enter, open_live};

/// Returns the names of the rows in view.
const NAMES: &str = "return [...document.querySelectorAll('.grid-row .name a')]
    .map((name) => name.textContent)";

/// Returns the name in the active row.
const ACTIVE: &str =
    "return document.querySelector('.grid-row[aria-selected=true] .name a')?.textContent";

const DOWN: &str = "\u{e015}";
const RIGHT: &str = "\u{e014}";
const LEFT: &str = "\u{e012}";
const HOME: &str = "\u{e011}";
const END: &str = "\u{e010}";
const ENTER: &str = "\u{e007}";

async fn publish(server: &Carillon, topic: &str, body: &str) {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = post(url, "text/plain", body.to_owned()).await;
    assert!(answer.status.is_success(), "{topic}: {}", answer.text());
}

async fn start() -> Carillon {
    let server = Carillon::start().await;
    for topic in [
        "finance.stock.ibm",
        "finance.stock.sap",
        "finance.bond",
        "weather",
    ] {
        publish(&server, topic, &format!("first of {topic}")).await;
    }
    server
}

async fn names_until(browser: &Browser, expected: &[&str]) {
    browser
        .evaluate_until(NAMES, |names| *names == json!(expected))
        .await;
}

#[tokio::test]
async fn the_tree_is_shown_before_any_script_runs() {
    let server = start().await;
    let page = get(server.url("/topics")).await.text();
    for text in ["finance", "weather", "first of weather"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert!(!page.contains("first of finance"), "closed: {page}");
    let found = get(server.url("/topics?search=finance.*")).await.text();
    assert!(
        found.contains("finance.bond") && !found.contains("weather"),
        "{found}"
    );
}

#[tokio::test]
async fn a_reader_opens_the_tree_with_the_keyboard_and_goes_to_a_topic() {
    let server = start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics")).await;
    names_until(&browser, &["finance", "weather"]).await;
    browser
        .evaluate("document.querySelector('[role=treegrid]').focus()")
        .await;
    browser.press(DOWN).await;
    browser.press(RIGHT).await;
    names_until(&browser, &["finance", "bond", "stock", "weather"]).await;
    browser.press(RIGHT).await;
    browser.press(DOWN).await;
    browser.press(RIGHT).await;
    names_until(
        &browser,
        &["finance", "bond", "stock", "ibm", "sap", "weather"],
    )
    .await;
    browser.press(END).await;
    browser
        .evaluate_until(ACTIVE, |name| name == "weather")
        .await;
    browser.press(HOME).await;
    browser
        .evaluate_until(ACTIVE, |name| name == "finance")
        .await;
    browser.press(LEFT).await;
    names_until(&browser, &["finance", "weather"]).await;
    browser.press(RIGHT).await;
    browser.press(DOWN).await;
    browser.evaluate_until(ACTIVE, |name| name == "bond").await;
    browser.press(ENTER).await;
    browser
        .text_until("h1", |title| title == "finance.bond")
        .await;
    let path = browser.evaluate("return location.pathname").await;
    assert_eq!(path, "/topics/finance.bond");
    browser.client.back().await.expect("the tree");
    browser.text_until("h1", |title| title == "Topics").await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_search_finds_topics_by_text_and_by_filter_on_a_phone() {
    let server = start().await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 800, Screen::Phone).await;
    open_live(&browser, &server.url("/topics")).await;
    enter(&browser, "Search", "STOCK").await;
    names_until(&browser, &["finance.stock.ibm", "finance.stock.sap"]).await;
    enter(&browser, "Search", "finance.*").await;
    names_until(&browser, &["finance.bond"]).await;
    let search = "return location.search";
    browser
        .evaluate_until(search, |search| search == "?search=finance.%2A")
        .await;
    browser.click(".grid-row .name a").await;
    browser
        .text_until("h1", |title| title == "finance.bond")
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn new_topics_and_rates_appear_by_themselves() {
    let server = start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics")).await;
    names_until(&browser, &["finance", "weather"]).await;
    publish(&server, "traffic", "a jam").await;
    names_until(&browser, &["finance", "traffic", "weather"]).await;
    let preview = "return [...document.querySelectorAll('.grid-row')]
        .find((row) => row.textContent.includes('weather')).querySelector('.preview').textContent";
    publish(&server, "weather", "a storm").await;
    browser
        .evaluate_until(preview, |text| text == "a storm")
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn only_the_rows_in_view_have_elements() {
    let server = Carillon::start().await;
    for index in 0..450 {
        publish(&server, &format!("many.t{index:03}"), "x").await;
    }
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics?search=many.*")).await;
    browser
        .evaluate("document.querySelector('[role=treegrid]').focus()")
        .await;
    // Each step loads a further part, until the last one. The head is a row too, and so is the row for further topics.
    for count in ["402", "451"] {
        browser.press(END).await;
        let rows = "return document.querySelector('[role=treegrid]').ariaRowCount";
        browser.evaluate_until(rows, |rows| rows == count).await;
        let drawn = "return document.querySelectorAll('.grid-row').length";
        let drawn = browser.evaluate(drawn).await.as_u64().expect("a number");
        assert!(drawn < 80, "{drawn} rows have elements");
    }
    browser.press(END).await;
    browser
        .evaluate_until(ACTIVE, |name| name == "many.t449")
        .await;
    browser.press(HOME).await;
    browser
        .evaluate_until(ACTIVE, |name| name == "many.t000")
        .await;
    browser.close(|_| false).await;
}

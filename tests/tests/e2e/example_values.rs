//! The values that the pages draw before the first message are marked as an example.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::get;
use serde_json::{Value, json};

use crate::reader::{PICTURE, open_live, publish};

/// Returns the visible text of the mark; empty while the mark is hidden.
const MARK: &str = "
    const mark = document.querySelector('.example-note');
    return mark.checkVisibility() ? mark.innerText.trim() : '';";

const CAPTION: &str = "return document.querySelector('.chart caption').textContent";

/// Returns the source of the values of each picture.
const SOURCES: &str = "
    return [...document.querySelectorAll('[data-source]')].map((picture) => picture.dataset.source);";

#[tokio::test]
async fn a_page_without_messages_shows_the_example_mark_without_scripts() {
    let server = Carillon::start().await;
    for (path, lacking, topic, data) in [
        ("/rect", "No message with a number", "rect", "90"),
        ("/chart", "No message with numbers", "chart", "[3,1]"),
    ] {
        let before = get(server.url(path)).await.text();
        assert!(before.contains(lacking), "{path}: {before}");
        assert!(!is_hidden(&before), "{path}: {before}");
        publish(&server, topic, data).await;
        let after = get(server.url(path)).await.text();
        assert!(is_hidden(&after), "{path}: {after}");
    }
}

/// Returns whether the mark has the style `display: none`.
fn is_hidden(html: &str) -> bool {
    let (_, mark) = html.split_once("class=\"example-note\"").expect("a mark");
    let (attributes, _) = mark.split_once('>').expect("the end of its tag");
    attributes.contains("display:none") || attributes.contains("display: none")
}

#[tokio::test]
async fn the_example_mark_disappears_with_the_first_understood_message() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    publish(&server, "rect", "\"no number\"").await;
    browser
        .text_until("[data-figure=ignored]", |text| text == "1")
        .await;
    let mark = browser.evaluate(MARK).await;
    assert!(mark.to_string().contains("Example"), "{mark}");
    assert_eq!(browser.evaluate(SOURCES).await, json!(["example"]));
    publish(&server, "rect", "90").await;
    browser.evaluate_until(MARK, |mark| mark == "").await;
    assert_eq!(browser.evaluate(SOURCES).await, json!(["message"]));

    open_live(&browser, &server.url("/chart")).await;
    let example = browser.evaluate_until(PICTURE, Value::is_string).await;
    assert_eq!(browser.evaluate(CAPTION).await, "Example values");
    // Equal to the example values, but received.
    publish(&server, "chart", "[1,2,3,4,5,6,7]").await;
    browser.evaluate_until(MARK, |mark| mark == "").await;
    browser
        .evaluate_until(PICTURE, |picture| {
            picture.is_string() && *picture != example
        })
        .await;
    assert_eq!(browser.evaluate(CAPTION).await, "The chart’s values");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_overview_draws_examples_differently_from_messages() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/")).await;
    assert_eq!(
        browser.evaluate(SOURCES).await,
        json!(["example", "example"])
    );
    publish(&server, "chart", "[3,1]").await;
    browser
        .evaluate_until(SOURCES, |sources| *sources == json!(["example", "message"]))
        .await;
    browser.close(|_| false).await;
}

//! The page of one topic: its messages as they arrive and as they are kept, the filter, one message, and publishing.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use serde_json::{Value, json};

use crate::reader::{LIVE, enter, open_live, press};

/// Returns the bodies of the rows in view.
const BODIES: &str = "return [...document.querySelectorAll('.message-row code')]
    .map((body) => body.textContent)";

/// Returns the title of the opened message; null while none is open.
const OPENED: &str = "const panel = document.querySelector('.message-panel');
    return panel.checkVisibility() ? panel.querySelector('h2').textContent : null;";

const UP: &str = "\u{e013}";
const ESCAPE: &str = "\u{e00c}";

async fn publish(server: &Carillon, body: &str) -> Value {
    let url = server.url("/api/topics/sensors.roof");
    let answer = post(url, "application/json", body.to_owned()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()
}

async fn bodies_until(browser: &Browser, expected: &[&str]) {
    browser
        .evaluate_until(BODIES, |bodies| *bodies == json!(expected))
        .await;
}

/// Waits for the row with this body, and clicks it.
async fn click_row(browser: &Browser, body: &str) {
    let click = format!(
        "const row = [...document.querySelectorAll('.message-row')]
            .find((row) => row.querySelector('code').textContent === {});
        row?.click();
        return Boolean(row);",
        json!(body)
    );
    browser.evaluate_until(&click, |found| found == true).await;
}

#[tokio::test]
async fn the_messages_are_shown_before_any_script_runs() {
    let server = Carillon::start().await;
    publish(&server, r#"{"temp":21.5}"#).await;
    let page = get(server.url("/topics/sensors.roof")).await;
    assert!(page.text().contains("21.5"), "{}", page.text());
    assert!(
        page.text().contains("<title>sensors.roof"),
        "{}",
        page.text()
    );
    let policy = page.header("content-security-policy");
    assert!(policy.contains("base-uri 'self'"), "{policy}");
}

#[tokio::test]
async fn a_reader_filters_opens_a_message_and_publishes_it_again() {
    let server = Carillon::start().await;
    publish(&server, r#"{"temp":18,"unit":"C"}"#).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    bodies_until(&browser, &[r#"{"temp":18,"unit":"C"}"#]).await;
    publish(&server, r#"{"temp":25,"unit":"C"}"#).await;
    bodies_until(
        &browser,
        &[r#"{"temp":18,"unit":"C"}"#, r#"{"temp":25,"unit":"C"}"#],
    )
    .await;

    enter(&browser, "Filter", "body.temp > 20").await;
    bodies_until(&browser, &[r#"{"temp":25,"unit":"C"}"#]).await;
    publish(&server, r#"{"temp":3}"#).await;
    publish(&server, r#"{"temp":30,"unit":"C"}"#).await;
    bodies_until(
        &browser,
        &[r#"{"temp":25,"unit":"C"}"#, r#"{"temp":30,"unit":"C"}"#],
    )
    .await;
    browser
        .text_until(".list-summary", |text| {
            text.contains("2 left out by the filter")
        })
        .await;

    click_row(&browser, r#"{"temp":25,"unit":"C"}"#).await;
    browser
        .evaluate_until(OPENED, |title| title == "Message 2")
        .await;
    browser
        .text_until(".json-tree", |text| {
            text.contains("temp: 25") && text.contains(r#"unit: "C""#)
        })
        .await;
    browser
        .text_until(".changes", |text| {
            text.contains("temp") && text.contains("18")
        })
        .await;
    press(&browser, "Publish again").await;
    enter_body(&browser, r#"{"temp":26"#).await;
    browser
        .text_until("#publish-body-fault", |text| text.starts_with("Not JSON"))
        .await;
    enter_body(&browser, r#"{"temp":26}"#).await;
    press(&browser, "Publish").await;
    browser
        .text_until(".publish [role=status]", |text| {
            text.starts_with("Published as message 5")
        })
        .await;
    browser
        .text_until(".new-messages", |text| text == "1 new")
        .await;
    browser.click(".new-messages").await;
    browser
        .evaluate_until(BODIES, |bodies| {
            let bodies = bodies.as_array().map_or(&[][..], Vec::as_slice);
            bodies.last() == Some(&json!(r#"{"temp":26}"#))
        })
        .await;
    browser.close(|_| false).await;
}

/// Replaces the body in the form. A textarea takes Enter as a line, so `enter` does not fit.
async fn enter_body(browser: &Browser, body: &str) {
    let field = browser.named("textbox", "Body").await;
    let keys = field.send_keys(&format!("\u{e009}a\u{e000}{body}")).await;
    keys.expect("a field to type into");
}

#[tokio::test]
async fn a_pause_keeps_the_place_and_counts_what_arrives() {
    let server = Carillon::start().await;
    publish(&server, "1").await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    bodies_until(&browser, &["1"]).await;
    press(&browser, "Pause").await;
    for body in ["2", "3", "4"] {
        publish(&server, body).await;
    }
    browser
        .text_until(".new-messages", |text| text == "3 new")
        .await;
    assert_eq!(browser.evaluate(BODIES).await, json!(["1"]));
    press(&browser, "3 new").await;
    bodies_until(&browser, &["1", "2", "3", "4"]).await;
    publish(&server, "5").await;
    bodies_until(&browser, &["1", "2", "3", "4", "5"]).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_link_shows_the_same_message_to_another_reader() {
    let server = Carillon::start().await;
    for number in 1..=300 {
        publish(&server, &number.to_string()).await;
    }
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    enter(&browser, "Go to", "42").await;
    browser
        .evaluate_until(OPENED, |title| title == "Message 42")
        .await;
    click_row(&browser, "43").await;
    browser
        .evaluate_until(OPENED, |title| title == "Message 43")
        .await;
    let address = browser
        .evaluate_until("return location.href", |address| {
            address
                .as_str()
                .is_some_and(|address| address.contains("?at="))
        })
        .await;
    let address = address.as_str().expect("an address").to_owned();
    let first = get(&address).await.text();
    assert!(first.contains("Message 43"), "{first}");

    browser.open_window(&address).await;
    browser.element(LIVE).await;
    browser
        .evaluate_until(OPENED, |title| title == "Message 43")
        .await;
    // Earlier messages are loaded before the place.
    browser
        .evaluate("document.querySelector('.message-list').focus()")
        .await;
    for _ in 0..5 {
        browser.press(UP).await;
    }
    browser
        .evaluate_until(OPENED, |title| title == "Message 38")
        .await;
    browser.press(ESCAPE).await;
    browser.evaluate_until(OPENED, Value::is_null).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_filter_that_is_not_valid_is_explained_and_changes_nothing() {
    let server = Carillon::start().await;
    publish(&server, "1").await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 800, Screen::Phone).await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    enter(&browser, "Filter", "body.temp >").await;
    browser
        .text_until("#topic-filter-fault", |text| !text.is_empty())
        .await;
    publish(&server, "2").await;
    bodies_until(&browser, &["1", "2"]).await;
    browser.element(LIVE).await;
    // The browser logs the refused request.
    browser
        .close(|message| message.contains("/messages?") && message.contains("400"))
        .await;
}

#[tokio::test]
async fn a_topic_that_does_not_exist_yet_is_followed() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    browser
        .text_until(".list-panel .none", |text| text.contains("No messages"))
        .await;
    publish(&server, "1").await;
    bodies_until(&browser, &["1"]).await;
    browser
        .close(|message| message.contains("/messages?") && message.contains("404"))
        .await;
}

//! The payload of a message on the page of its topic and of its queue: the forms, and every byte of it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use harness::Carillon;
use harness::browser::Browser;
use harness::http::post;
use serde_json::json;

use crate::accessibility::broken_rules;
use crate::reader::{LIVE, open_live};

const TREE: &str = ".message-panel .json-tree";
const NOTE: &str = ".message-panel .payload-note";
/// An image of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// `{"t": 1(1700000000), "n": 2(h'010000000000000000'), "b": h'00ff'}`
const CBOR: &[u8] =
    b"\xa3\x61t\xc1\x1a\x65\x53\xf1\x00\x61n\xc2\x49\x01\0\0\0\0\0\0\0\0\x61b\x42\x00\xff";
/// `{"temp": 21.5, "max": 18446744073709551615}`
const MESSAGE_PACK: &[u8] =
    b"\x82\xa4temp\xca\x41\xac\x00\x00\xa3max\xcf\xff\xff\xff\xff\xff\xff\xff\xff";

fn png() -> Vec<u8> {
    BASE64_STANDARD.decode(PNG).expect("base 64")
}

async fn publish(server: &Carillon, content_type: &str, body: impl Into<Vec<u8>>) {
    let url = server.url("/api/topics/sensors.roof");
    let answer = post(url, content_type, body.into()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

/// Opens the newest message, and waits for its form.
async fn open_newest(browser: &Browser, form: &str) {
    let click = "const rows = [...document.querySelectorAll('.message-row')];
        rows.at(-1)?.click();
        return rows.length > 0;";
    browser.evaluate_until(click, |found| found == true).await;
    form_until(browser, form).await;
}

async fn form_until(browser: &Browser, form: &str) {
    let chosen = "return document.querySelector('.message-panel input[name=payload-form]:checked')
        ?.closest('label').textContent";
    browser.evaluate_until(chosen, |found| found == form).await;
}

async fn choose(browser: &Browser, form: &str) {
    let click = format!(
        "[...document.querySelectorAll('.message-panel .forms label')]
            .find((label) => label.textContent === {}).click()",
        json!(form)
    );
    browser.evaluate(&click).await;
}

/// Shows the message that has arrived since another one was opened, which pauses the list.
async fn resume(browser: &Browser) {
    browser
        .text_until(".new-messages", |text| text == "1 new")
        .await;
    browser.click(".new-messages").await;
}

/// Waits for this number of rows.
async fn rows_until(browser: &Browser, count: usize) {
    let rows = "return document.querySelectorAll('.message-row').length";
    browser.evaluate_until(rows, |found| *found == count).await;
}

#[tokio::test]
async fn each_format_is_shown_as_what_it_is() {
    let server = Carillon::start().await;
    publish(&server, "application/cbor", CBOR).await;
    let browser = Browser::start().await;
    // From the history, and then as they arrive.
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    open_newest(&browser, "CBOR").await;
    browser
        .text_until(TREE, |text| {
            text.contains("t: 1700000000tag 1: 2023-11-14T22:13:20Z")
                && text.contains("n: 18446744073709551616tag 2")
                && text.contains("b: h'00ff'")
        })
        .await;
    publish(&server, "", MESSAGE_PACK).await;
    resume(&browser).await;
    rows_until(&browser, 2).await;
    open_newest(&browser, "MessagePack").await;
    browser
        .text_until(TREE, |text| {
            text.contains("temp: 21.5") && text.contains("max: 18446744073709551615")
        })
        .await;
    publish(&server, "application/xml", "<a x=\"1\"><b>text</b></a>").await;
    resume(&browser).await;
    rows_until(&browser, 3).await;
    open_newest(&browser, "XML").await;
    browser
        .text_until(TREE, |text| {
            text.contains("<a x=\"1\">") && text.contains("text")
        })
        .await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.close(|_| false).await;
}

#[tokio::test]
async fn an_image_is_drawn_and_a_document_never_is() {
    let server = Carillon::start().await;
    publish(&server, "image/png", png()).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    open_newest(&browser, "Image").await;
    let drawn = "const image = document.querySelector('.message-panel .payload-image');
        return image.checkVisibility() ? [image.naturalWidth, image.naturalHeight, image.alt] : null;";
    browser
        .evaluate_until(drawn, |size| {
            *size == json!([1, 1, "PNG image in the message"])
        })
        .await;
    browser
        .text_until(NOTE, |text| text == "PNG, 1 × 1 pixels.")
        .await;

    // Bytes that only begin like an image.
    publish(&server, "image/png", &png()[..24]).await;
    resume(&browser).await;
    rows_until(&browser, 2).await;
    open_newest(&browser, "Image").await;
    browser
        .text_until(".message-panel .payload-image + .fault", |text| {
            text.contains("cannot draw this image")
        })
        .await;

    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>window.ran = true</script></svg>";
    publish(&server, "image/svg+xml", svg).await;
    resume(&browser).await;
    rows_until(&browser, 3).await;
    open_newest(&browser, "XML").await;
    browser
        .text_until(TREE, |text| text.contains("<script>"))
        .await;
    choose(&browser, "Image").await;
    browser
        .text_until(NOTE, |text| text.starts_with("Not an image"))
        .await;
    assert!(browser.evaluate(drawn).await.is_null());
    assert!(
        browser
            .evaluate("return window.ran ?? null")
            .await
            .is_null()
    );
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_fault_says_where_it_is_and_the_bytes_are_shown() {
    let server = Carillon::start().await;
    publish(&server, "application/cbor", &CBOR[..CBOR.len() - 1]).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    open_newest(&browser, "Hex").await;
    choose(&browser, "CBOR").await;
    browser
        .text_until(NOTE, |text| {
            text == "Not CBOR: the value is longer than the body, at byte 24."
        })
        .await;
    browser
        .text_until(".message-panel .payload", |text| {
            text.starts_with("00000000  a3 61 74 c1")
        })
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_long_message_that_has_just_arrived_is_shown_whole() {
    let server = Carillon::start().await;
    publish(&server, "text/plain", "first").await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/sensors.roof")).await;
    rows_until(&browser, 1).await;
    let body = format!("{{\"text\":\"{}\",\"last\":7}}", "ö".repeat(20_000));
    publish(&server, "application/json", body).await;
    rows_until(&browser, 2).await;
    open_newest(&browser, "JSON").await;
    browser
        .text_until(TREE, |text| text.contains("last: 7"))
        .await;
    browser
        .text_until(".message-panel .properties", |text| {
            text.contains("39.1 KiB")
        })
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn messages_arrive_at_the_page_of_a_topic_with_a_comma() {
    let server = Carillon::start().await;
    let topic = server.url("/api/topics/lab%2C%20left");
    post(&topic, "text/plain", "first").await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/topics/lab%2C%20left")).await;
    rows_until(&browser, 1).await;
    post(&topic, "text/plain", "second").await;
    rows_until(&browser, 2).await;
    browser.element(LIVE).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_message_of_a_queue_has_the_same_forms() {
    let server = Carillon::start().await;
    let url = server.url("/api/queues/jobs");
    post(url, "application/msgpack", MESSAGE_PACK).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/queues/jobs")).await;
    browser.click(".browsed button").await;
    browser
        .text_until("dialog .json-tree", |text| {
            text.contains("max: 18446744073709551615")
        })
        .await;
    browser.close(|_| false).await;
}

//! The page of queues: it shows their figures before any script runs, and then follows the changes.

use harness::browser::Browser;
use harness::http::{get, post};
use harness::stomp::StompClient;
use harness::{Carillon, queue};
use serde_json::json;

use crate::reader::{choose, enter, figure_until, open_live, press};

/// Returns the text of each queue's row.
const ROW: &str = "return [...document.querySelectorAll('table.queues tbody tr')]
    .map((row) => row.textContent)";

async fn row_until(browser: &Browser, is_met: impl Fn(&str) -> bool) {
    browser
        .evaluate_until(ROW, |rows| {
            let rows = rows.as_array().into_iter().flatten();
            rows.filter_map(|row| row.as_str()).any(&is_met)
        })
        .await;
}

#[tokio::test]
async fn the_queues_are_shown_before_any_script_runs() {
    let server = Carillon::start().await;
    let before = get(server.url("/queues")).await.text();
    assert!(before.contains("No queues yet"));
    post(server.url("/api/queues/orders"), "text/plain", "1").await;
    let page = get(server.url("/queues")).await.text();
    assert!(page.contains("orders"), "{page}");
}

#[tokio::test]
async fn the_page_follows_a_queue_from_its_first_message_to_its_dead_letters() {
    let server = Carillon::with(&["--max-redeliveries", "0"]).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/queues")).await;
    browser
        .text_until(".first-steps", |text| text.contains("No queues yet"))
        .await;
    post(server.url("/api/queues/orders"), "text/plain", "1").await;
    row_until(&browser, |row| {
        row.contains("orders") && row.contains("no consumer")
    })
    .await;
    let headers = [("ack", "client-individual")];
    let mut consumer = StompClient::consumer(&server, "/queue/orders", &headers).await;
    let message = consumer.message().await;
    row_until(&browser, |row| {
        row.contains("orders") && !row.contains("no consumer")
    })
    .await;
    consumer.nack(&message).await;
    row_until(&browser, |row| row.contains("ActiveMQ.DLQ")).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_console_sends_to_a_queue() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/console")).await;
    press(&browser, "Pause").await;
    choose(&browser, "Custom").await;
    choose(&browser, "Queue").await;
    enter(&browser, "Queue", "orders").await;
    enter(&browser, "Body, JSON", r#"{"data": 7}"#).await;
    press(&browser, "Send once").await;
    figure_until(&browser, "accepted", |count| count >= 1).await;
    let figures = queue::figures(&server, "orders").await;
    assert_eq!(figures["waiting"], json!(1), "{figures}");
    browser.close(|_| false).await;
}

//! The Console in a real browser: the published messages and their times.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::get;

use crate::reader::{choose, enter, figure_until, open_live, press};

#[tokio::test]
async fn a_paused_console_stays_paused_and_sends_once_on_request() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/console")).await;
    figure_until(&browser, "sent", |count| count >= 1).await;
    press(&browser, "Pause").await;
    browser
        .text_until(".announcement", |text| text.contains("Paused"))
        .await;
    let before = get(server.url("/api/figures")).await.json()["published"].clone();

    open_live(&browser, &server.url("/console")).await;
    browser
        .text_until(".announcement", |text| text.contains("Paused"))
        .await;
    press(&browser, "Send once").await;
    figure_until(&browser, "accepted", |count| count == 1).await;
    let after = get(server.url("/api/figures")).await.json()["published"].clone();
    assert_eq!(
        after.as_u64(),
        before.as_u64().map(|count| count + 1),
        "nothing but that one"
    );

    press(&browser, "Resume").await;
    figure_until(&browser, "accepted", |count| count >= 2).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn an_invalid_period_shows_the_reason_and_the_old_one_stays() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/console")).await;
    for wrong in ["fast", "0", "1.5", "99999999"] {
        enter(&browser, "Period in milliseconds", wrong).await;
        browser
            .text_until("#period-fault", |text| text.contains("stays 1000 ms"))
            .await;
    }
    enter(&browser, "Period in milliseconds", "30").await;
    browser.text_until("#period-fault", str::is_empty).await;
    figure_until(&browser, "sent", |count| count >= 20).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_custom_message_is_checked_while_it_is_typed() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/console")).await;
    press(&browser, "Pause").await;
    choose(&browser, "Custom").await;
    enter(&browser, "Topic", "my..topic").await;
    browser
        .text_until("#draft-name-fault", |text| text.contains("empty"))
        .await;
    enter(&browser, "Topic", "my.topic").await;
    browser.text_until("#draft-name-fault", str::is_empty).await;
    enter(&browser, "Body, JSON", r#"{"data": }"#).await;
    browser
        .text_until("#draft-body-fault", |text| text.contains("line 1"))
        .await;
    enter(&browser, "Body, JSON", r#"{"data": 7}"#).await;
    browser.text_until("#draft-body-fault", str::is_empty).await;
    press(&browser, "Send once").await;
    figure_until(&browser, "accepted", |count| count >= 1).await;
    let topic = get(server.url("/api/topics/my.topic")).await.json();
    let body = topic["last"]["body"].as_str().expect("a body").trim();
    assert_eq!(body, r#"{"data": 7}"#);
    browser.close(|_| false).await;
}

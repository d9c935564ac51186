//! The page of connections: who is connected, with what, and how an operator ends it.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::StompClient;
use serde_json::{Value, json};

use crate::reader::{enter, open_live, press};

/// Returns the names of the listed connections.
const LISTED: &str =
    "return [...document.querySelectorAll('[aria-labelledby=open-title] .peer strong')]
    .map((name) => name.textContent)";

fn has(listed: &Value, name: &str) -> bool {
    let mut names = listed.as_array().into_iter().flatten();
    names.any(|own| *own == name)
}

async fn asked(browser: &Browser, question: &str) {
    let has_question = |text: &str| text.contains(question);
    browser
        .text_until("dialog[open] [role=status]", has_question)
        .await;
}

#[tokio::test]
async fn connections_are_shown_before_any_script_runs() {
    let server = Carillon::with_mqtt(&[]).await;
    let _meter = MqttClient::connect(&server, Version::V5, "meter-7").await;
    let page = get(server.url("/connections")).await.text();
    assert!(page.contains("meter-7") && page.contains("mqtt"), "{page}");
}

#[tokio::test]
async fn a_connection_is_found_and_disconnected_on_a_phone() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut meter = MqttClient::connect(&server, Version::V5, "meter-7").await;
    let _other = MqttClient::connect(&server, Version::V5, "lamp").await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 844, Screen::Phone).await;
    open_live(&browser, &server.url("/connections")).await;
    browser
        .evaluate_until(LISTED, |listed| has(listed, "lamp"))
        .await;
    enter(&browser, "Contains", "METER").await;
    browser
        .evaluate_until(LISTED, |listed| *listed == json!(["meter-7"]))
        .await;
    press(&browser, "Disconnect…").await;
    asked(&browser, "1 connection: meter-7").await;
    press(&browser, "Disconnect").await;
    // After a DISCONNECT with the reason.
    while meter.next().await.is_some() {}
    browser
        .text_until(".report", |text| text.contains("Disconnected meter-7"))
        .await;
    browser
        .evaluate_until(LISTED, |listed| *listed == json!([]))
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_connection_shows_its_subscriptions_and_their_rule() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("1", "news.>", &[]).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/connections")).await;
    // The page itself has a connection as well.
    browser
        .evaluate_until(LISTED, |listed| {
            listed.as_array().is_some_and(|all| all.len() == 2)
        })
        .await;
    press(&browser, "Subscriptions").await;
    browser
        .text_until(".peer-details", |text| {
            text.contains("news.>") && text.contains("skips the oldest")
        })
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_session_and_a_ban_are_ended() {
    let server = Carillon::with_mqtt(&[]).await;
    let (client, _) =
        MqttClient::connect_with(&server, &Connect::lasting(Version::V5, "sleeper")).await;
    drop(client);
    let ban = json!({"client": "intruder", "seconds": 600, "reason": "floods"}).to_string();
    assert!(
        post(server.url("/api/bans"), "application/json", ban)
            .await
            .status
            .is_success()
    );
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/connections")).await;
    press(&browser, "End the session: sleeper").await;
    asked(&browser, "1 session").await;
    press(&browser, "End the session").await;
    browser
        .text_until(".report", |text| {
            text.contains("Ended the session of sleeper")
        })
        .await;
    press(&browser, "End the ban: client intruder").await;
    asked(&browser, "client intruder may connect again").await;
    press(&browser, "End the ban").await;
    browser
        .text_until(".report", |text| {
            text.contains("client intruder may connect")
        })
        .await;
    assert_eq!(get(server.url("/api/bans")).await.json()["total"], 0);
    browser.close(|_| false).await;
}

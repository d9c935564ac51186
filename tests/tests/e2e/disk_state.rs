//! The state of the disk of `--data`: readiness, figures and the page of queues.

use harness::Carillon;
use harness::browser::Browser;
use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::http::{get, post, request, send};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::reader::open_live;

/// A number of free bytes that no disk has.
const TOO_MANY: &str = "18446744073709551615";

async fn disk_figures(server: &Carillon) -> Value {
    get(server.url("/api/figures")).await.json()["disk"].clone()
}

#[tokio::test]
async fn a_server_on_a_nearly_full_disk_is_not_ready_and_says_why() {
    let directory = DataDirectory::fresh();
    let server = directory.server_with_free(TOO_MANY).await;
    let answer = get(server.url("/readyz")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let detail = answer.problem()["detail"].to_string();
    assert!(detail.contains(TOO_MANY), "{detail}");
    assert!(detail.contains("persistent messages"), "{detail}");
    let live = get(server.url("/healthz")).await;
    assert_eq!(live.status, StatusCode::OK);
    server.stop().await;
    let server = directory.server().await;
    let answer = get(server.url("/readyz")).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn the_figures_have_the_disk_if_there_is_one() {
    let server = Carillon::start().await;
    assert_eq!(disk_figures(&server).await, Value::Null);
    let directory = DataDirectory::fresh();
    let server = directory.server_with_free("4096").await;
    let before = disk_figures(&server).await;
    assert_eq!(before["refusesPersistent"], false);
    assert_eq!(before["requiredBytes"], 4096);
    assert!(before["freeBytes"].as_u64() > Some(4096), "{before}");
    let answer = post(server.url("/api/queues/orders"), "text/plain", "1").await;
    assert_eq!(answer.status, StatusCode::OK);
    let after = disk_figures(&server).await;
    assert!(
        after["syncs"].as_u64() > before["syncs"].as_u64(),
        "{after}"
    );
    assert!(after["lastSyncMs"].as_f64() > Some(0.0), "{after}");
    // Measured once a second.
    let grown = |now: &Value| now["logBytes"].as_u64() > before["logBytes"].as_u64();
    eventually("a longer log", || disk_figures(&server), grown).await;

    let directory = DataDirectory::fresh();
    let server = directory.server_with_free(TOO_MANY).await;
    let full = disk_figures(&server).await;
    assert_eq!(full["refusesPersistent"], true);
}

#[tokio::test]
async fn the_page_of_queues_shows_that_persistent_messages_are_refused() {
    const SHOWN: &str = "return [...document.querySelectorAll('main .notice')]
        .filter((notice) => notice.checkVisibility()).map((notice) => notice.textContent)";
    let browser = Browser::start().await;
    let directory = DataDirectory::fresh();
    let server = directory.server_with_free(TOO_MANY).await;
    let listed = get(server.url("/api/queues")).await.json();
    assert!(listed["warning"].is_string(), "{listed}");
    open_live(&browser, &server.url("/queues")).await;
    let is_shown = |shown: &Value| {
        shown[0]
            .as_str()
            .is_some_and(|text| text.contains("refused"))
    };
    browser.evaluate_until(SHOWN, is_shown).await;
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let listed = get(server.url("/api/queues")).await.json();
    assert_eq!(listed.get("warning"), None);
    open_live(&browser, &server.url("/queues")).await;
    let is_hidden = |shown: &Value| shown.as_array().is_some_and(Vec::is_empty);
    browser.evaluate_until(SHOWN, is_hidden).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_new_lasting_state_and_nothing_else() {
    const DURABLE: [(&str, &str); 1] = [("activemq.subscriptionName", "audit")];
    let stomp = |client| Frame::connect().with("client-id", client);
    let lasting = |client| Connect::lasting(Version::V5, client);
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(stomp("old")).await;
    client.subscribe("0", "news.*", &DURABLE).await;
    client.leave().await;
    let (mut meter, _) = MqttClient::connect_with(&server, &lasting("meter")).await;
    meter.subscribe("orders/#", 1).await;
    meter.leave().await;
    server.stop().await;
    let server = directory.server_with_free(TOO_MANY).await;

    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(stomp("new")).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/topic/news.*");
    client
        .send(&subscribe.with(DURABLE[0].0, DURABLE[0].1))
        .await;
    let error = client.refusal().await;
    assert!(error.text().contains(TOO_MANY), "{}", error.text());
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(stomp("old")).await;
    client.subscribe("0", "news.*", &DURABLE).await;
    client.subscribe_to("1", "/topic/other", &[]).await;
    client.subscribe_to("2", "/temp-queue/answers", &[]).await;
    let mut worker = StompClient::connect(&server).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/queue/new");
    worker.send(&subscribe).await;
    let error = worker.refusal().await;
    assert!(error.text().contains(TOO_MANY), "{}", error.text());

    let mut another = MqttClient::open(&server, Version::V5).await;
    another.send_bytes(lasting("another").encode()).await;
    assert_eq!(another.packet().await.reason(), 0x97);
    let mut brief = MqttClient::anyone(&server, Version::V5).await;
    brief.subscribe("orders/#", 1).await;
    let (mut meter, connack) = MqttClient::connect_with(&server, &lasting("meter")).await;
    assert!(connack.session_present);
    for (filter, reason) in [("orders/#", 1), ("more/#", 0x97)] {
        let subscribe = Packet::subscription(&[(filter, 1)]);
        let suback = meter.request(subscribe, Kind::Suback).await;
        assert_eq!(suback.reason(), reason, "{filter}");
    }
    meter.leave().await;
    let delete = request(Method::DELETE, server.url("/api/sessions/meter"), "");
    assert_eq!(send(delete).await.status, StatusCode::NO_CONTENT);
}

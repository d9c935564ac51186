//! The programs and pages of the folder `examples`, as a reader starts them. The sketch for Arduino is not compiled.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use harness::Carillon;
use harness::browser::Browser;
use harness::carillon::run;
use harness::data::fresh_path;
use harness::deadline::{eventually, within};
use harness::http::{get, post};
use harness::site::Site;
use harness::sse::EventStream;
use harness::{node, python, queue};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(path)
}

async fn mqtt_port(server: &Carillon) -> String {
    server.mqtt_address().await.port().to_string()
}

/// Starts a program that keeps running, and waits until it is a subscriber.
async fn start(server: &Carillon, command: &mut Command) -> Child {
    let subscriptions = || async {
        let figures = get(server.url("/api/figures")).await.json();
        figures["subscriptions"].as_u64()
    };
    let before = subscriptions().await;
    let child = command.stdout(Stdio::null()).spawn().expect("it starts");
    eventually("a subscription", subscriptions, |&now| now > before).await;
    child
}

#[tokio::test]
async fn the_sensor_publishes_measurements_and_its_state() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut events = EventStream::open(server.url("/api/topics/sensors.%3E/events")).await;
    let script = example("sensor/sensor.py");
    let script = script.to_str().expect("a path in UTF-8");
    let printed = python::run(script, &["127.0.0.1", &mqtt_port(&server).await, "1"]).await;
    let measurement: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(measurement["temp"].is_number(), "{measurement}");

    // The state is published by another thread of the client than the measurement.
    let mut received = Vec::new();
    for _ in 0..3 {
        let message: Value = serde_json::from_str(&events.message().await.data).expect("JSON");
        let text = |name: &str| message[name].as_str().expect("text").to_owned();
        received.push((text("topic"), text("body")));
    }
    let of = |topic: &str| {
        let bodies = received.iter().filter(|(name, _)| name == topic);
        bodies.map(|(_, body)| body.trim()).collect::<Vec<_>>()
    };
    assert_eq!(of("sensors.kitchen.status"), ["online", "offline"]);
    assert_eq!(of("sensors.kitchen.temperature"), [printed.trim()]);
}

#[tokio::test]
async fn the_service_works_on_orders_and_rejects_what_it_cannot_read() {
    let server = Carillon::start().await;
    let folder = fresh_path("orders");
    let mut service = node::command(&example("orders/service.js"), &folder);
    service.arg(format!("ws://{}/ws", server.address()));
    let service = start(&server, &mut service).await;

    for order in [
        json!({"item": "nails", "count": 3}),
        json!({"item": "nails"}),
    ] {
        let address = server.url("/api/queues/orders");
        let sent = post(address, "application/json", order.to_string()).await;
        assert!(sent.status.is_success(), "{sent:?}");
    }
    queue::until(&server, "orders", "acknowledged", 1).await;
    queue::until(&server, "ActiveMQ.DLQ", "waiting", 1).await;
    let url = server.url("");
    let arguments = ["sub", "--server", &url, "--count", "1", "/queue/invoices"];
    let invoice = run(&arguments).await;
    let invoice: Value = serde_json::from_slice(&invoice.stdout).expect("JSON");
    assert_eq!(
        invoice,
        json!({"order": {"item": "nails", "count": 3}, "total": 6})
    );
    drop(service);
    // The program is killed, and may still write.
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn requests_over_mqtt_and_stomp_are_answered() {
    let server = Carillon::with_mqtt(&[]).await;
    let port = mqtt_port(&server).await;
    let path = |name: &str| example(&format!("request-reply/{name}"));
    let answer = path("answer.py");
    let mut answer = python::command(answer.to_str().expect("UTF-8"));
    let _answer = start(&server, answer.args(["127.0.0.1", &port])).await;

    let ask = path("ask.py");
    let arguments = ["one two three", "127.0.0.1", &port];
    let reply = python::run(ask.to_str().expect("UTF-8"), &arguments).await;
    assert_eq!(reply, "3\n");
    let url = server.url("");
    let arguments = ["request", "--server", &url, "/queue/words", "one two"];
    let reply = within("a reply", run(&arguments)).await;
    assert_eq!(String::from_utf8_lossy(&reply.stdout), "2\n", "{reply:?}");
}

/// Opens a page of the examples in a browser, with a server that allows its origin.
async fn open(path: &str) -> (Carillon, Browser, Site) {
    let site = Site::example(path).await;
    let server = Carillon::with(&["--allow-origin", &site.origin()]).await;
    let browser = Browser::start().await;
    let address = format!("{}/?server={}", site.origin(), server.url(""));
    browser.open_plain(&address).await;
    (server, browser, site)
}

async fn publish(server: &Carillon, topic: &str, body: &str) {
    let address = server.url(&format!("/api/topics/{topic}"));
    let published = post(address, "text/plain", body.to_owned()).await;
    assert!(published.status.is_success(), "{published:?}");
}

#[tokio::test]
async fn the_page_follows_a_topic() {
    let (server, browser, _site) = open("page/index.html").await;
    let state = |text: &str| text == "follows sensors.kitchen.temperature";
    browser.text_until("#state", state).await;
    for temperature in ["20.5", "21"] {
        let body = format!("{{\"temp\": {temperature}}}");
        publish(&server, "sensors.kitchen.temperature", &body).await;
        let expected = format!("{temperature} °C");
        browser.text_until("#value", |text| text == expected).await;
    }
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_dashboard_shows_each_topic_of_its_filter() {
    let (server, browser, _site) = open("dashboard/index.html").await;
    let state = |text: &str| text == "live: sensors.>";
    browser.text_until("#state", state).await;
    publish(&server, "sensors.kitchen.temperature", "{\"temp\": 20}").await;
    publish(&server, "sensors.kitchen.temperature", "{\"temp\": 22}").await;
    publish(&server, "sensors.kitchen.status", "<b>online</b>").await;
    publish(&server, "elsewhere.temperature", "9").await;
    publish(&server, "sensors.garden.humidity", "40").await;
    let cards = "return [...document.querySelectorAll('article')].map((card) => [
        card.dataset.topic, card.querySelector('p').textContent,
        card.querySelector('polyline').points.numberOfItems])";
    let expected = json!([
        ["sensors.kitchen.temperature", "22", 2],
        // Text from a message is never HTML.
        ["sensors.kitchen.status", "<b>online</b>", 0],
        ["sensors.garden.humidity", "40", 1],
    ]);
    browser
        .evaluate_until(cards, |found| *found == expected)
        .await;
    browser.close(|_| false).await;
}

//! Scheduled messages over every protocol, their list, and a kill while they wait.

use harness::Carillon;
use harness::carillon::run;
use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::http::{get, post, request, send};
use harness::mqtt::property::{REASON_STRING, USER_PROPERTY};
use harness::mqtt::{Kind, MqttClient, Packet, RETAIN, Version};
use harness::queue;
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, with_token};
use http::{Method, StatusCode};
use serde_json::Value;

const HOUR_MS: &str = "3600000";

async fn scheduled(server: &Carillon) -> Vec<Value> {
    let list = get(server.url("/api/scheduled")).await.json();
    list["scheduled"].as_array().expect("a list").clone()
}

/// Waits until nothing is scheduled.
async fn until_none_is_left(server: &Carillon) {
    eventually("an empty list", || scheduled(server), Vec::is_empty).await;
}

#[tokio::test]
async fn a_delayed_message_of_stomp_comes_later_and_without_the_headers_of_its_schedule() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[]).await;
    let mut producer = StompClient::connect(&server).await;
    let late = Frame::message_to("/queue/jobs", "late")
        .with("AMQ_SCHEDULED_DELAY", "100")
        .with("colour", "red");
    producer.request(late).await;
    let rabbit = Frame::message_to("/queue/jobs", "later").with("x-delay", "200");
    producer.request(rabbit).await;
    producer
        .request(Frame::message_to("/queue/jobs", "now"))
        .await;
    assert_eq!(consumer.message().await.text(), "now");
    let late = consumer.message().await;
    assert_eq!(
        (late.text(), late.header("colour")),
        ("late".to_owned(), "red")
    );
    assert!(!late.header("scheduledJobId").is_empty());
    assert!(
        late.headers
            .iter()
            .all(|(name, _)| !name.starts_with("AMQ_"))
    );
    assert_eq!(consumer.message().await.text(), "later");
    until_none_is_left(&server).await;
}

#[tokio::test]
async fn a_message_is_repeated_and_cancelled_while_it_repeats() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/topic/ticks", &[]).await;
    let mut producer = StompClient::connect(&server).await;
    let tick = Frame::message_to("/topic/ticks", "tick")
        .with("AMQ_SCHEDULED_DELAY", "10")
        .with("AMQ_SCHEDULED_PERIOD", "1000")
        .with("AMQ_SCHEDULED_REPEAT", "-1");
    producer.request(tick).await;
    assert_eq!(consumer.bodies(2).await, ["tick", "tick"]);
    let list = scheduled(&server).await;
    assert!(list[0].get("remaining").is_none(), "{list:?}");
    let id = list[0]["id"].as_str().expect("an id");
    let cancel = request(
        Method::DELETE,
        server.url(&format!("/api/scheduled/{id}")),
        "",
    );
    assert_eq!(send(cancel).await.status, StatusCode::NO_CONTENT);
    assert!(scheduled(&server).await.is_empty());
}

#[tokio::test]
async fn an_invalid_schedule_is_refused_with_its_fault() {
    let server = Carillon::with_mqtt(&["--max-delay", "60"]).await;
    for (name, value, expected) in [
        ("AMQ_SCHEDULED_DELAY", "soon", "a number of milliseconds"),
        (
            "AMQ_SCHEDULED_DELAY",
            "60001",
            "longer than the limit of 60000 ms",
        ),
        ("AMQ_SCHEDULED_CRON", "* * *", "five fields"),
        ("AMQ_SCHEDULED_CRON", "61 * * * *", "minute"),
        ("AMQ_SCHEDULED_REPEAT", "3", "a period of at least 1000 ms"),
    ] {
        let mut producer = StompClient::connect(&server).await;
        let frame = Frame::message_to("/queue/jobs", "m").with(name, value);
        producer.send(&frame.with("receipt", "r")).await;
        let error = producer.frame().await;
        assert_eq!(error.command, "ERROR");
        assert!(error.told().contains(expected), "{error:?}");
        let mut client = MqttClient::anyone(&server, Version::V5).await;
        let packet = Packet::publication("jobs", "m", 1).with(USER_PROPERTY, (name, value));
        let refused = client.request(packet, Kind::Puback).await;
        assert_eq!(refused.reason(), 0x83, "{refused:?}");
        assert!(refused.text_of(REASON_STRING).contains(expected));
    }
    let answer = post(
        server.url("/api/queues/jobs?delay=60001"),
        "text/plain",
        "m",
    )
    .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = post(server.url("/api/queues/jobs?cron=0+*"), "text/plain", "m").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(scheduled(&server).await.is_empty());
}

#[tokio::test]
async fn a_user_property_of_mqtt_delays_a_retained_message() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "lamp", 1).await;
    let packet = Packet::publication("lamp", "off", 1)
        .flagged(RETAIN)
        .with(USER_PROPERTY, ("AMQ_SCHEDULED_DELAY", "100"))
        .with(USER_PROPERTY, ("room", "hall"));
    client.publish_packet(packet).await;
    client.publish("lamp", "on", 1).await;
    assert_eq!(client.bodies(1).await, ["on"]);
    let off = client.message().await;
    assert_eq!(off.text(), "off");
    let names: Vec<_> = off.pairs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["room", "scheduledJobId"]);
    let mut later = MqttClient::subscriber(&server, Version::V5, "lamp", 1).await;
    assert_eq!(later.bodies(1).await, ["off"]);
}

#[tokio::test]
async fn http_schedules_lists_and_cancels() {
    let server = Carillon::start().await;
    let url = server.url(&format!("/api/queues/jobs?delay={HOUR_MS}"));
    let answer = post(url, "text/plain", "late").await.json();
    assert_eq!(answer["sequence"], 0, "{answer}");
    let id = answer["id"].as_str().expect("an id").to_owned();
    let url = server.url("/api/topics/news?cron=0+6+*+*+1-5");
    assert_eq!(
        post(url, "text/plain", "morning").await.status,
        StatusCode::OK
    );
    let list = scheduled(&server).await;
    assert_eq!(list.len(), 2);
    let late = list.iter().find(|one| one["id"] == *id).expect("listed");
    assert_eq!(
        (&late["kind"], &late["destination"]),
        (&"queue".into(), &"jobs".into())
    );
    assert_eq!(late["remaining"], 1);
    let morning = list.iter().find(|one| one["id"] != *id).expect("listed");
    assert_eq!(morning["cron"], "0 6 * * 1-5");

    let output = run(&["scheduled", "--server", &server.url("")]).await;
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        table.contains("/queue/jobs") && table.contains("cron 0 6 * * 1-5"),
        "{table}"
    );
    let refused = run(&["scheduled", "cancel", &id, "--server", &server.url("")]).await;
    assert_eq!(refused.status.code(), Some(1), "nobody is asked");
    let cancelled = run(&[
        "scheduled",
        "cancel",
        &id,
        "--yes",
        "--server",
        &server.url(""),
    ])
    .await;
    let text = String::from_utf8(cancelled.stdout).expect("UTF-8");
    assert_eq!(text, format!("message {id} was cancelled\n"));
    let again = run(&[
        "scheduled",
        "cancel",
        &id,
        "--yes",
        "--server",
        &server.url(""),
    ])
    .await;
    let text = String::from_utf8(again.stderr).expect("UTF-8");
    assert!(
        text.contains("is scheduled: it was delivered or cancelled"),
        "{text}"
    );
    assert_eq!(scheduled(&server).await.len(), 1);
}

#[tokio::test]
async fn a_transaction_schedules_at_its_commit() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for (id, end) in [("a", "ABORT"), ("b", "COMMIT")] {
        client
            .request(Frame::new("BEGIN").with("transaction", id))
            .await;
        let late = Frame::message_to("/queue/jobs", id)
            .with("AMQ_SCHEDULED_DELAY", HOUR_MS)
            .with("transaction", id);
        client.request(late).await;
        assert!(scheduled(&server).await.is_empty());
        client
            .request(Frame::new(end).with("transaction", id))
            .await;
    }
    assert_eq!(scheduled(&server).await.len(), 1);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_is_delivered_once() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let mut producer = StompClient::connect(&server).await;
    for number in 0..20 {
        let frame = Frame::message_to("/queue/jobs", number.to_string())
            .with("persistent", "true")
            .with("AMQ_SCHEDULED_DELAY", &(number * 25).to_string());
        // Waits for the receipt: it is on the disk.
        producer.request(frame).await;
    }
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let packet = Packet::publication("$queue/jobs", "mqtt", 1);
    client
        .publish_packet(packet.with(USER_PROPERTY, ("x-delay", "300")))
        .await;
    let url = server.url(&format!(
        "/api/queues/later?delay={HOUR_MS}&persistent=false"
    ));
    let id = post(url, "text/plain", "later").await.json()["id"].clone();

    // Some messages are in the queue by now, and others are not.
    let server = directory.after_kill(server).await;
    let server = directory.after_kill(server).await;
    let list = scheduled(&server).await;
    assert!(list.iter().any(|one| one["id"] == id), "{list:?}");
    queue::until(&server, "jobs", "waiting", 21).await;
    let server = directory.after_stop(server).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[]).await;
    let mut bodies = consumer.bodies(21).await;
    bodies.sort();
    let mut expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    expected.push("mqtt".to_owned());
    expected.sort();
    assert_eq!(bodies, expected);
    assert_eq!(scheduled(&server).await.len(), 1);
    consumer.is_quiet().await;
}

#[tokio::test]
async fn rights_are_checked_when_a_message_is_scheduled_listed_and_cancelled() {
    let users = UsersFile::new(
        "[users.shop]\nsend = [\"jobs\"]\n\
         [users.worker]\nreceive = [\"jobs\"]\n\
         [users.boss]\nmanage = [\">\"]\n",
    );
    let (shop, worker) = (users.token("shop").await, users.token("worker").await);
    let boss = users.token("boss").await;
    let server = users.server(&[]).await;
    let ask = async |token: &str, method: Method, path: &str| {
        send(with_token(method, server.url(path), token, "m")).await
    };
    let schedule = |queue: &str| format!("/api/queues/{queue}?delay={HOUR_MS}");
    let answer = ask(&shop, Method::POST, &schedule("jobs")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let answer = ask(&shop, Method::POST, &schedule("secret")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for (token, count) in [(&worker, 1), (&shop, 0)] {
        let list = ask(token, Method::GET, "/api/scheduled").await.json();
        assert_eq!(list["scheduled"].as_array().expect("a list").len(), count);
        assert!(list.get("total").is_none(), "{list}");
    }
    let one = format!("/api/scheduled/{id}");
    let answer = ask(&worker, Method::DELETE, &one).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = ask(&boss, Method::DELETE, &one).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

//! An operator sees the consumers and the history of a queue, and the subscriptions of a connection.

use harness::http::get;
use harness::mqtt::{MqttClient, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::StatusCode;
use serde_json::{Value, json};

async fn ask(server: &Carillon, path: &str) -> Value {
    let answer = get(server.url(path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Returns the number of the only connection of a client.
async fn connection_of(server: &Carillon, client: &str) -> u64 {
    let all = ask(server, "/api/connections").await;
    let all = all["connections"].as_array().expect("a list");
    let found = all.iter().find(|one| one["client"] == client);
    let found = found.unwrap_or_else(|| panic!("{client} in {all:?}"));
    found["id"].as_u64().expect("a number")
}

#[tokio::test]
async fn the_consumers_of_a_queue_are_listed_with_what_they_hold() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Frame::connect().with("client-id", "desk");
    let desk = StompClient::open(&server).await;
    let mut desk = desk.connected_with(connect).await;
    let options = [
        INDIVIDUAL,
        ("activemq.prefetchSize", "2"),
        ("selector", "n < 5"),
    ];
    desk.subscribe_to("mine", "/queue/jobs", &options).await;
    let mut sensor = MqttClient::connect(&server, Version::V5, "sensor").await;
    sensor.subscribe("$queue/jobs", 1).await;
    let mut producer = StompClient::connect(&server).await;
    for number in 1..=3 {
        let send = Frame::message_to("/queue/jobs", "").with("n", &number.to_string());
        producer.request(send).await;
    }
    desk.message().await;
    let list = ask(&server, "/api/queues/jobs/consumers").await;
    let consumers = list["consumers"].as_array().expect("a list");
    assert_eq!(consumers.len(), 2, "{list}");
    let (first, second) = (&consumers[0], &consumers[1]);
    assert_eq!(first["client"], "desk");
    assert_eq!(first["connection"], connection_of(&server, "desk").await);
    assert_eq!(
        (&first["prefetch"], &first["selector"]),
        (&json!(2), &json!("n < 5"))
    );
    assert!(first["held"].as_u64() >= Some(1), "{first}");
    assert!(first["oldestHeldMs"].is_u64(), "{first}");
    assert_eq!(
        (&second["client"], &second["user"]),
        (&json!("sensor"), &Value::Null)
    );
    let after = first["subscription"].as_str().expect("a number");
    let rest = ask(
        &server,
        &format!("/api/queues/jobs/consumers?after={after}"),
    )
    .await;
    assert_eq!(rest["consumers"].as_array().expect("a list").len(), 1);
    let one = ask(&server, "/api/queues/jobs/consumers?limit=1").await;
    assert_eq!(one["next"].to_string(), after);
    let none = get(server.url("/api/queues/none/consumers")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_history_of_a_queue_ends_with_its_state_now() {
    let server = Carillon::start().await;
    let mut producer = StompClient::connect(&server).await;
    producer.send_all("/queue/jobs", &["1", "2", "3"]).await;
    queue::until(&server, "jobs", "waiting", 3).await;
    let history = ask(&server, "/api/queues/jobs/history").await;
    assert_eq!(history["stepMs"], 60_000);
    let points = history["points"].as_array().expect("a list");
    let now = points.last().expect("a point for now");
    assert_eq!(now["depth"], 3);
    assert!(now["timeMs"].as_u64() > Some(1_700_000_000_000), "{now}");
    assert!(now["enqueuedPerSecond"].is_number() && now["acknowledgedPerSecond"].is_number());
    let none = get(server.url("/api/queues/none/history")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_connection_is_shown_with_its_subscriptions_and_what_they_skipped() {
    let server = Carillon::with(&["--lag", "10"]).await;
    let connect = Frame::connect().with("client-id", "desk");
    let desk = StompClient::open(&server).await;
    let mut desk = desk.connected_with(connect).await;
    desk.subscribe("topics", "news.*", &[("overflow", "latest")])
        .await;
    desk.subscribe_to("queue", "/queue/jobs", &[INDIVIDUAL])
        .await;
    desk.publish("other", "x").await;
    let id = connection_of(&server, "desk").await;
    let shown = ask(&server, &format!("/api/connections/{id}")).await;
    assert_eq!(shown["connection"]["protocol"], "stomp");
    assert_eq!(shown["connection"]["published"], 1);
    assert_eq!(shown["connection"]["subscriptions"], 2);
    assert!(shown["connection"]["publishedPerSecond"].is_number());
    let subscriptions = shown["subscriptions"].as_array().expect("a list");
    assert_eq!(subscriptions.len(), 2, "{shown}");
    let (topics, jobs) = (&subscriptions[0], &subscriptions[1]);
    assert_eq!(
        (&topics["kind"], &topics["filter"]),
        (&json!("topic"), &json!("news.*"))
    );
    assert_eq!(
        (&topics["overflow"], &topics["lag"]),
        (&json!("latest"), &json!(0))
    );
    assert_eq!(
        (&jobs["kind"], &jobs["filter"]),
        (&json!("queue"), &json!("jobs"))
    );
    assert_eq!((&jobs["held"], &jobs["skipped"]), (&json!(0), &json!(0)));
    assert!(jobs["prefetch"].is_u64() && jobs["lag"].is_null(), "{jobs}");
    let page = ask(&server, &format!("/api/connections/{id}?limit=1")).await;
    assert_eq!(
        page["next"].to_string(),
        topics["subscription"].as_str().expect("a number")
    );
    for path in ["/api/connections/0", "/api/connections/99"] {
        assert_eq!(get(server.url(path)).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_slow_subscription_shows_its_lag_and_the_reason_for_what_it_skipped() {
    const BODY: usize = 100_000;
    let server = Carillon::with(&["--lag", "5", "--history", "1"]).await;
    // It reads nothing, so its socket fills up and its cursor lags.
    let _slow = EventStream::of(harness::http::request(
        http::Method::GET,
        server.url("/api/topics/news/events"),
        "",
    ))
    .await;
    let mut producer = StompClient::connect(&server).await;
    let bodies = vec!["x".repeat(BODY); 20];
    let mut shown = async || {
        // Nothing is published while the answer is written, because its parts are read one after the other.
        producer.send_all("/topic/news", &bodies).await;
        let all = ask(&server, "/api/connections").await;
        let all = all["connections"].as_array().expect("a list").clone();
        let slow = all.iter().find(|one| one["protocol"] == "events");
        let id = slow.expect("the connection")["id"].to_string();
        ask(&server, &format!("/api/connections/{id}")).await
    };
    let mut last = Value::Null;
    for _ in 0..100 {
        last = shown().await;
        if last["subscriptions"][0]["skipped"].as_u64() > Some(0) {
            break;
        }
    }
    let subscription = &last["subscriptions"][0];
    assert_eq!(subscription["overflow"], "drop-oldest");
    assert!(subscription["skipped"].as_u64() > Some(0), "{last}");
    assert_eq!(subscription["reasons"]["lag"], subscription["skipped"]);
    assert_eq!(last["connection"]["dropped"], subscription["skipped"]);
    let lag = subscription["lag"].as_u64();
    assert!(lag > Some(0) && lag <= Some(5), "{last}");
}

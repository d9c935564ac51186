//! Server-sent events: a stream of messages for any HTTP client, which can resume.

use harness::Carillon;
use harness::http::{get, post, request, send};
use harness::sse::EventStream;
use http::{Method, StatusCode};
use serde_json::Value;

async fn publish(server: &Carillon, topic: &str, body: &str) {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = post(url, "text/plain", body.to_owned()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

fn events(server: &Carillon, filter: &str) -> String {
    server.url(&format!("/api/topics/{filter}/events"))
}

#[tokio::test]
async fn an_event_has_all_fields_of_its_message() {
    let server = Carillon::start().await;
    let mut stream = EventStream::open(events(&server, "rect")).await;
    let url = server.url("/api/topics/rect");
    let published = post(url, "application/json", r#"{"data":90}"#).await.json();
    let event = stream.message().await;
    assert_eq!(event.id, published["id"].as_str().expect("an id"));
    let json = event.json();
    assert_eq!(json["id"], published["id"]);
    assert_eq!(json["topic"], "rect");
    assert_eq!(json["sequence"], 1);
    assert_eq!(json["contentType"], "application/json");
    assert_eq!(json["body"], r#"{"data":90}"#);
    assert!(
        json["timestamp"].is_u64() && json["producer"].is_string(),
        "{json}"
    );
}

#[tokio::test]
async fn without_since_only_new_messages_are_sent() {
    let server = Carillon::start().await;
    publish(&server, "a", "old").await;
    let mut stream = EventStream::open(events(&server, "a")).await;
    publish(&server, "a", "new").await;
    assert_eq!(stream.bodies(1).await, ["new"]);
}

#[tokio::test]
async fn since_gives_the_last_image_or_the_history() {
    let server = Carillon::start().await;
    for body in ["1", "2", "3"] {
        publish(&server, "a", body).await;
    }
    let url = |since: &str| format!("{}?since={since}", events(&server, "a"));
    let mut last = EventStream::open(url("last")).await;
    let mut all = EventStream::open(url("0")).await;
    let mut some = EventStream::open(url("1")).await;
    publish(&server, "a", "4").await;
    assert_eq!(last.bodies(2).await, ["3", "4"]);
    assert_eq!(all.bodies(4).await, ["1", "2", "3", "4"]);
    assert_eq!(some.bodies(3).await, ["2", "3", "4"]);
}

#[tokio::test]
async fn a_wildcard_covers_topics_that_do_not_exist_yet() {
    let server = Carillon::start().await;
    let mut level = EventStream::open(events(&server, "finance.*")).await;
    let mut rest = EventStream::open(events(&server, "finance.%3E")).await;
    for topic in [
        "finance",
        "finance.stock",
        "finance.stock.market",
        "weather",
    ] {
        publish(&server, topic, topic).await;
    }
    publish(&server, "finance.end", "end").await;
    assert_eq!(level.bodies(2).await, ["finance.stock", "end"]);
    assert_eq!(
        rest.bodies(4).await,
        ["finance", "finance.stock", "finance.stock.market", "end"]
    );
}

#[tokio::test]
async fn a_stream_resumes_after_its_last_event_without_loss_or_duplicate() {
    let server = Carillon::start().await;
    let url = events(&server, "a.%3E");
    let mut stream = EventStream::open(&url).await;
    publish(&server, "a.x", "1").await;
    publish(&server, "a.y", "2").await;
    let mut last = stream.message().await;
    assert_eq!(last.body(), "1");
    drop(stream);

    publish(&server, "a.x", "3").await;
    publish(&server, "other", "not ours").await;
    let mut resumed = EventStream::resume(&url, Some(&last.id)).await;
    publish(&server, "a.y", "4").await;
    for body in ["2", "3", "4"] {
        last = resumed.message().await;
        assert_eq!(last.body(), body);
    }
    drop(resumed);

    let mut again = EventStream::resume(&url, Some(&last.id)).await;
    publish(&server, "a.x", "5").await;
    assert_eq!(again.bodies(1).await, ["5"]);
}

#[tokio::test]
async fn a_client_of_an_earlier_run_is_informed_of_possible_gaps() {
    let server = Carillon::start().await;
    publish(&server, "a", "1").await;
    publish(&server, "a", "2").await;
    let mut stream = EventStream::resume(events(&server, "a"), Some("1-7")).await;
    let missed = stream.next().await.expect("an event");
    assert_eq!(missed.name, "missed", "{missed:?}");
    assert_eq!(missed.json()["topic"], "a");
    assert_eq!(missed.json().get("from"), None);
    assert_eq!(stream.bodies(2).await, ["1", "2"]);
}

#[tokio::test]
async fn trimmed_history_is_reported_as_missed() {
    let server = Carillon::with(&["--history", "2"]).await;
    for body in ["1", "2", "3", "4", "5"] {
        publish(&server, "a", body).await;
    }
    let url = format!("{}?since=1", events(&server, "a"));
    let mut stream = EventStream::open(url).await;
    let missed = stream.next().await.expect("an event");
    assert_eq!(missed.name, "missed", "{missed:?}");
    let json = missed.json();
    assert_eq!(
        (json["from"].as_u64(), json["to"].as_u64()),
        (Some(2), Some(3)),
        "{json}"
    );
    assert_eq!(stream.bodies(2).await, ["4", "5"]);
}

#[tokio::test]
async fn a_selector_chooses_events_also_of_the_history() {
    let server = Carillon::start().await;
    publish(&server, "a", "{\"n\":1}").await;
    publish(&server, "a", "{\"n\":2}").await;
    let selector = "body.n%20%3E%201%20AND%20body%20REGEXP%20%27n%27";
    let url = format!("{}?since=0&selector={selector}", events(&server, "a"));
    let mut stream = EventStream::open(url).await;
    publish(&server, "a", "{\"n\":0}").await;
    publish(&server, "a", "{\"n\":3}").await;
    assert_eq!(stream.bodies(2).await, ["{\"n\":2}", "{\"n\":3}"]);
}

#[tokio::test]
async fn a_stream_with_invalid_parameters_is_refused() {
    let server = Carillon::start().await;
    for path in [
        "/api/topics/a..b/events",
        "/api/topics/%3E.a/events",
        "/api/topics/a/events?since=yesterday",
        "/api/topics/a/events?overflow=whatever",
        "/api/topics/a/events?selector=a%20%3E",
    ] {
        let answer = get(server.url(path)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        answer.problem();
    }
    let mut resume = request(Method::GET, events(&server, "a"), "");
    resume
        .headers_mut()
        .insert("last-event-id", "x".parse().expect("a value"));
    assert_eq!(send(resume).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn figures_are_published_while_there_is_a_subscriber() {
    let server = Carillon::start().await;
    let mut stream = EventStream::open(events(&server, "$SYS.figures")).await;
    publish(&server, "a", "1").await;
    for _ in 0..5 {
        let figures = stream.message().await.body();
        let figures: Value = serde_json::from_str(&figures).expect("JSON");
        let topics = figures["topicList"].as_array().expect("a list of topics");
        if topics
            .iter()
            .any(|topic| topic["name"] == "a" && topic["sequence"] == 1)
        {
            assert_eq!(
                figures["published"], 1,
                "the figures do not count themselves"
            );
            return;
        }
    }
    panic!("five figures after the message, and none of them knows its topic");
}

#[tokio::test]
async fn a_leading_wildcard_does_not_cover_the_brokers_own_topics() {
    let server = Carillon::start().await;
    let mut all = EventStream::open(events(&server, "%3E")).await;
    let mut figures = EventStream::open(events(&server, "$SYS.figures")).await;
    figures.message().await;
    publish(&server, "marker", "marker").await;
    assert_eq!(all.bodies(1).await, ["marker"]);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let server = Carillon::start().await;
    let mut stream = EventStream::open(events(&server, "a")).await;
    server.terminate().await;
    assert_eq!(stream.next().await, None);
    assert!(server.ended().await.success());
}

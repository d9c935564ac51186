//! `/api` and the health checks, as used by `curl` and monitoring.

use harness::Carillon;
use harness::http::{Answer, get, post, request, send};
use harness::mqtt::property::MESSAGE_EXPIRY;
use harness::mqtt::{MqttClient, Version};
use harness::stomp::StompClient;
use http::header::{HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::json;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

async fn publish(server: &Carillon, topic: &str, body: &str) -> Answer {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = post(url, TEXT, body.to_owned()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer
}

#[tokio::test]
async fn publishing_answers_with_topic_sequence_and_subscriptions() {
    let server = Carillon::start().await;
    let first = publish(&server, "finance.stock", "1").await.json();
    assert_eq!(first["topic"], "finance.stock");
    assert_eq!(first["sequence"], 1);
    assert_eq!(first["subscriptions"], 0);

    let _one = harness::sse::EventStream::open(server.url("/api/topics/finance.*/events")).await;
    let _two =
        harness::sse::EventStream::open(server.url("/api/topics/finance.stock/events")).await;
    let _other = harness::sse::EventStream::open(server.url("/api/topics/weather/events")).await;
    let second = publish(&server, "finance.stock", "2").await.json();
    assert_eq!(second["sequence"], 2);
    assert_eq!(second["subscriptions"], 2);
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn sequences_count_within_a_topic_and_ids_over_all() {
    let server = Carillon::start().await;
    let position = |answer: &Answer| {
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let (epoch, position) = id.rsplit_once('-').expect("epoch and position");
        u64::from_str_radix(epoch, 16).expect("a hexadecimal epoch");
        position.parse::<u64>().expect("a decimal position")
    };
    let a = publish(&server, "a", "").await;
    let b = publish(&server, "b", "").await;
    assert_eq!(
        (a.json()["sequence"].clone(), b.json()["sequence"].clone()),
        (json!(1), json!(1))
    );
    assert_eq!(position(&b), position(&a) + 1);
}

#[tokio::test]
async fn the_last_image_is_the_newest_message_with_its_content_type() {
    let server = Carillon::start().await;
    let url = server.url("/api/topics/rect");
    publish(&server, "rect", "old").await;
    let published = post(&url, JSON, r#"{"data":90}"#).await.json();
    let last = get(&url).await.json()["last"].clone();
    assert_eq!(last["body"], r#"{"data":90}"#);
    assert_eq!(last["contentType"], JSON);
    assert_eq!(last["sequence"], 2);
    assert_eq!(last["id"], published["id"]);
    assert!(
        last["timestamp"].as_u64() > Some(1_700_000_000_000),
        "{last}"
    );
    assert!(last["producer"].is_string(), "{last}");
}

#[tokio::test]
async fn bytes_that_are_not_text_are_returned_in_base64() {
    let server = Carillon::start().await;
    let url = server.url("/api/topics/picture");
    post(&url, "image/png", vec![0x89, b'P', 0xff]).await;
    let last = get(&url).await.json()["last"].clone();
    assert_eq!(last["bodyBase64"], "iVD/");
    assert_eq!(last["contentType"], "image/png");
    assert_eq!(last.get("body"), None);
}

#[tokio::test]
async fn an_empty_body_is_a_message() {
    let server = Carillon::start().await;
    publish(&server, "bell", "").await;
    let last = get(server.url("/api/topics/bell")).await.json()["last"].clone();
    assert_eq!(last["body"], "");
}

#[tokio::test]
async fn topics_are_listed_by_filter() {
    let server = Carillon::start().await;
    for topic in ["finance.stock", "finance.bond", "weather"] {
        publish(&server, topic, "x").await;
    }
    let names = |answer: Answer| {
        let topics = answer.json()["topics"].as_array().expect("a list").clone();
        let names = topics.iter().map(|topic| topic["name"].clone());
        names.collect::<Vec<_>>()
    };
    let all = names(get(server.url("/api/topics")).await);
    assert_eq!(all, ["finance.bond", "finance.stock", "weather"]);
    let some = names(get(server.url("/api/topics?filter=finance.*")).await);
    assert_eq!(some, ["finance.bond", "finance.stock"]);
}

#[tokio::test]
async fn topics_are_listed_page_by_page() {
    let server = Carillon::start().await;
    for number in 0..25 {
        publish(&server, &format!("t.{number:02}"), "x").await;
    }
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let url = server.url(&format!("/api/topics?filter=t.*&limit=10{after}"));
        let page = get(url).await.json();
        let topics = page["topics"].as_array().expect("a list").clone();
        assert!(topics.len() <= 10);
        found.extend(topics.iter().map(|topic| topic["name"].to_string()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..25).map(|number| format!("\"t.{number:02}\"")).collect();
    assert_eq!(found, expected);
    let wrong = get(server.url("/api/topics?after=a..b")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_deleted_topic_has_no_last_image() {
    let server = Carillon::start().await;
    let url = server.url("/api/topics/rect");
    publish(&server, "rect", "x").await;
    let deleted = send(request(Method::DELETE, &url, "")).await;
    assert!(deleted.status.is_success(), "{deleted:?}");
    let after = get(&url).await;
    assert!(
        after.status == StatusCode::NOT_FOUND || after.json().get("last").is_none(),
        "{after:?}"
    );
}

#[tokio::test]
async fn an_invalid_topic_is_refused_with_the_reason_and_the_position() {
    let server = Carillon::start().await;
    for (path, reason, place) in [
        ("a..b", "empty", 2),
        ("a.*", "wildcard", 2),
        ("a.%3E", "wildcard", 2),
        ("a%2Fb", "'/'", 1),
        ("a%0Ab", "control", 1),
    ] {
        let answer = post(server.url(&format!("/api/topics/{path}")), TEXT, "x").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let detail = answer.problem()["detail"]
            .as_str()
            .expect("a detail")
            .to_owned();
        assert!(detail.contains(reason), "{path}: {detail}");
        assert!(
            detail.contains(&format!("at byte {place}")),
            "{path}: {detail}"
        );
    }
    publish(&server, "a.b", "the server goes on").await;
}

#[tokio::test]
async fn publishing_to_the_brokers_own_topics_is_refused() {
    let server = Carillon::start().await;
    let answer = post(server.url("/api/topics/$SYS.figures"), TEXT, "x").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.problem()["detail"]
            .as_str()
            .expect("a detail")
            .contains("$SYS.figures")
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    const LIMIT: usize = 1 << 20;
    let server = Carillon::start().await;
    let url = server.url("/api/topics/large");
    let refused = post(&url, TEXT, vec![b'x'; LIMIT + 1]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        refused.problem()["detail"]
            .as_str()
            .expect("a detail")
            .contains("1048576")
    );

    let taken = post(&url, TEXT, vec![b'x'; LIMIT]).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    assert_eq!(taken.json()["sequence"], 1);
}

#[tokio::test]
async fn the_limit_of_a_body_can_be_configured() {
    let server = Carillon::with(&["--max-body", "10"]).await;
    let url = server.url("/api/topics/small");
    assert_eq!(post(&url, TEXT, "0123456789").await.status, StatusCode::OK);
    assert_eq!(
        post(&url, TEXT, "0123456789x").await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_the_allowed_ones() {
    let server = Carillon::start().await;
    for (method, path, right) in [
        (Method::PUT, "/api/topics/rect", "POST"),
        (Method::POST, "/api/figures", "GET"),
        (Method::DELETE, "/api/topics/rect/events", "GET"),
    ] {
        let answer = send(request(method, server.url(path), "x")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(
            answer.header("allow").contains(right),
            "{path}: {:?}",
            answer.headers
        );
        answer.problem();
    }
}

#[tokio::test]
async fn an_unknown_resource_is_a_problem_with_status_404() {
    let server = Carillon::start().await;
    for path in ["/api/nothing", "/api/topics/never.published"] {
        let answer = get(server.url(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        answer.problem();
    }
}

#[tokio::test]
async fn figures_count_messages_and_refusals() {
    let server = Carillon::start().await;
    let mut events = harness::sse::EventStream::open(server.url("/api/topics/a/events")).await;
    publish(&server, "a", "1").await;
    publish(&server, "a", "2").await;
    publish(&server, "b", "3").await;
    events.bodies(2).await;
    let figures = get(server.url("/api/figures")).await.json();
    assert_eq!(figures["published"], 3, "{figures}");
    assert_eq!(figures["delivered"], 2, "{figures}");
    assert_eq!(figures["subscriptions"], 1, "{figures}");
}

#[tokio::test]
async fn the_health_checks_report_ok() {
    let server = Carillon::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = get(server.url(path)).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (StatusCode::OK, "ok\n")
        );
    }
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_publish() {
    let server = Carillon::start().await;
    let url = server.url("/api/topics/rect");
    let from = |origin: &str| {
        let mut post = request(Method::POST, &url, "x");
        post.headers_mut()
            .insert("origin", origin.parse().expect("an origin"));
        post
    };
    let refused = send(from("https://elsewhere.example")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.problem()["detail"]
            .as_str()
            .expect("a detail")
            .contains("--allow-origin")
    );
    assert_eq!(
        get(&url).await.status,
        StatusCode::NOT_FOUND,
        "nothing was published"
    );

    let own = format!("http://{}", server.address());
    assert_eq!(send(from(&own)).await.status, StatusCode::OK);
}

/// A time that is not reached, in Unix milliseconds.
const FAR: &str = "33000000000000";

#[tokio::test]
async fn a_message_has_the_headers_and_the_expiry_of_its_request() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", "a", &[]).await;
    let mut mqtt = MqttClient::subscriber(&server, Version::V5, "a", 1).await;
    for (expires, body) in [("1", "over"), (FAR, "x")] {
        let url = server.url(&format!("/api/topics/a?expires={expires}"));
        let mut publish = request(Method::POST, url, body);
        for (name, value) in [("colour", "red"), ("Size", "3: \u{e4}")] {
            let name = format!("carillon-header-{name}");
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            publish.headers_mut().insert(name, value);
        }
        assert_eq!(send(publish).await.status, StatusCode::OK);
    }
    let frame = stomp.message().await;
    assert_eq!(frame.text(), "x", "an expired message is not delivered");
    for (name, value) in [("colour", "red"), ("size", "3: \u{e4}"), ("expires", FAR)] {
        assert_eq!(frame.header(name), value, "{name}: {frame:?}");
    }
    let message = mqtt.message().await;
    assert_eq!(message.text(), "x");
    assert!(message.number(MESSAGE_EXPIRY).is_some(), "{message:?}");
    let mut pairs = message.pairs();
    pairs.sort_unstable();
    assert_eq!(pairs, [("colour", "red"), ("size", "3: \u{e4}")]);
}

#[tokio::test]
async fn invalid_options_and_headers_are_refused() {
    let server = Carillon::start().await;
    for wish in ["expires=soon", "expires=-1", "retain=perhaps"] {
        let url = server.url(&format!("/api/topics/a?{wish}"));
        let answer = post(url, TEXT, "x").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wish}");
    }
    let mut publish = request(Method::POST, server.url("/api/topics/a"), "x");
    let no_text = HeaderValue::from_bytes(b"\xFF").expect("a value");
    publish.headers_mut().insert("carillon-header-a", no_text);
    assert_eq!(send(publish).await.status, StatusCode::BAD_REQUEST);
    let topic = get(server.url("/api/topics/a")).await;
    assert_eq!(topic.status, StatusCode::NOT_FOUND, "{}", topic.text());
}

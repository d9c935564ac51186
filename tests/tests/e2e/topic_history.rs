//! `/api/topics/{topic}/messages`: the messages that a topic keeps, from any place.

use harness::Carillon;
use harness::http::{get, post, send};
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, with_token};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Publishes the bodies to topic `a`.
async fn fill<B: AsRef<[u8]>>(server: &Carillon, bodies: &[B]) {
    let mut client = StompClient::connect(server).await;
    client.send_all("/topic/a", bodies).await;
}

async fn messages(server: &Carillon, query: &str) -> Value {
    let url = server.url(&format!("/api/topics/a/messages{query}"));
    let answer = get(url).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
    answer.json()
}

fn bodies(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a list");
    let bodies = messages.iter().map(|message| message["body"].as_str());
    bodies.map(|body| body.expect("a text")).collect()
}

fn numbers(count: u64) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn a_place_and_a_number_give_a_part_of_the_history() {
    let server = Carillon::start().await;
    fill(&server, &numbers(10)).await;
    for (query, wanted, more) in [
        ("?limit=3", &["8", "9", "10"][..], (true, false)),
        ("?limit=3&before=8", &["5", "6", "7"], (true, true)),
        ("?limit=5&before=3", &["1", "2"], (false, true)),
        ("?limit=5&before=1", &[], (false, true)),
        ("?limit=2&before=100", &["9", "10"], (true, false)),
        ("?limit=3&after=0", &["1", "2", "3"], (false, true)),
        ("?limit=3&after=8", &["9", "10"], (true, false)),
        ("?limit=3&after=10", &[], (true, false)),
        ("?limit=3&after=18446744073709551615", &[], (true, false)),
        ("?limit=2&atMs=0", &["1", "2"], (false, true)),
        ("?limit=2&atMs=99999999999999", &[], (true, false)),
        ("?limit=0", &[], (true, false)),
    ] {
        let page = messages(&server, query).await;
        assert_eq!(bodies(&page), wanted, "{query}");
        let found = (&page["moreBefore"], &page["moreAfter"]);
        assert_eq!(found, (&json!(more.0), &json!(more.1)), "{query}: {page}");
        assert_eq!((&page["oldest"], &page["newest"]), (&json!(1), &json!(10)));
        assert_eq!(
            (&page["leftOut"], &page["examined"]),
            (&json!(0), &json!(wanted.len()))
        );
    }
    let all = messages(&server, "").await;
    assert_eq!(bodies(&all), numbers(10));
    let message = &all["messages"][4];
    assert_eq!(
        (&message["topic"], &message["sequence"]),
        (&json!("a"), &json!(5))
    );
    assert_eq!((&all["from"], &all["to"]), (&json!(1), &json!(10)));
}

#[tokio::test]
async fn a_message_is_found_by_its_id_and_its_time() {
    let server = Carillon::start().await;
    fill(&server, &numbers(5)).await;
    let other = server.url("/api/topics/b");
    post(other, "text/plain", "another topic").await;
    fill(&server, &["6"]).await;
    let all = messages(&server, "").await;
    for (at, message) in all["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .enumerate()
    {
        let id = message["id"].as_str().expect("an id");
        let page = messages(&server, &format!("?id={id}&limit=2")).await;
        assert_eq!(page["messages"][0], *message);
        assert_eq!(page["moreBefore"], at > 0);
        let time = message["timestamp"].as_u64().expect("a time");
        let page = messages(&server, &format!("?atMs={time}")).await;
        let first = &page["messages"][0];
        assert!(first["sequence"].as_u64() <= message["sequence"].as_u64());
        assert_eq!(first["timestamp"], time);
    }
    // A message of an earlier run is not there any more.
    let page = messages(&server, "?id=1-3&limit=1").await;
    assert_eq!(bodies(&page), ["1"]);
}

#[tokio::test]
async fn messages_that_are_gone_are_answered_with_what_is_there() {
    let server = Carillon::with(&["--history", "3"]).await;
    let empty = get(server.url("/api/topics/a/messages")).await;
    assert_eq!(empty.status, StatusCode::NOT_FOUND);
    let mut subscriber = StompClient::consumer(&server, "/topic/a", &[]).await;
    let none = messages(&server, "").await;
    assert_eq!(
        (&none["oldest"], &none["newest"], &none["messages"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    fill(&server, &numbers(10)).await;
    subscriber.bodies(10).await;
    for (query, wanted) in [
        ("?after=2", &["8", "9", "10"][..]),
        ("?before=4", &[]),
        ("?atMs=0&limit=1", &["8"]),
    ] {
        let page = messages(&server, query).await;
        assert_eq!(bodies(&page), wanted, "{query}");
        assert_eq!((&page["oldest"], &page["newest"]), (&json!(8), &json!(10)));
    }
}

#[tokio::test]
async fn a_selector_leaves_out_messages_in_both_directions() {
    let server = Carillon::with(&["--history", "30000", "--history-bytes", "100000000"]).await;
    let bodies_of = |numbers: std::ops::Range<u64>| -> Vec<String> {
        numbers
            .map(|number| format!("{{\"data\":{{\"temp\":{number}}}}}"))
            .collect()
    };
    fill(&server, &bodies_of(0..2_000)).await;
    let multiples = "selector=body.data.temp%20%25%20100%20%3D%200";
    let temps = |page: &Value| -> Vec<u64> {
        let list = bodies(page).into_iter();
        list.map(|body| {
            let json: Value = serde_json::from_str(body).expect("JSON");
            json["data"]["temp"].as_u64().expect("a number")
        })
        .collect()
    };
    let last = messages(&server, &format!("?limit=3&{multiples}")).await;
    assert_eq!(temps(&last), [1_700, 1_800, 1_900]);
    assert_eq!(
        (&last["examined"], &last["leftOut"]),
        (&json!(300), &json!(297))
    );
    assert_eq!((&last["from"], &last["to"]), (&json!(1_701), &json!(2_000)));
    let before = messages(&server, &format!("?limit=2&before=1701&{multiples}")).await;
    assert_eq!(temps(&before), [1_500, 1_600]);
    let first = messages(&server, &format!("?limit=2&after=1&{multiples}")).await;
    assert_eq!(temps(&first), [100, 200]);
    assert_eq!(first["to"], 201);

    // One request examines a part; the caller continues.
    fill(&server, &bodies_of(2_000..25_000)).await;
    let never = "selector=body.data.temp%20%3D%20-1";
    let (mut requests, mut examined, mut after) = (0, 0, 0);
    loop {
        let page = messages(&server, &format!("?after={after}&{never}")).await;
        assert!(bodies(&page).is_empty());
        requests += 1;
        examined += page["examined"].as_u64().expect("a number");
        after = page["to"].as_u64().expect("a sequence");
        if page["moreAfter"] == false {
            break;
        }
    }
    assert_eq!((requests, examined, after), (3, 25_000, 25_000));
    let page = messages(&server, &format!("?{never}")).await;
    assert_eq!(
        (&page["examined"], &page["from"], &page["moreBefore"]),
        (&json!(10_000), &json!(15_001), &json!(true))
    );
}

#[tokio::test]
async fn a_response_has_a_bounded_size_in_both_directions() {
    let server = Carillon::with(&["--history-bytes", "100000000", "--max-body", "4000000"]).await;
    let body = "x".repeat(3 << 20);
    fill(&server, &vec![body; 4]).await;
    let sequences = |page: &Value| -> Vec<u64> {
        let list = page["messages"].as_array().expect("a list").iter();
        list.map(|message| message["sequence"].as_u64().expect("a number"))
            .collect()
    };
    let last = messages(&server, "").await;
    assert_eq!(sequences(&last), [3, 4]);
    assert_eq!(
        (&last["moreBefore"], &last["moreAfter"]),
        (&json!(true), &json!(false))
    );
    let first = messages(&server, "?after=0").await;
    assert_eq!(sequences(&first), [1, 2]);
    assert_eq!(
        (&first["moreBefore"], &first["moreAfter"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn expired_messages_are_not_shown() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client
        .request(Frame::publication("a", "old").with("expires", "1"))
        .await;
    client.request(Frame::publication("a", "new")).await;
    assert_eq!(bodies(&messages(&server, "").await), ["new"]);
}

#[tokio::test]
async fn the_right_to_read_is_needed() {
    let file = UsersFile::new(
        "[users.admin]\npublish = [\">\"]\n[users.visitor]\nsubscribe = [\"open.>\"]\nmanage = [\">\"]\n",
    );
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    for topic in ["open.a", "shut.a"] {
        let url = server.url(&format!("/api/topics/{topic}"));
        send(with_token(Method::POST, url, &admin, "secret")).await;
        for path in ["messages", "export"] {
            let url = server.url(&format!("/api/topics/{topic}/{path}"));
            let answer = send(with_token(Method::GET, &url, &visitor, "")).await;
            let is_open = topic == "open.a";
            assert_eq!(answer.status == StatusCode::OK, is_open, "{url}");
            assert_eq!(answer.text().contains("secret"), is_open, "{url}");
            let refused = send(with_token(Method::GET, &url, &admin, "")).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{url}");
        }
    }
    let unknown = server.url("/api/topics/shut.unknown/messages");
    let answer = send(with_token(Method::GET, unknown, &visitor, "")).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "existence is not shown"
    );
}

#[tokio::test]
async fn temporary_topics_are_not_read_and_system_topics_are() {
    let server = Carillon::start().await;
    let client = StompClient::consumer(&server, "/temp-topic/secret", &[]).await;
    for path in ["messages", "export"] {
        let url = server.url(&format!(
            "/api/topics/$TEMP.{}.secret/{path}",
            client.session
        ));
        assert_eq!(get(url).await.status, StatusCode::FORBIDDEN);
    }
    let mut figures =
        harness::sse::EventStream::open(server.url("/api/topics/$SYS.figures/events")).await;
    figures.message().await;
    let page = get(server.url("/api/topics/$SYS.figures/messages"))
        .await
        .json();
    assert!(!bodies(&page).is_empty());
}

#[tokio::test]
async fn a_request_with_a_wrong_parameter_is_refused_by_its_name() {
    let server = Carillon::start().await;
    fill(&server, &["x"]).await;
    for (query, named) in [
        ("before=x", "before"),
        ("after=-1", "after"),
        ("atMs=noon", "atMs"),
        ("id=17", "id"),
        ("limit=all", "limit"),
        ("before=1&after=2", "before and after"),
        ("atMs=1&id=1-1", "atMs and id"),
        ("selector=a%20%3E", "selector: column 4"),
        ("selector=body%20REGEXP%20%27%28%27", "selector: column 14"),
    ] {
        let answer = get(server.url(&format!("/api/topics/a/messages?{query}"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let detail = answer.problem()["detail"].to_string();
        assert!(detail.contains(named), "{query}: {detail}");
    }
    let wrong = get(server.url("/api/topics/a..b/messages")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_history_of_an_earlier_run_is_read_from_any_place() {
    let data = harness::data::DataDirectory::fresh();
    let options = [&data.options()[..], &["--durable-topics", ">"]].concat();
    let server = Carillon::with(&options).await;
    fill(&server, &numbers(5)).await;
    let id = messages(&server, "").await["messages"][2]["id"].clone();
    assert!(server.stop().await.success());
    let server = Carillon::with(&options).await;
    fill(&server, &["6"]).await;
    assert_eq!(
        bodies(&messages(&server, "?after=3").await),
        ["4", "5", "6"]
    );
    let id = id.as_str().expect("an id");
    assert_eq!(
        bodies(&messages(&server, &format!("?id={id}&limit=2")).await),
        ["3", "4"]
    );
}

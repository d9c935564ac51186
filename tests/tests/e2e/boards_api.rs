//! `/api/boards`: checking, conditions, rights, subscriptions to a board, and what survives a restart.

use harness::Carillon;
use harness::data::DataDirectory;
use harness::http::{Answer, get, post, request, send};
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, stomp_as, with_token};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Returns a board with one tile that shows a topic.
pub fn board(title: &str, topic: &str) -> Value {
    json!({
        "version": 1,
        "title": title,
        "tiles": [{ "id": 1, "kind": "number", "x": 0, "y": 0, "w": 3, "h": 2, "topic": topic, "field": "data" }],
    })
}

/// Saves a board. The condition is a header with its value.
pub async fn put(
    server: &Carillon,
    name: &str,
    condition: Option<(&'static str, &str)>,
    board: &Value,
) -> Answer {
    let url = server.url(&format!("/api/boards/{name}"));
    let mut request = request(Method::PUT, url, board.to_string());
    if let Some((header, value)) = condition {
        let value = value.parse().expect("a header");
        request.headers_mut().insert(header, value);
    }
    send(request).await
}

pub async fn remove(server: &Carillon, name: &str) -> Answer {
    let url = server.url(&format!("/api/boards/{name}"));
    send(request(Method::DELETE, url, "")).await
}

#[tokio::test]
async fn a_board_is_saved_listed_returned_and_deleted() {
    let server = Carillon::start().await;
    let hall = board("Hall", "hall.temp");
    let saved = put(&server, "hall", None, &hall).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{saved:?}");
    let found = get(server.url("/api/boards/hall")).await;
    assert_eq!(found.header("etag"), saved.header("etag"));
    assert_eq!(found.json(), hall);
    let list = get(server.url("/api/boards")).await.json();
    assert_eq!(list["boards"][0]["name"], "hall");
    assert_eq!(list["boards"][0]["title"], "Hall");
    assert_eq!(list["boards"][0]["tiles"], 1);
    assert_eq!(list["boards"][0]["mayWrite"], true);
    let exported = found.json();
    let copy = put(&server, "copy", Some(("if-none-match", "*")), &exported).await;
    assert_eq!(copy.status, StatusCode::CREATED, "{copy:?}");
    assert_eq!(remove(&server, "hall").await.status, StatusCode::NO_CONTENT);
    let missing = get(server.url("/api/boards/hall")).await;
    assert_eq!(missing.problem()["detail"], "there is no board hall");
    assert_eq!(remove(&server, "hall").await.status, StatusCode::NOT_FOUND);
    let list = get(server.url("/api/boards")).await.json();
    assert_eq!(list["boards"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn nobody_overwrites_a_change_that_he_has_not_seen() {
    let server = Carillon::start().await;
    let first = put(&server, "hall", None, &board("1", "a")).await;
    let seen = first.header("etag").to_owned();
    let one = put(&server, "hall", Some(("if-match", &seen)), &board("2", "a")).await;
    assert_eq!(one.status, StatusCode::OK, "{one:?}");
    let other = put(&server, "hall", Some(("if-match", &seen)), &board("3", "a")).await;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
    assert!(
        other.problem()["detail"]
            .as_str()
            .expect("a text")
            .starts_with("somebody else has changed board hall")
    );
    let without = put(&server, "hall", None, &board("3", "a")).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
    let new = put(
        &server,
        "hall",
        Some(("if-none-match", "*")),
        &board("3", "a"),
    )
    .await;
    assert_eq!(new.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        get(server.url("/api/boards/hall")).await.json()["title"],
        "2"
    );
    let forced = put(&server, "hall", Some(("if-match", "*")), &board("3", "a")).await;
    assert_eq!(forced.status, StatusCode::OK);
}

#[tokio::test]
async fn of_changes_at_the_same_time_one_wins() {
    let server = Carillon::start().await;
    let first = put(&server, "hall", None, &board("0", "a")).await;
    let seen = first.header("etag");
    let titles: Vec<_> = (1..=8)
        .map(|number| board(&number.to_string(), "a"))
        .collect();
    let condition = Some(("if-match", seen));
    let (a, b, c, d) = tokio::join!(
        put(&server, "hall", condition, &titles[0]),
        put(&server, "hall", condition, &titles[1]),
        put(&server, "hall", condition, &titles[2]),
        put(&server, "hall", condition, &titles[3]),
    );
    let answers = [a, b, c, d];
    let accepted = answers.iter().filter(|one| one.status == StatusCode::OK);
    assert_eq!(accepted.count(), 1, "{answers:?}");
    let refused = answers
        .iter()
        .filter(|one| one.status == StatusCode::PRECONDITION_FAILED);
    assert_eq!(refused.count(), 3, "{answers:?}");
}

#[tokio::test]
async fn a_board_that_is_created_while_the_old_one_is_deleted_stays() {
    let server = Carillon::start().await;
    for round in 0..100 {
        put(&server, "hall", None, &board("1", "a")).await;
        let (again, replacement) = (Some(("if-none-match", "*")), board("2", "a"));
        let created = put(&server, "hall", again, &replacement);
        let (removed, created) = tokio::join!(remove(&server, "hall"), created);
        assert_eq!(removed.status, StatusCode::NO_CONTENT, "{round}");
        if created.status.is_success() {
            let found = get(server.url("/api/boards/hall")).await;
            assert_eq!(found.status, StatusCode::OK, "{round}");
            remove(&server, "hall").await;
        }
    }
}

#[tokio::test]
async fn a_board_with_extreme_numbers_can_be_opened() {
    let server = Carillon::start().await;
    for number in [f64::MAX, f64::MIN, 5e-324, -0.0] {
        let mut hall = board("Hall", "a");
        hall["tiles"][0]["max"] = json!(number);
        let saved = put(&server, "hall", Some(("if-match", "*")), &hall).await;
        let saved = match saved.status {
            StatusCode::PRECONDITION_FAILED => put(&server, "hall", None, &hall).await,
            _ => saved,
        };
        assert!(saved.status.is_success(), "{number}: {saved:?}");
        let values = get(server.url("/api/boards/hall/values")).await;
        assert_eq!(values.status, StatusCode::OK, "{number}: {values:?}");
    }
}

#[tokio::test]
async fn a_fault_is_refused_with_its_place() {
    let server = Carillon::start().await;
    let mut wide = board("Hall", "a");
    wide["tiles"][0]["w"] = json!(13);
    let mut wrong_topic = board("Hall", "a");
    wrong_topic["tiles"][0]["topic"] = json!("a..b");
    for (board, fault) in [
        (json!({}), "tiles: the list of tiles is missing"),
        (wide, "tiles[0].w: must be a whole number from 1 to 12"),
        (wrong_topic, "tiles[0].topic: "),
        (
            json!({"tiles": [], "x": 1}),
            "x: a board has no such member",
        ),
    ] {
        let answer = put(&server, "hall", None, &board).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        let detail = answer.problem()["detail"].as_str().map(str::to_owned);
        assert!(detail.expect("a text").starts_with(fault), "{answer:?}");
    }
    let long = board(&"x".repeat(70_000), "a");
    let answer = put(&server, "hall", None, &long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for name in ["a%20b", "a%2Fb", "..a", "a*"] {
        let answer = put(&server, name, None, &board("", "a")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(
        get(server.url("/api/boards")).await.json()["boards"],
        json!([])
    );
}

#[tokio::test]
async fn clients_follow_a_board_and_cannot_publish_it() {
    let server = Carillon::with_mqtt(&[]).await;
    put(&server, "hall", None, &board("Hall", "a")).await;
    // A new subscription gets the board as a retained message.
    let mut mqtt = MqttClient::subscriber(&server, Version::V5, "$BOARDS/hall", 1).await;
    let retained = mqtt.message().await;
    assert!(retained.is_retained());
    assert!(
        retained.text().contains(r#""title":"Hall""#),
        "{retained:?}"
    );
    // Wildcards at the first level do not match it.
    mqtt.subscribe("#", 1).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("b", "$BOARDS.hall", &[]).await;
    put(&server, "hall", Some(("if-match", "*")), &board("New", "a")).await;
    let changed = stomp.message().await;
    assert!(changed.text().contains(r#""title":"New""#), "{changed:?}");
    assert!(mqtt.message().await.text().contains("New"));
    remove(&server, "hall").await;
    assert_eq!(stomp.message().await.text(), "");
    assert_eq!(mqtt.message().await.text(), "");

    let publish = Packet::publication("$BOARDS/hall", "{}", 1);
    let answer = mqtt.request(publish, Kind::Puback).await;
    assert!(answer.reason() >= 0x80, "{answer:?}");
    let answer = post(
        server.url("/api/topics/$BOARDS.hall"),
        "application/json",
        "{}",
    )
    .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    stomp.send(&Frame::publication("$BOARDS.hall", "{}")).await;
    stomp.refusal().await;
}

const RULES: &str = r#"
[users.editor]
publish = [">", "$BOARDS.hall.>"]
subscribe = [">", "$BOARDS.>"]
[users.viewer]
subscribe = ["open.>", "$BOARDS.hall.>"]
publish = ["open.>"]
[users.nobody]
subscribe = [">"]
publish = [">"]
"#;

#[tokio::test]
async fn the_rights_on_the_topic_of_a_board_count() {
    let file = UsersFile::new(RULES);
    let (editor, viewer, nobody) = (
        file.token("editor").await,
        file.token("viewer").await,
        file.token("nobody").await,
    );
    let server = file.server(&[]).await;
    let ask = async |method: Method, path: &str, token: &str, body: &Value| {
        let request = with_token(method, server.url(path), token, body.to_string());
        send(request).await
    };
    let hall = board("Hall", "secret.a");
    let (put, get) = (Method::PUT, Method::GET);
    let one = "/api/boards/hall.one";
    for (token, status) in [
        (&nobody, StatusCode::FORBIDDEN),
        (&viewer, StatusCode::FORBIDDEN),
        (&editor, StatusCode::CREATED),
    ] {
        let answer = ask(put.clone(), one, token, &hall).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let elsewhere = ask(put, "/api/boards/office", &editor, &hall).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    assert!(elsewhere.text().contains("$BOARDS.office"), "{elsewhere:?}");
    for (token, status, listed) in [
        (&nobody, StatusCode::FORBIDDEN, json!([])),
        (&viewer, StatusCode::OK, json!([["hall.one", false]])),
        (&editor, StatusCode::OK, json!([["hall.one", true]])),
    ] {
        let answer = ask(get.clone(), one, token, &json!("")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let list = ask(get.clone(), "/api/boards", token, &json!(""))
            .await
            .json();
        let found: Vec<_> = list["boards"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|board| json!([board["name"], board["mayWrite"]]))
            .collect();
        assert_eq!(json!(found), listed);
    }
    let deleted = ask(Method::DELETE, one, &viewer, &json!("")).await;
    assert_eq!(deleted.status, StatusCode::FORBIDDEN);

    // The values of a topic are there only for those who may read it.
    let publish = ask(
        Method::POST,
        "/api/topics/secret.a",
        &editor,
        &json!({"data": 7}),
    )
    .await;
    assert_eq!(publish.status, StatusCode::OK);
    let values = format!("{one}/values");
    for (token, may_read, messages) in [(&viewer, false, 0), (&editor, true, 1)] {
        let answer = ask(get.clone(), &values, token, &json!("")).await.json();
        let source = &answer["sources"][0];
        assert_eq!(source["mayRead"], may_read, "{answer}");
        assert_eq!(source["mayPublish"], may_read, "{answer}");
        assert_eq!(source["messages"].as_array().map(Vec::len), Some(messages));
        assert_eq!(answer["mayWrite"], may_read);
    }
    let mut stomp = stomp_as(&server, &nobody).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/topic/$BOARDS.hall.one");
    stomp.send(&subscribe).await;
    stomp.refusal().await;
}

#[tokio::test]
async fn a_subscription_continues_the_values_without_a_gap() {
    let server = Carillon::start().await;
    let mut two = board("Hall", "hall.a");
    two["tiles"][0]["kind"] = json!("log");
    two["tiles"].as_array_mut().expect("tiles").push(json!(
        { "id": 2, "kind": "table", "x": 0, "y": 2, "w": 3, "h": 2, "topic": "hall.>" }
    ));
    put(&server, "hall", None, &two).await;
    for number in 1..=3 {
        let body = format!(r#"{{"data":{number}}}"#);
        post(server.url("/api/topics/hall.a"), "application/json", body).await;
        post(server.url("/api/topics/hall.b"), "text/plain", "b").await;
    }
    let values = get(server.url("/api/boards/hall/values")).await.json();
    assert_eq!(values["board"], two);
    let sources = values["sources"].as_array().expect("sources");
    let bodies = |index: usize| -> Vec<String> {
        let messages = sources[index]["messages"].as_array().expect("messages");
        let body = |message: &Value| message["body"].as_str().expect("a body").to_owned();
        messages.iter().map(body).collect()
    };
    assert_eq!(
        bodies(0),
        [r#"{"data":1}"#, r#"{"data":2}"#, r#"{"data":3}"#]
    );
    assert_eq!(bodies(1), [r#"{"data":3}"#, "b"]);
    post(server.url("/api/topics/hall.a"), "text/plain", "next").await;
    let mut stomp = StompClient::connect(&server).await;
    let at = values["at"].as_str().expect("an id");
    stomp.subscribe("0", "hall.>", &[("since", at)]).await;
    assert_eq!(stomp.bodies(1).await, ["next"]);
}

#[tokio::test]
async fn the_values_of_a_board_are_bounded() {
    let server = Carillon::start().await;
    let mut log = board("Hall", "large");
    log["tiles"][0]["kind"] = json!("log");
    put(&server, "hall", None, &log).await;
    for _ in 0..10 {
        let body = "x".repeat(30_000);
        post(server.url("/api/topics/large"), "text/plain", body).await;
    }
    let values = get(server.url("/api/boards/hall/values")).await;
    assert!(values.body.len() < 140_000, "{}", values.body.len());
    let count = values.json()["sources"][0]["messages"]
        .as_array()
        .map(Vec::len);
    assert_eq!(count, Some(4));
}

#[tokio::test]
async fn boards_survive_a_stop_and_a_crash() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let kept = put(&server, "kept", None, &board("Kept", "a")).await;
    put(&server, "gone", None, &board("Gone", "a")).await;
    remove(&server, "gone").await;
    let server = directory.after_kill(server).await;
    let list = get(server.url("/api/boards")).await.json();
    assert_eq!(list["boards"].as_array().map(Vec::len), Some(1), "{list}");
    // The tag is that of the content, so an editor that was open before the crash can save.
    let tag = kept.header("etag");
    let saved = put(
        &server,
        "kept",
        Some(("if-match", tag)),
        &board("Changed", "a"),
    )
    .await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    let server = directory.after_stop(server).await;
    let found = get(server.url("/api/boards/kept")).await;
    assert_eq!(found.json()["title"], "Changed");
}

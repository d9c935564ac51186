//! Operators see and end connections, and ban users, client ids and addresses.

use std::net::SocketAddr;

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::http::{Answer, get, get_over, request, send};
use harness::mqtt::property::REASON_STRING;
use harness::mqtt::{Connect, MqttClient, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::users::{
    UsersFile, mqtt_as, mqtt_login, mqtt_refusal, stomp_as, stomp_login, stomp_refusal, with_token,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

const RULES: &str = r#"
[users.admin]
manage = [">"]
[users.anna]
subscribe = [">"]
manage = ["a.>"]
[users.ben]
subscribe = [">"]
"#;
const V5: Version = Version::V5;
const BANNED: u8 = 0x8A;
const ADMINISTRATIVE_ACTION: u8 = 0x98;

/// Returns the open connections, as an operator sees them.
async fn connections(server: &Carillon, token: &str) -> Vec<Value> {
    let url = server.url("/api/connections");
    let answer = send(with_token(Method::GET, url, token, "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let list = answer.json()["connections"].clone();
    list.as_array().expect("a list").clone()
}

async fn delete(server: &Carillon, token: &str, path: &str) -> StatusCode {
    let answer = send(with_token(Method::DELETE, server.url(path), token, "")).await;
    answer.status
}

/// Ends the connection with this name.
async fn end(server: &Carillon, token: &str, name: &str) {
    let all = connections(server, token).await;
    let found = all.iter().find(|one| one["name"] == name);
    let id = &found.unwrap_or_else(|| panic!("{name} in {all:?}"))["id"];
    let status = delete(server, token, &format!("/api/connections/{id}")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

async fn ban(server: &Carillon, token: &str, body: &Value) -> Answer {
    let mut post = request(Method::POST, server.url("/api/bans"), body.to_string());
    if !token.is_empty() {
        let value = format!("Bearer {token}").parse().expect("a header");
        post.headers_mut().insert("authorization", value);
    }
    send(post).await
}

/// Adds a ban. Returns its path.
async fn banned(server: &Carillon, token: &str, body: &Value) -> String {
    let answer = ban(server, token, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let path = answer.header("location").to_owned();
    assert_eq!(path, format!("/api/bans/{}", answer.json()["id"]));
    path
}

#[tokio::test]
async fn operators_see_who_is_connected() {
    let file = UsersFile::new(RULES);
    let (admin, anna) = (file.token("admin").await, file.token("anna").await);
    let server = file.server(&[]).await;
    let mut mqtt = mqtt_as(&server, V5, "sensor", &anna).await;
    mqtt.subscribe("a", 0).await;
    let connect = stomp_login("", &anna).with("client-id", "desk");
    let stomp = StompClient::open(&server).await;
    let _stomp = stomp.connected_with(connect).await;
    let url = server.url("/api/topics/a/events");
    let _events = EventStream::of(with_token(Method::GET, url, &anna, "")).await;
    let all = connections(&server, &admin).await;
    let summary: Vec<_> = all
        .iter()
        .map(|one| (&one["protocol"], &one["client"], &one["subscriptions"]))
        .collect();
    let expected = [
        (&json!("mqtt"), &json!("sensor"), &json!(1)),
        (&json!("stomp"), &json!("desk"), &json!(0)),
        (&json!("events"), &Value::Null, &json!(1)),
    ];
    assert_eq!(summary, expected);
    for one in &all {
        assert_eq!(
            (&one["user"], &one["address"]),
            (&json!("anna"), &json!("127.0.0.1"))
        );
        assert!(one["since"].as_u64() > Some(1_700_000_000), "{one}");
    }
    // The list continues after a connection.
    let url = server.url(&format!("/api/connections?limit=1&after={}", all[0]["id"]));
    let page = send(with_token(Method::GET, url, &admin, "")).await.json();
    assert_eq!(page["connections"], json!([all[1]]));
    assert_eq!((&page["total"], &page["next"]), (&json!(3), &all[1]["id"]));
    // The right to manage everything is needed, for each of these.
    let id = &all[0]["id"];
    for (method, path) in [
        (Method::GET, "/api/connections".to_owned()),
        (Method::DELETE, format!("/api/connections/{id}")),
        (Method::GET, "/api/bans".to_owned()),
        (Method::POST, "/api/bans".to_owned()),
        (Method::DELETE, "/api/bans/1".to_owned()),
    ] {
        let answer = send(with_token(method, server.url(&path), &anna, "")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    mqtt.ping().await;
}

#[tokio::test]
async fn an_operator_ends_a_connection_and_its_client_is_told() {
    let file = UsersFile::new(RULES);
    let (admin, anna) = (file.token("admin").await, file.token("anna").await);
    let server = file.server(&[]).await;
    for version in Version::ALL {
        let client = mqtt_as(&server, version, "sensor", &anna).await;
        end(&server, &admin, "sensor").await;
        client.is_sent_away(ADMINISTRATIVE_ACTION).await;
    }
    let mut stomp = stomp_as(&server, &anna).await;
    let name = connections(&server, &admin).await[0]["name"].clone();
    end(&server, &admin, name.as_str().expect("a name")).await;
    let error = stomp.refusal().await;
    assert_eq!(error.header("message"), "ended by an operator");
    let mut websocket = MqttClient::over_websocket(&server, "/mqtt", V5).await;
    websocket
        .send_bytes(mqtt_login(V5, "page", "token", &anna).encode())
        .await;
    assert_eq!(websocket.packet().await.reason(), 0);
    end(&server, &admin, "page").await;
    assert_eq!(websocket.packet().await.reason(), ADMINISTRATIVE_ACTION);
    assert_eq!(websocket.next().await, None);
    assert_eq!(websocket.close_code, Some(1008), "policy violation");
    let url = server.url("/api/topics/a/events");
    let mut events = EventStream::of(with_token(Method::GET, url, &anna, "")).await;
    let name = connections(&server, &admin).await[0]["name"].clone();
    end(&server, &admin, name.as_str().expect("a name")).await;
    assert!(events.next().await.is_none());

    let none = || connections(&server, &admin);
    eventually("no connection", none, Vec::is_empty).await;
    for id in ["1", "18446744073709551615"] {
        let status = delete(&server, &admin, &format!("/api/connections/{id}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{id}");
    }
    // The client may connect again.
    mqtt_as(&server, V5, "sensor", &anna).await.leave().await;
}

#[tokio::test]
async fn a_kept_session_outlives_the_end_of_its_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::lasting(V5, "kept");
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    end(&server, "", "kept").await;
    client.is_sent_away(ADMINISTRATIVE_ACTION).await;
    let (client, connack) = MqttClient::connect_with(&server, &connect).await;
    assert!(connack.session_present);
    client.leave().await;
}

#[tokio::test]
async fn a_banned_user_is_disconnected_and_refused_at_every_door() {
    let file = UsersFile::new(RULES);
    let (admin, anna) = (file.token("admin").await, file.token("anna").await);
    let ben = file.token("ben").await;
    let server = file.server(&[]).await;
    let mqtt = mqtt_as(&server, V5, "anna", &anna).await;
    let mut stomp = stomp_as(&server, &anna).await;
    let mut bystander = mqtt_as(&server, V5, "ben", &ben).await;
    let body = json!({"user": "anna", "seconds": 600, "reason": "too loud"});
    let path = banned(&server, &admin, &body).await;
    mqtt.is_sent_away(ADMINISTRATIVE_ACTION).await;
    assert_eq!(
        stomp.refusal().await.header("message"),
        "ended by an operator"
    );

    let login = |version| mqtt_login(version, "again", "token", &anna);
    let connack = mqtt_refusal(&server, &login(V5)).await;
    assert_eq!(connack.reason(), BANNED);
    assert!(
        connack.text_of(REASON_STRING).ends_with("s: too loud"),
        "{connack:?}"
    );
    assert_eq!(
        mqtt_refusal(&server, &login(Version::V3_1_1))
            .await
            .reason(),
        5
    );
    let error = stomp_refusal(&server, stomp_login("", &anna)).await;
    assert_eq!(error.header("message"), "banned");
    let url = server.url("/api/topics");
    let refused = send(with_token(Method::GET, &url, &anna, "")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.problem()["detail"].to_string().contains("too loud"));
    bystander.ping().await;

    let bans = send(with_token(Method::GET, server.url("/api/bans"), &admin, ""))
        .await
        .json();
    assert_eq!(
        (&bans["total"], &bans["bans"][0]["user"]),
        (&json!(1), &json!("anna"))
    );
    assert_eq!(bans["bans"][0]["reason"], "too loud");
    let seconds = bans["bans"][0]["seconds"].as_u64().expect("a number");
    assert!((570..=600).contains(&seconds), "{bans}");
    assert_eq!(delete(&server, &admin, &path).await, StatusCode::NO_CONTENT);
    assert_eq!(delete(&server, &admin, &path).await, StatusCode::NOT_FOUND);
    mqtt_as(&server, V5, "again", &anna).await.leave().await;
}

#[tokio::test]
async fn a_ban_of_a_client_id_ends_with_its_time() {
    let server = Carillon::with_mqtt(&[]).await;
    let client = MqttClient::connect(&server, V5, "loud").await;
    let connect = || Frame::connect().with("client-id", "loud");
    let stomp = StompClient::open(&server).await;
    let mut stomp = stomp.connected_with(connect()).await;
    let path = banned(&server, "", &json!({"client": "loud", "seconds": 600})).await;
    client.is_sent_away(ADMINISTRATIVE_ACTION).await;
    stomp.refusal().await;
    let refused = async || mqtt_refusal(&server, &Connect::new(V5, "loud")).await;
    assert_eq!(refused().await.reason(), BANNED);
    assert_eq!(
        stomp_refusal(&server, connect()).await.header("message"),
        "banned"
    );
    MqttClient::connect(&server, V5, "quiet")
        .await
        .leave()
        .await;
    // A new ban of the same client replaces the first.
    banned(&server, "", &json!({"client": "loud", "seconds": 1})).await;
    assert_eq!(delete(&server, "", &path).await, StatusCode::NOT_FOUND);
    let answer = async || {
        let mut client = MqttClient::open(&server, V5).await;
        client.send_bytes(Connect::new(V5, "loud").encode()).await;
        client.packet().await.reason()
    };
    eventually("the end of the ban", answer, |reason| *reason == 0).await;
    let bans = get(server.url("/api/bans")).await.json();
    assert_eq!(bans["total"], 0, "{bans}");
}

#[tokio::test]
async fn a_ban_needs_one_target_and_must_not_concern_its_sender() {
    let file = UsersFile::new(RULES);
    let admin = file.token("admin").await;
    let server = file.server(&[]).await;
    let table = [
        (
            json!({"user": "admin", "seconds": 60}),
            StatusCode::CONFLICT,
        ),
        (
            json!({"address": "127.0.0.1", "seconds": 60}),
            StatusCode::CONFLICT,
        ),
        (
            json!({"address": "127.0.0.0/8", "seconds": 60}),
            StatusCode::CONFLICT,
        ),
        (
            json!({"address": "0.0.0.0/0", "seconds": 60}),
            StatusCode::CONFLICT,
        ),
        (json!({"seconds": 60}), StatusCode::BAD_REQUEST),
        (
            json!({"user": "a", "client": "b", "seconds": 60}),
            StatusCode::BAD_REQUEST,
        ),
        (json!({"user": "a"}), StatusCode::BAD_REQUEST),
        (json!({"user": "a", "seconds": 0}), StatusCode::BAD_REQUEST),
        (
            json!({"user": "a", "seconds": u64::MAX}),
            StatusCode::BAD_REQUEST,
        ),
        (json!({"user": "a", "seconds": -1}), StatusCode::BAD_REQUEST),
        (
            json!({"address": "here", "seconds": 60}),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({"address": "192.0.2.0/33", "seconds": 60}),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({"user": "a", "seconds": 60, "why": ""}),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({"user": "a", "seconds": 60, "reason": "x".repeat(1_001)}),
            StatusCode::BAD_REQUEST,
        ),
        (json!("anna"), StatusCode::BAD_REQUEST),
        (
            json!({"address": "192.0.2.7/24", "seconds": 60}),
            StatusCode::CREATED,
        ),
        (
            json!({"address": "2001:db8::7", "seconds": 60}),
            StatusCode::CREATED,
        ),
    ];
    for (body, expected) in table {
        let answer = ban(&server, &admin, &body).await;
        assert_eq!(answer.status, expected, "{body}: {answer:?}");
    }
    let bans = send(with_token(Method::GET, server.url("/api/bans"), &admin, ""))
        .await
        .json();
    assert_eq!(bans["bans"][0]["address"], "192.0.2.0/24");
    assert_eq!(bans["bans"][1]["address"], "2001:db8::/64");
}

#[tokio::test]
async fn a_ban_of_an_address_holds_for_its_network_only() {
    let server = Carillon::with_mqtt(&[]).await;
    let from = async |address: [u8; 4]| {
        let socket = TcpSocket::new_v4().expect("a socket");
        let address = SocketAddr::from((address, 0));
        socket.bind(address).expect("a loopback address");
        let connected = within("a connection", socket.connect(server.address())).await;
        connected.expect("the server listens")
    };
    let banned_client = StompClient::over(from([127, 0, 5, 1]).await);
    let mut banned_client = banned_client.connected().await;
    let other = StompClient::over(from([127, 0, 6, 1]).await);
    let mut other = other.connected().await;
    banned(
        &server,
        "",
        &json!({"address": "127.0.5.0/24", "seconds": 600}),
    )
    .await;
    banned_client.refusal().await;
    let mut again = StompClient::over(from([127, 0, 5, 2]).await);
    again.send(&Frame::connect()).await;
    assert_eq!(again.refusal().await.header("message"), "banned");
    let refused = get_over(from([127, 0, 5, 3]).await, "/healthz").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    other.request(Frame::publication("a", "x")).await;
    let served = get_over(from([127, 0, 6, 2]).await, "/healthz").await;
    assert_eq!(served.status, StatusCode::OK);
}

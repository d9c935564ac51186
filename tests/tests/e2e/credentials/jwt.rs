//! JSON Web Tokens: logins at every door, expiry, rotation of keys, and faults of the key set.

use harness::Carillon;
use harness::carillon::run;
use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::http::send;
use harness::jwt::{Issuer, unix_s};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, mqtt_login, stomp_login, with_password, with_token};
use http::{Method, StatusCode};
use serde_json::json;

const RULES: &str = r#"
[jwt]
keys = "jwks.json"
audience = "carillon"
[groups.editors]
publish = ["news.>", "own.%u"]
subscribe = ["news.>"]
[users.anna]
publish = ["private.>"]
"#;

const BAD_CREDENTIALS: u8 = 0x86;
const NOT_AUTHORIZED: u8 = 0x87;
/// Long enough for every test.
const LONG_S: u64 = 3_600;

/// Returns a users file beside a key set with the keys of these issuers.
fn file(issuers: &[&Issuer]) -> UsersFile {
    let file = UsersFile::new(RULES);
    file.write_beside("jwks.json", &Issuer::key_set(issuers));
    file
}

/// Returns the reason of the CONNACK for a client with this token.
async fn reason(server: &Carillon, token: &str) -> u8 {
    let mut client = MqttClient::open(server, Version::V5).await;
    let connect = mqtt_login(Version::V5, "t", "any", token);
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
    connack.reason()
}

async fn mqtt(server: &Carillon, client: &str, token: &str) -> MqttClient {
    let connect = mqtt_login(Version::V5, client, "any", token);
    let (client, _) = MqttClient::connect_with(server, &connect).await;
    client
}

async fn stomp(server: &Carillon, token: &str) -> StompClient {
    let client = StompClient::open(server).await;
    client.connected_with(stomp_login("any", token)).await
}

/// Returns the status of a request for a topic that editors may read.
async fn status(server: &Carillon, token: &str) -> StatusCode {
    let url = server.url("/api/topics");
    send(with_token(Method::GET, url, token, "")).await.status
}

#[tokio::test]
async fn a_token_logs_in_at_every_door() {
    let issuer = Issuer::new("1");
    let file = file(&[&issuer]);
    let server = file.server(&[]).await;
    let token = issuer.token("maria", &["editors", "unknown"], LONG_S);

    let mut client = mqtt(&server, "m", &token).await;
    client.publish("news/a", "1", 1).await;
    client.publish("own/maria", "1", 1).await;
    for foreign in ["own/anna", "private/a"] {
        let packet = Packet::publication(foreign, "no", 1);
        let answer = client.request(packet, Kind::Puback).await;
        assert_eq!(answer.reason(), NOT_AUTHORIZED, "{answer:?}");
    }
    stomp(&server, &token)
        .await
        .request(Frame::publication("news.a", "2"))
        .await;
    let client = StompClient::open(&server).await;
    let passcode_only = Frame::connect().with("passcode", &token);
    let mut client = client.connected_with(passcode_only).await;
    client.request(Frame::publication("news.a", "3")).await;
    let url = server.url("/api/topics/news.a");
    let posted = send(with_token(Method::POST, &url, &token, "4")).await;
    assert_eq!(posted.status, StatusCode::OK, "{posted:?}");
    let read = send(with_password(Method::GET, &url, "any", &token)).await;
    assert_eq!(read.json()["sequence"], 4, "{read:?}");
    let events = with_token(Method::GET, format!("{url}/events?since=last"), &token, "");
    let mut events = EventStream::of(events).await;
    assert_eq!(events.bodies(1).await, ["4"]);

    let password = file.path().replace("users.toml", "token");
    file.write_beside("token", &token);
    let address = server.url("").replace("http", "ws");
    let line = [
        "pub",
        "--server",
        &address,
        "--user",
        "any",
        "--password-file",
        &password,
        "news.a",
        "5",
    ];
    let output = run(&line).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(events.bodies(1).await, ["5"]);
}

#[tokio::test]
async fn other_tokens_are_refused_and_the_log_has_the_reason() {
    let (issuer, stranger) = (Issuer::new("1"), Issuer::new("1"));
    let file = file(&[&issuer]);
    let server = file.server(&[]).await;
    let table = [
        (
            stranger.token("maria", &["editors"], LONG_S),
            "the signature is wrong",
        ),
        (
            Issuer::new("2").token("maria", &["editors"], LONG_S),
            "the key set has no key for it",
        ),
        (issuer.token("maria", &["editors"], 0), "it has expired"),
        (
            issuer.sign(&json!({"aud": "carillon", "sub": "maria"})),
            "the claim \"exp\" is missing",
        ),
        (
            issuer.sign(&json!({"aud": "other", "sub": "maria", "exp": unix_s() + LONG_S})),
            "it is for another audience",
        ),
        (
            issuer.token("anna:", &["editors"], LONG_S),
            "the claim \"sub\" is missing",
        ),
    ];
    for (token, cause) in &table {
        assert_eq!(reason(&server, token).await, BAD_CREDENTIALS, "{cause}");
        server.logged(&format!("the JWT is refused: {cause}")).await;
    }
    let (wrong, _) = &table[0];
    let mut client = StompClient::open(&server).await;
    client.send(&stomp_login("any", wrong)).await;
    let error = client.refusal().await;
    assert!(!error.text().contains("signature"), "{error:?}");
    assert_eq!(status(&server, wrong).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_connection_ends_when_its_token_expires_and_its_session_goes_on() {
    let issuer = Issuer::new("1");
    let file = file(&[&issuer]);
    let server = file.server(&[]).await;
    let end_s = unix_s() + 6;
    let short =
        issuer.sign(&json!({"aud": "carillon", "sub": "maria", "groups": "editors", "exp": end_s}));
    let login = |token: &str| Connect {
        login: Some(("any".to_owned(), token.to_owned())),
        ..Connect::lasting(Version::V5, "lasting")
    };
    let (mut reader, _) = MqttClient::connect_with(&server, &login(&short)).await;
    reader.subscribe("news/#", 1).await;
    let mut stomp_client = stomp(&server, &short).await;
    let events = with_token(
        Method::GET,
        server.url("/api/topics/news.%3E/events"),
        &short,
        "",
    );
    let mut events = EventStream::of(events).await;

    reader.is_sent_away(NOT_AUTHORIZED).await;
    assert!(unix_s() >= end_s, "too early");
    stomp_client.refusal().await;
    assert_eq!(events.next().await, None);
    assert_eq!(reason(&server, &short).await, BAD_CREDENTIALS);

    let token = issuer.token("maria", &["editors"], LONG_S);
    let mut publisher = mqtt(&server, "p", &token).await;
    publisher.publish("news/a", "while away", 1).await;
    let (mut reader, connack) = MqttClient::connect_with(&server, &login(&token)).await;
    assert!(connack.session_present, "{connack:?}");
    assert_eq!(reader.bodies(1).await, ["while away"]);
}

#[tokio::test]
async fn keys_are_replaced_while_the_server_runs() {
    let (old, new) = (Issuer::new("old"), Issuer::new("new"));
    let file = file(&[&old]);
    let server = file.server(&[]).await;
    let (by_old, by_new) = (
        old.token("maria", &["editors"], LONG_S),
        new.token("ben", &["editors"], LONG_S),
    );
    let client = mqtt(&server, "o", &by_old).await;
    assert_eq!(reason(&server, &by_new).await, BAD_CREDENTIALS);

    file.write_beside("jwks.json", &Issuer::key_set(&[&old, &new]));
    let with_new = || async { reason(&server, &by_new).await };
    eventually("the new key", with_new, |reason| *reason == 0).await;
    let mut client_of_new = mqtt(&server, "n", &by_new).await;

    // A key set that cannot be used changes nothing.
    file.write_beside("jwks.json", "{");
    server.logged("the old ones stay in force").await;
    assert_eq!(reason(&server, &by_old).await, 0);

    file.write_beside("jwks.json", &Issuer::key_set(&[&new]));
    client.is_sent_away(NOT_AUTHORIZED).await;
    assert_eq!(reason(&server, &by_old).await, BAD_CREDENTIALS);
    client_of_new.ping().await;

    // Other rules: the tokens are not valid any more.
    file.edit("audience = \"carillon\"", "audience = \"board\"");
    client_of_new.is_sent_away(NOT_AUTHORIZED).await;
}

#[tokio::test]
async fn a_name_of_the_file_does_not_lend_its_rights_and_owns_its_client_ids() {
    let issuer = Issuer::new("1");
    let file = file(&[&issuer]);
    let own = file.token("anna").await;
    let server = file.server(&[]).await;
    let claimed = issuer.token("anna", &["editors"], LONG_S);
    let mut client = mqtt(&server, "c", &claimed).await;
    client.publish("news/a", "1", 1).await;
    let answer = client
        .request(Packet::publication("private/a", "no", 1), Kind::Puback)
        .await;
    assert_eq!(answer.reason(), NOT_AUTHORIZED, "{answer:?}");
    // The other login of the same name takes the client id over; another user does not.
    let maria = mqtt_login(
        Version::V5,
        "c",
        "any",
        &issuer.token("maria", &["editors"], LONG_S),
    );
    let mut other = MqttClient::open(&server, Version::V5).await;
    other.send_bytes(maria.encode()).await;
    assert_ne!(other.packet().await.reason(), 0);
    let mut client = mqtt(&server, "c", &own).await;
    client.publish("private/a", "1", 1).await;
    let answer = client
        .request(Packet::publication("news/a", "no", 1), Kind::Puback)
        .await;
    assert_eq!(answer.reason(), NOT_AUTHORIZED, "{answer:?}");
}

#[tokio::test]
async fn a_session_keeps_its_rights_over_a_restart() {
    let issuer = Issuer::new("1");
    let file = file(&[&issuer]);
    let data = DataDirectory::fresh();
    let directory = data.path().to_str().expect("a path in UTF-8");
    let server = file.server(&["--data", directory]).await;
    let token = issuer.token("maria", &["editors"], LONG_S);
    let login = Connect {
        login: Some(("any".to_owned(), token.clone())),
        ..Connect::lasting(Version::V5, "lasting")
    };
    let (mut reader, _) = MqttClient::connect_with(&server, &login).await;
    reader.subscribe("news/#", 1).await;
    reader.leave().await;
    assert!(server.stop().await.success());

    let server = file.server(&["--data", directory]).await;
    mqtt(&server, "p", &token)
        .await
        .publish("news/a", "after the restart", 1)
        .await;
    let (mut reader, connack) = MqttClient::connect_with(&server, &login).await;
    assert!(connack.session_present, "{connack:?}");
    assert_eq!(reader.bodies(1).await, ["after the restart"]);
}

#[tokio::test]
async fn a_server_does_not_start_without_its_keys() {
    let file = UsersFile::new(RULES);
    let listen = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--stomp",
        "off",
        "--mqtt",
        "off",
    ];
    let arguments = [&listen[..], &["--users", file.path()]].concat();
    let secret = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    for (keys, hint) in [
        (None, "cannot read the keys for JWTs"),
        (Some(secret), "the type \"oct\" is not supported"),
    ] {
        if let Some(keys) = keys {
            file.write_beside("jwks.json", keys);
        }
        let output = run(&arguments).await;
        assert!(!output.status.success(), "{output:?}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(
            complaint.contains("jwks.json") && complaint.contains(hint),
            "{complaint}"
        );
    }
}

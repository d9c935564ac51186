//! MQTT: detached sessions make room for new ones, and an operator can list and end sessions.

use harness::Carillon;
use harness::deadline::eventually;
use harness::http::{get, request, send};
use harness::mqtt::property::WILL_DELAY;
use harness::mqtt::{Connect, MqttClient, Version, Will};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Connects a client with a lasting session, subscribes and disconnects.
async fn park(server: &Carillon, version: Version, client: &str, filter: &str) {
    let connect = Connect::lasting(version, client);
    let (mut client, _) = MqttClient::connect_with(server, &connect).await;
    if !filter.is_empty() {
        client.subscribe(filter, 1).await;
    }
    client.leave().await;
}

async fn is_present(server: &Carillon, version: Version, client: &str) -> (MqttClient, bool) {
    let connect = Connect::lasting(version, client);
    let (client, connack) = MqttClient::connect_with(server, &connect).await;
    (client, connack.session_present)
}

async fn sessions(server: &Carillon, query: &str) -> Value {
    get(server.url(&format!("/api/sessions{query}")))
        .await
        .json()
}

async fn end(server: &Carillon, client: &str) -> StatusCode {
    let url = server.url(&format!("/api/sessions/{client}"));
    send(request(Method::DELETE, url, "")).await.status
}

/// Waits until a number in the listing has this value.
async fn until(server: &Carillon, name: &str, count: usize) {
    let what = format!("{count} {name}");
    eventually(
        &what,
        || sessions(server, ""),
        |listed| listed[name] == count,
    )
    .await;
}

/// Waits until this number of sessions is detached: the server ends a connection after its client does.
async fn until_away(server: &Carillon, count: usize) {
    until(server, "away", count).await;
}

#[tokio::test]
async fn the_oldest_session_with_least_to_lose_ends_first() {
    for version in [Version::V3_1_1, Version::V5] {
        let server = Carillon::with_mqtt(&["--max-sessions", "3"]).await;
        park(&server, version, "with-messages", "a").await;
        until_away(&server, 1).await;
        park(&server, version, "older", "b").await;
        until_away(&server, 2).await;
        park(&server, version, "empty", "").await;
        until_away(&server, 3).await;
        let mut other = MqttClient::anyone(&server, version).await;
        other.publish("a", "kept", 1).await;

        // The client's name contains the session that makes room for it.
        for (number, ended) in ["empty", "older"].iter().enumerate() {
            park(&server, version, &format!("instead-of-{ended}"), "c").await;
            until(&server, "endedEarly", number + 1).await;
            let listed = sessions(&server, "").await;
            assert_eq!(listed["away"], 3);
            let clients = listed["sessions"].as_array().expect("a list");
            assert!(
                !clients.iter().any(|one| one["client"] == *ended),
                "{listed}"
            );
        }
        let (mut client, present) = is_present(&server, version, "with-messages").await;
        assert!(present);
        assert_eq!(client.bodies(1).await, ["kept"]);
    }
}

#[tokio::test]
async fn a_new_session_finds_room_even_if_all_have_messages() {
    let server = Carillon::with_mqtt(&["--max-sessions", "2"]).await;
    for (count, client) in ["first", "second"].iter().enumerate() {
        park(&server, Version::V5, client, "a").await;
        until_away(&server, count + 1).await;
    }
    let mut other = MqttClient::anyone(&server, Version::V5).await;
    other.publish("a", "x", 1).await;
    park(&server, Version::V5, "third", "a").await;
    until(&server, "endedEarly", 1).await;
    assert!(is_present(&server, Version::V5, "third").await.1);
    assert!(is_present(&server, Version::V5, "second").await.1);
    assert!(!is_present(&server, Version::V5, "first").await.1);
}

#[tokio::test]
async fn sessions_are_listed_in_pages() {
    let server = Carillon::with_mqtt(&[]).await;
    for (count, client) in ["b", "d", "a/x"].iter().enumerate() {
        park(&server, Version::V5, client, "t").await;
        until_away(&server, count + 1).await;
    }
    let (_connected, _) = is_present(&server, Version::V5, "c").await;
    let page = sessions(&server, "?limit=2").await;
    let expected =
        json!({"client": "a/x", "connected": false, "subscriptions": 1, "hasMessages": false});
    let mut first = page["sessions"][0].clone();
    let expires = first
        .as_object_mut()
        .expect("an object")
        .remove("expiresInSeconds");
    assert!(expires.expect("it ends").as_u64() > Some(0));
    assert_eq!(first, expected);
    assert_eq!(
        (&page["sessions"][1]["client"], &page["more"]),
        (&json!("b"), &json!(true))
    );
    let page = sessions(&server, "?after=b").await;
    assert_eq!(
        page["sessions"][0],
        json!({"client": "c", "connected": true})
    );
    assert_eq!(
        (&page["sessions"][1]["client"], &page["more"]),
        (&json!("d"), &json!(false))
    );
}

#[tokio::test]
async fn an_operator_can_end_connected_and_detached_sessions() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let will = Will::new("will", "ended").with(WILL_DELAY, 600);
    let connect = Connect::lasting(Version::V5, "a/b").willing(will);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    drop(client);
    until_away(&server, 1).await;
    assert_eq!(end(&server, "a%2Fb").await, StatusCode::NO_CONTENT);
    assert_eq!(watcher.bodies(1).await, ["ended"], "5.0, 3.1.2.5");
    assert_eq!(end(&server, "a%2Fb").await, StatusCode::NOT_FOUND);

    let (client, present) = is_present(&server, Version::V5, "a/b").await;
    assert!(!present);
    assert_eq!(end(&server, "a%2Fb").await, StatusCode::NO_CONTENT);
    // Session taken over.
    client.is_sent_away(0x8e).await;
    assert!(!is_present(&server, Version::V5, "a/b").await.1);
}

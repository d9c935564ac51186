//! Users and rights: logins, the file, and what belongs to a user. [`super::rights`] has each right at each door.

use std::time::{Duration, Instant};

use harness::Carillon;
use harness::data::DataDirectory;
use harness::deadline::DEADLINE;
use harness::http::{get, send};
use harness::mqtt::property::REASON_STRING;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, RETAIN, Version, Will};
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::users::{UsersFile, mqtt_login, stomp_login, with_password, with_token};
use http::{Method, StatusCode};

const RULES: &str = r#"
[users.admin]
publish = [">"]
subscribe = [">"]
send = [">"]
receive = [">"]
browse = [">"]
manage = [">"]
[users.writer]
publish = ["open.>", "clients.%c"]
send = ["jobs.>"]
[users.reader]
subscribe = ["open.>", "news.*"]
receive = ["jobs.>"]
deny.subscribe = ["news.secret"]
"#;

const NOT_AUTHORIZED: u8 = 0x87;

/// A client of STOMP that has logged in with a token.
async fn stomp(server: &Carillon, token: &str) -> StompClient {
    let client = StompClient::open(server).await;
    client.connected_with(stomp_login("", token)).await
}

/// A client of MQTT that has logged in with a token.
async fn mqtt(server: &Carillon, version: Version, client: &str, token: &str) -> MqttClient {
    let connect = mqtt_login(version, client, "token", token);
    let (client, _) = MqttClient::connect_with(server, &connect).await;
    client
}

/// Returns the CONNACK that refuses a client.
async fn refused(server: &Carillon, connect: &Connect) -> Packet {
    let mut client = MqttClient::open(server, connect.version).await;
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
    assert_ne!(connack.reason(), 0, "{connack:?}");
    connack
}

/// Returns the sequence of a topic's newest message; 0 without one.
async fn sequence(server: &Carillon, token: &str, topic: &str) -> u64 {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = send(with_token(Method::GET, url, token, "")).await;
    match answer.status {
        StatusCode::NOT_FOUND => 0,
        status => {
            assert_eq!(status, StatusCode::OK, "{answer:?}");
            answer.json()["sequence"].as_u64().expect("a sequence")
        }
    }
}

#[tokio::test]
async fn a_refused_publication_has_no_effect_and_names_the_missing_right() {
    let file = UsersFile::new(RULES);
    let (writer, admin) = (file.token("writer").await, file.token("admin").await);
    let server = file.server(&[]).await;

    let mut client = stomp(&server, &writer).await;
    client.request(Frame::publication("open.a", "1")).await;
    client
        .request(Frame::message_to("/queue/jobs.a", "1"))
        .await;
    for (destination, missing) in [
        ("/topic/shut.a", "`publish` on topic shut.a"),
        ("/queue/open.a", "`send` on queue open.a"),
        ("/topic/open.b,/topic/shut.a", "`publish` on topic shut.a"),
    ] {
        let mut client = stomp(&server, &writer).await;
        let frame = Frame::message_to(destination, "no").with("receipt", "r");
        client.send(&frame).await;
        let error = client.refusal().await;
        assert_eq!(error.header("message"), "not authorized", "{error:?}");
        assert_eq!(error.header("receipt-id"), "r", "{error:?}");
        assert!(error.text().contains(missing), "{error:?}");
    }

    for version in Version::ALL {
        let mut client = mqtt(&server, version, "w", &writer).await;
        client.publish("open/a", "2", 1).await;
        client.publish("clients/w", "own", 1).await;
        for qos in 0..=2 {
            let publish = Packet::publication("shut/a", "no", qos);
            if qos == 0 {
                client.send(&publish).await;
                continue;
            }
            let kind = if qos == 1 { Kind::Puback } else { Kind::Pubrec };
            let answer = client.request(publish, kind).await;
            // Before 5.0 an answer cannot refuse: the message is dropped.
            let expected = if version.is_5() { NOT_AUTHORIZED } else { 0 };
            assert_eq!(answer.reason(), expected, "{answer:?}");
            if version.is_5() {
                let text = answer.text_of(REASON_STRING);
                assert!(text.contains("`publish` on topic shut.a"), "{text}");
            }
        }
        // The connection goes on.
        client.ping().await;
        client.leave().await;
    }

    let url = server.url("/api/queues/open.a");
    let answer = send(with_token(Method::POST, url, &writer, "3")).await;
    let detail = answer.problem()["detail"].to_string();
    assert!(detail.contains("`send` on queue open.a"), "{detail}");
    assert_eq!(
        sequence(&server, &admin, "open.a").await,
        1 + Version::ALL.len() as u64
    );
    assert_eq!(
        sequence(&server, &admin, "open.b").await,
        0,
        "all or nothing"
    );
    assert_eq!(sequence(&server, &admin, "shut.a").await, 0);
}

#[tokio::test]
async fn a_subscription_to_everything_gets_what_the_user_may_read() {
    let file = UsersFile::new(RULES);
    let (reader, admin) = (file.token("reader").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut publisher = mqtt(&server, Version::V5, "p", &admin).await;
    for topic in ["news/secret", "news/old", "shut/old"] {
        let retained = Packet::publication(topic, topic, 1).flagged(RETAIN);
        publisher.publish_packet(retained).await;
    }
    let mut stomp_client = stomp(&server, &reader).await;
    stomp_client.subscribe("s", ">", &[("since", "last")]).await;
    let mut mqtt_client = mqtt(&server, Version::V5, "r", &reader).await;
    mqtt_client.subscribe("#", 1).await;
    let url = server.url("/api/topics/%3E/events?since=last");
    let mut events = EventStream::of(with_token(Method::GET, url, &reader, "")).await;
    for topic in [
        "shut/new",
        "news/secret",
        "open/new",
        "news/new",
        "open/end",
    ] {
        publisher.publish(topic, topic, 1).await;
    }
    let expected = ["news/old", "open/new", "news/new", "open/end"];
    assert_eq!(stomp_client.bodies(4).await, expected);
    assert_eq!(mqtt_client.bodies(4).await, expected);
    assert_eq!(events.bodies(4).await, expected);
}

#[tokio::test]
async fn a_subscription_of_which_nothing_could_match_is_refused() {
    let file = UsersFile::new(RULES);
    let reader = file.token("reader").await;
    let server = file.server(&[]).await;
    let table = [
        ("/topic/news.secret", "`subscribe` on topic news.secret"),
        ("/topic/shut.>", "`subscribe` on topic shut.>"),
        ("/topic/$SYS.figures", "`subscribe` on topic $SYS.figures"),
        ("/queue/other", "`receive` on queue other"),
    ];
    for (destination, missing) in table {
        let mut client = stomp(&server, &reader).await;
        let subscribe = Frame::new("SUBSCRIBE").with("id", "0");
        client
            .send(&subscribe.with("destination", destination))
            .await;
        let error = client.refusal().await;
        assert!(error.text().contains(missing), "{error:?}");
    }
    // Messages are collected for a durable subscription while its client is away, so all of its filter must be allowed.
    let client = StompClient::open(&server).await;
    let login = stomp_login("", &reader).with("client-id", "c");
    let mut client = client.connected_with(login).await;
    let durable = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/topic/>");
    client
        .send(&durable.with("activemq.subscriptionName", "all"))
        .await;
    let error = client.refusal().await;
    assert!(error.text().contains("is missing"), "{error:?}");

    let filters = [
        ("news/secret", 1),
        ("open/#", 1),
        ("shut/#", 1),
        ("$share/g/#", 1),
    ];
    let mut client = mqtt(&server, Version::V5, "r", &reader).await;
    let suback = client
        .request(Packet::subscription(&filters), Kind::Suback)
        .await;
    assert_eq!(
        suback.reasons,
        [NOT_AUTHORIZED, 1, NOT_AUTHORIZED, NOT_AUTHORIZED]
    );

    for (path, status) in [
        ("/api/topics/news.secret/events", StatusCode::FORBIDDEN),
        ("/api/topics/news.secret", StatusCode::FORBIDDEN),
        ("/api/queues/jobs.a/messages", StatusCode::FORBIDDEN),
        ("/api/topics", StatusCode::OK),
        ("/api/queues", StatusCode::OK),
    ] {
        let answer = send(with_token(Method::GET, server.url(path), &reader, "")).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn lists_show_what_the_user_may_see() {
    let file = UsersFile::new(RULES);
    let (reader, admin) = (file.token("reader").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut publisher = stomp(&server, &admin).await;
    for destination in [
        "/topic/open.a",
        "/topic/shut.a",
        "/queue/jobs.a",
        "/queue/shut.a",
    ] {
        publisher.request(Frame::message_to(destination, "x")).await;
    }
    for (path, list, seen) in [
        ("/api/topics", "topics", "open.a"),
        ("/api/queues", "queues", "jobs.a"),
    ] {
        let answer = send(with_token(Method::GET, server.url(path), &reader, "")).await;
        let json = answer.json();
        let names = json[list].as_array().expect("a list").iter();
        let names: Vec<_> = names
            .map(|one| one["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(names, [seen], "{path}");
        assert!(!answer.text().contains("shut"), "{path}");
    }
    for (path, token, status) in [
        ("/api/topics/open.a", &reader, StatusCode::FORBIDDEN),
        ("/api/topics/open.a", &admin, StatusCode::NO_CONTENT),
        ("/api/queues/jobs.a", &reader, StatusCode::FORBIDDEN),
        ("/api/queues/jobs.a", &admin, StatusCode::NO_CONTENT),
    ] {
        let answer = send(with_token(Method::DELETE, server.url(path), token, "")).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_refused_in_the_protocols_way() {
    let file = UsersFile::new(RULES);
    file.add("anna", "secret").await;
    let server = file.server(&[]).await;
    // Each answer is delayed more than the one before, so there are few.
    for (version, user, password, reason) in [
        (Version::V5, "anna", "wrong", 0x86),
        (Version::V3_1_1, "nobody", "secret", 4),
        (Version::V3_1, "anna", "", 4),
    ] {
        let connack = refused(&server, &mqtt_login(version, "c", user, password)).await;
        assert_eq!(connack.reason(), reason, "{user} {connack:?}");
    }
    let mut client = StompClient::open(&server).await;
    client.send(&stomp_login("anna", "wrong")).await;
    let error = client.refusal().await;
    assert_eq!(error.header("message"), "not authorized");
    assert!(error.text().contains("wrong"), "{error:?}");
    let url = server.url("/api/topics");
    let answer = send(with_password(Method::GET, url, "anna", "wrong")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Basic"), "{answer:?}");
    answer.problem();
    let connack = refused(&server, &Connect::new(Version::V5, "c")).await;
    assert_eq!(connack.reason(), NOT_AUTHORIZED);
    let connack = refused(&server, &Connect::new(Version::V3_1_1, "c")).await;
    assert_eq!(connack.reason(), 5);
    let mut client = StompClient::open(&server).await;
    client.send(&Frame::connect()).await;
    assert!(client.refusal().await.text().contains("is required"));
    let answer = get(server.url("/api/topics")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(server.url("/healthz")).await.status, StatusCode::OK);
    // The right password is accepted at every door.
    let login = mqtt_login(Version::V3_1_1, "c", "anna", "secret");
    MqttClient::connect_with(&server, &login).await;
    let client = StompClient::open(&server).await;
    client.connected_with(stomp_login("anna", "secret")).await;
    let url = server.url("/api/topics");
    let answer = send(with_password(Method::GET, url, "anna", "secret")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!server.transcript().contains("wrong password"));
    assert!(
        !server.transcript().contains("=secret"),
        "no secrets in the log"
    );
}

#[tokio::test]
async fn new_rights_hold_at_once_and_a_revoked_token_ends_its_connections() {
    let file = UsersFile::new(RULES);
    let writer = file.token("writer").await;
    let server = file.server(&[]).await;
    let mut writing = mqtt(&server, Version::V5, "w", &writer).await;
    let answer = writing
        .request(Packet::publication("more", "x", 1), Kind::Puback)
        .await;
    assert_eq!(answer.reason(), NOT_AUTHORIZED);
    file.edit(
        "publish = [\"open.>\", ",
        "publish = [\"more\", \"open.>\", ",
    );
    let mut publishes = async || {
        let publish = Packet::publication("more", "x", 1);
        writing.request(publish, Kind::Puback).await.reason()
    };
    // One request after the other, until the server has read the file.
    let deadline = Instant::now() + DEADLINE;
    while publishes().await != 0 {
        assert!(Instant::now() < deadline, "the right was not given");
    }

    // A revoked token ends the connections of its user.
    let revoke = ["token", "revoke", "--users", file.path(), "writer-token"];
    let revoked = harness::carillon::run(&revoke).await;
    assert!(revoked.status.success());
    writing.is_sent_away(NOT_AUTHORIZED).await;
    let connack = refused(&server, &mqtt_login(Version::V5, "w", "token", &writer)).await;
    assert_eq!(connack.reason(), 0x86);
}

#[tokio::test]
async fn a_file_with_a_fault_keeps_the_old_rules_and_its_line_is_logged() {
    let file = UsersFile::new(RULES);
    let writer = file.token("writer").await;
    let server = file.server(&[]).await;
    let mut client = mqtt(&server, Version::V5, "w", &writer).await;
    file.edit("publish = [\"open.>\", ", "publish = [\"open..>\", ");
    server.logged("a level is empty").await;
    server.logged("line 10").await;
    client.publish("open/a", "1", 1).await;
    client.leave().await;
    mqtt(&server, Version::V5, "w", &writer).await;
}

#[tokio::test]
async fn a_client_id_belongs_to_its_user() {
    let file = UsersFile::new(RULES);
    let (reader, writer) = (file.token("reader").await, file.token("writer").await);
    let server = file.server(&[]).await;
    let connect = |token: &str| Connect {
        login: Some(("token".to_owned(), token.to_owned())),
        ..Connect::lasting(Version::V5, "shared")
    };
    let (mut owner, _) = MqttClient::connect_with(&server, &connect(&reader)).await;
    owner.subscribe("open/#", 1).await;
    let connack = refused(&server, &connect(&writer)).await;
    assert_eq!(connack.reason(), 0x85, "{connack:?}");
    // The connection goes on, and so does the session when its client is away.
    owner.ping().await;
    owner.leave().await;
    let connack = refused(&server, &connect(&writer)).await;
    assert_eq!(connack.reason(), 0x85, "{connack:?}");
    let mut publisher = mqtt(&server, Version::V5, "p", &writer).await;
    publisher.publish("open/a", "kept", 1).await;
    let (mut owner, connack) = MqttClient::connect_with(&server, &connect(&reader)).await;
    assert!(connack.session_present);
    assert_eq!(owner.bodies(1).await, ["kept"]);
}

#[tokio::test]
async fn a_session_belongs_to_its_user_after_a_restart() {
    let file = UsersFile::new(RULES);
    let (reader, writer) = (file.token("reader").await, file.token("writer").await);
    let directory = DataDirectory::fresh();
    let users = ["--users", file.path()];
    let start = async || Carillon::with(&[&directory.options()[..], &users].concat()).await;
    let connect = |token: &str| Connect {
        login: Some(("token".to_owned(), token.to_owned())),
        ..Connect::lasting(Version::V5, "shared")
    };
    let server = start().await;
    let (mut owner, _) = MqttClient::connect_with(&server, &connect(&reader)).await;
    owner.subscribe("#", 1).await;
    server.kill().await;
    let server = start().await;
    let connack = refused(&server, &connect(&writer)).await;
    assert_eq!(connack.reason(), 0x85, "{connack:?}");
    // The restored subscription has the rights of its user.
    let admin = file.token("admin").await;
    server.logged("the users file was read again").await;
    let mut publisher = mqtt(&server, Version::V5, "p", &admin).await;
    for topic in ["shut/a", "open/a"] {
        publisher.publish(topic, topic, 1).await;
    }
    let (mut owner, connack) = MqttClient::connect_with(&server, &connect(&reader)).await;
    assert!(connack.session_present);
    assert_eq!(owner.bodies(1).await, ["open/a"]);
}

#[tokio::test]
async fn a_session_that_continues_with_fewer_rights_leaves_what_it_may_not_read() {
    let file = UsersFile::new(RULES);
    let (reader, admin) = (file.token("reader").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let connect = Connect {
        login: Some(("token".to_owned(), reader.clone())),
        ..Connect::lasting(Version::V5, "r")
    };
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    client.subscribe("#", 1).await;
    client.subscribe("open/exact", 1).await;
    client.leave().await;
    let mut publisher = mqtt(&server, Version::V5, "p", &admin).await;
    for topic in ["open/a", "open/exact", "news/a"] {
        publisher.publish(topic, topic, 1).await;
    }
    file.edit("subscribe = [\"open.>\", ", "subscribe = [");
    server.logged("the users file was read again").await;
    let (mut client, connack) = MqttClient::connect_with(&server, &connect).await;
    assert!(connack.session_present);
    publisher.publish("open/exact", "no", 1).await;
    publisher.publish("news/b", "end", 1).await;
    assert_eq!(client.bodies(2).await, ["news/a", "end"]);
}

#[tokio::test]
async fn wills_need_the_right_to_publish() {
    let file = UsersFile::new(RULES);
    let (reader, writer) = (file.token("reader").await, file.token("writer").await);
    let server = file.server(&[]).await;
    for (topic, expected) in [("shut/will", Some(NOT_AUTHORIZED)), ("open/will", None)] {
        let connect = mqtt_login(Version::V5, "w", "token", &writer);
        let connect = connect.willing(Will::new(topic, "gone"));
        match expected {
            Some(reason) => assert_eq!(refused(&server, &connect).await.reason(), reason),
            None => {
                let mut listener = mqtt(&server, Version::V5, "r", &reader).await;
                listener.subscribe("open/will", 1).await;
                drop(MqttClient::connect_with(&server, &connect).await);
                assert_eq!(listener.bodies(1).await, ["gone"]);
            }
        }
    }
}

#[tokio::test]
async fn durable_subscriptions_belong_to_their_user() {
    let rules = RULES.replace("[users.writer]", "[users.writer]\nsubscribe = [\"news.a\"]");
    let file = UsersFile::new(&rules);
    let (reader, writer, admin) = (
        file.token("reader").await,
        file.token("writer").await,
        file.token("admin").await,
    );
    let server = file.server(&[]).await;
    let durable = [("activemq.subscriptionName", "audit"), INDIVIDUAL];
    let connect = async |token: &str| {
        let client = StompClient::open(&server).await;
        let login = stomp_login("", token).with("client-id", "same");
        client.connected_with(login).await
    };
    let mut owner = connect(&reader).await;
    owner.subscribe("0", "news.a", &durable).await;
    owner.leave().await;
    let mut publisher = stomp(&server, &admin).await;
    publisher.request(Frame::publication("news.a", "1")).await;
    // Another user with the same client id and name has another subscription, which begins now.
    let mut other = connect(&writer).await;
    other.subscribe("0", "news.a", &durable).await;
    publisher.request(Frame::publication("news.a", "2")).await;
    assert_eq!(other.bodies(1).await, ["2"]);
    let mut owner = connect(&reader).await;
    owner.subscribe("0", "news.a", &durable).await;
    assert_eq!(owner.bodies(2).await, ["1", "2"]);
}

#[tokio::test]
async fn anonymous_clients_have_the_rights_of_their_table() {
    let file = UsersFile::new(
        "[anonymous]\nsubscribe = [\"public.>\"]\n[users.admin]\npublish = [\">\"]\n",
    );
    let admin = file.token("admin").await;
    let server = file.server(&[]).await;
    let mut listener = MqttClient::anyone(&server, Version::V5).await;
    listener.subscribe("public/#", 0).await;
    let url = server.url("/api/topics/public.a");
    let refused = send(harness::http::request(Method::POST, &url, "no")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let accepted = send(with_token(Method::POST, &url, &admin, "yes")).await;
    assert_eq!(accepted.status, StatusCode::OK);
    assert_eq!(listener.bodies(1).await, ["yes"]);
}

#[tokio::test]
async fn a_browser_signs_in_and_out() {
    let file = UsersFile::new(RULES);
    file.add("anna", "secret").await;
    file.edit(
        "[users.anna]",
        "[users.anna]\npublish = [\"a\"]\nsubscribe = [\"a\"]",
    );
    let server = file.server(&[]).await;
    let page = |cookie: &str| {
        let mut request = harness::http::request(Method::GET, server.url("/console"), "");
        let headers = request.headers_mut();
        headers.insert("accept", "text/html".parse().expect("a header"));
        headers.insert("cookie", cookie.parse().expect("a header"));
        request
    };
    let form = |path: &str, body: &'static str, cookie: &str, origin: &str| {
        let mut request = harness::http::request(Method::POST, server.url(path), body);
        let headers = request.headers_mut();
        let form = "application/x-www-form-urlencoded";
        headers.insert("content-type", form.parse().expect("a header"));
        headers.insert("cookie", cookie.parse().expect("a header"));
        headers.insert("origin", origin.parse().expect("a header"));
        request
    };
    let own = format!("http://{}", server.address());
    let redirected = send(page("a=b")).await;
    assert_eq!(redirected.status, StatusCode::SEE_OTHER);
    assert_eq!(redirected.header("location"), "./login?next=/console");
    let sign_in = get(server.url("/login?next=/console")).await;
    assert!(sign_in.text().contains("name=\"password\""), "{sign_in:?}");

    let fields = "user=anna&password=wrong&next=/console";
    let wrong = send(form("/login", fields, "a=b", &own)).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("is wrong"), "{wrong:?}");
    let fields = "user=anna&password=secret&next=/console";
    let foreign = send(form("/login", fields, "a=b", "http://evil.example")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let signed_in = send(form("/login", fields, "a=b", &own)).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-carillon="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let shown = send(page(&cookie)).await;
    assert_eq!(shown.status, StatusCode::OK);
    let html = shown.text();
    assert!(html.contains("Signed in as"), "{html}");
    // The program must not ask for these: the request would end its connection.
    assert!(
        html.contains("data-denied=\"rect chart $SYS.figures $SYS.queues\""),
        "{html}"
    );

    // The page's own connection needs no login, and has the rights of the user.
    let upgrade = harness::stomp::upgrade(&server, "/ws", &[("cookie", &cookie), ("origin", &own)]);
    let client = StompClient::upgraded(upgrade).await.expect("a WebSocket");
    let mut client = client.connected().await;
    client.subscribe("0", "a", &[]).await;
    client.publish("a", "x").await;
    assert_eq!(client.bodies(1).await, ["x"]);
    client.send(&Frame::publication("b", "no")).await;
    client.refusal().await;

    let signed_out = send(form("/logout", "", &cookie, &own)).await;
    assert_eq!(signed_out.status, StatusCode::SEE_OTHER);
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    let after = send(page(&cookie)).await;
    assert_eq!(after.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn many_wrong_logins_do_not_delay_a_client_that_is_known() {
    let file = UsersFile::new(RULES);
    file.add("anna", "secret").await;
    let server = file.server(&[]).await;
    let login = || mqtt_login(Version::V5, "known", "anna", "secret");
    // The password is verified once, and remembered.
    let (client, _) = MqttClient::connect_with(&server, &login()).await;
    client.leave().await;
    let time_of_logins = async || {
        let started = Instant::now();
        for _ in 0..20 {
            let (client, _) = MqttClient::connect_with(&server, &login()).await;
            client.leave().await;
        }
        started.elapsed()
    };
    let alone = time_of_logins().await;
    let mut attackers = Vec::new();
    for number in 0..100 {
        let name = format!("guess-{number}");
        let guess = mqtt_login(Version::V5, &name, "anna", &name);
        let mut attacker = MqttClient::open(&server, Version::V5).await;
        attacker.send_bytes(guess.encode()).await;
        attackers.push(attacker);
    }
    // Their answers have begun, and are delayed one after the other.
    assert_eq!(attackers[0].packet().await.reason(), 0x86);
    let beside = time_of_logins().await;
    assert!(
        beside < 20 * alone + Duration::from_secs(2),
        "{beside:?} beside, {alone:?} alone"
    );
}

#[tokio::test]
async fn users_and_tokens_are_managed_by_commands() {
    let file = UsersFile::new("# Ours.\n");
    let run = async |arguments: &[&str], input: &str| {
        let path = ["--users", file.path()];
        let all = [&arguments[..2], &path, &arguments[2..]].concat();
        let output = harness::carillon::run_with_input(&all, input).await;
        let text = String::from_utf8(output.stdout).expect("a text");
        let error = String::from_utf8(output.stderr).expect("a text");
        (output.status.code(), text, error)
    };
    let (code, text, _) = run(&["user", "add", "anna", "--group", "editors"], "secret\n").await;
    assert_eq!(code, Some(0));
    assert!(text.contains("has no rights yet"), "{text}");
    let (code, _, error) = run(&["user", "add", "anna"], "secret\n").await;
    assert_ne!(code, Some(0));
    assert!(error.contains("already a user \"anna\""), "{error}");
    let (code, _, error) = run(&["user", "add", "ben"], "\n").await;
    assert_ne!(code, Some(0));
    assert!(error.contains("the password is empty"), "{error}");
    let (_, text, _) = run(&["user", "list"], "").await;
    assert!(text.contains("anna") && text.contains("editors"), "{text}");
    let (code, text, _) = run(&["user", "check", "anna", "publish", "a"], "").await;
    assert_eq!(
        (code, text.lines().next()),
        (Some(1), Some("denied: no rule allows it"))
    );
    let (code, token, _) = run(&["token", "add", "ci", "--user", "anna"], "").await;
    assert_eq!(code, Some(0));
    assert!(token.starts_with("carillon_"), "{token}");
    assert!(
        !file.text().contains(token.trim_end()),
        "the file has its hash only"
    );
    let (_, text, _) = run(&["token", "list"], "").await;
    assert!(text.contains("ci") && text.contains("for anna"), "{text}");
    let (code, ..) = run(&["user", "remove", "anna"], "").await;
    assert_eq!(code, Some(0));
    let (_, text, _) = run(&["token", "list"], "").await;
    assert_eq!(text, "", "a token ends with its user");
    assert!(
        file.text().starts_with("# Ours.\n"),
        "comments stay: {}",
        file.text()
    );
}

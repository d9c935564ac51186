//! `/metrics`: what it counts, who may read it, and that the reference parsers of OpenMetrics and Prometheus read it.

use std::collections::BTreeSet;

use harness::data::DataDirectory;
use harness::deadline::within;
use harness::http::{get, post, request, send};
use harness::metrics::{Metrics, accepting, own_url};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{Frame, INDIVIDUAL, StompClient, upgrade};
use harness::tls::Pair;
use harness::users::{UsersFile, with_password, with_token};
use harness::{Carillon, python};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Returns the names and types of the families of a format.
fn families(report: &Value, format: &str) -> BTreeSet<(String, String)> {
    let families = report[format]["families"].as_object().expect("an object");
    let families = families.iter().filter(|(_, family)| {
        let samples = family["samples"].as_array().expect("a list");
        !samples.is_empty()
    });
    families
        .map(|(name, family)| {
            let kind = family["type"].as_str().expect("a type");
            (name.clone(), kind.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn the_reference_parsers_read_both_formats() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("0", "a", &[]).await;
    client.publish("a", "x").await;
    client.send_all("/queue/with \"quotes\"", &["x"]).await;
    let printed = python::run("metrics/parse.py", &[&server.url("/metrics")]).await;
    let report: Value = serde_json::from_str(&printed).expect("a report in JSON");
    let content_types =
        ["openmetrics", "prometheus"].map(|format| report[format]["contentType"].clone());
    assert_eq!(
        content_types,
        [
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "text/plain; version=0.0.4; charset=utf-8"
        ]
    );
    let open_metrics = families(&report, "openmetrics");
    assert!(open_metrics.len() > 50, "{open_metrics:?}");
    // The older format has no type for information.
    let as_prometheus: BTreeSet<_> = open_metrics
        .into_iter()
        .map(|(name, kind)| match kind.as_str() {
            "info" => (format!("{name}_info"), "gauge".to_owned()),
            _ => (name, kind),
        })
        .collect();
    assert_eq!(as_prometheus, families(&report, "prometheus"));
    let waiting = &report["openmetrics"]["families"]["carillon_queue_waiting_messages"]["samples"];
    assert_eq!(waiting[0][1]["queue"], "with \"quotes\"", "{waiting}");
}

#[tokio::test]
async fn connections_count_by_port_and_protocol_until_they_end() {
    let options = ["--mqtt", "127.0.0.1:0", "--stomp", "127.0.0.1:0"];
    let server = Carillon::with(&options).await;
    let mqtt = MqttClient::connect(&server, Version::V5, "m").await;
    let over_websocket = StompClient::connect(&server).await;
    let over_tcp = StompClient::over_tcp(server.stomp_address().await).await;
    let over_tcp = over_tcp.connected().await;
    let shared = StompClient::over_tcp(server.address()).await;
    let shared = shared.connected().await;
    let open = |listener: &str, protocol: &str| {
        format!("carillon_connections{{listener=\"{listener}\",protocol=\"{protocol}\"}}")
    };
    let metrics = Metrics::of(&server).await;
    assert_eq!(metrics.value(&open("http", "stomp")), 2.0);
    assert_eq!(metrics.value(&open("stomp", "stomp")), 1.0);
    assert_eq!(metrics.value("carillon_sessions{state=\"connected\"}"), 4.0);
    let of_mqtt = [open("mqtt", "mqtt"), open("http", "mqtt")].map(|series| metrics.value(&series));
    assert_eq!(of_mqtt.iter().sum::<f64>(), 1.0);
    assert!(metrics.value(&open("http", "http")) >= 1.0, "this request");
    mqtt.leave().await;
    over_websocket.leave().await;
    over_tcp.leave().await;
    shared.leave().await;
    for (listener, protocol) in [("http", "stomp"), ("stomp", "stomp"), ("mqtt", "mqtt")] {
        Metrics::until(&server, &open(listener, protocol), |value| value == 0.0).await;
    }
    let ended = "carillon_ended_connections_total{reason=\"client\"}";
    Metrics::until(&server, ended, |value| value == 4.0).await;
    let metrics = Metrics::of(&server).await;
    let accepted = "carillon_accepted_connections_total{listener=\"stomp\"}";
    assert_eq!(metrics.value(accepted), 1.0);
}

#[tokio::test]
async fn messages_bytes_and_times_are_counted() {
    let server = Carillon::start().await;
    let mut subscriber = StompClient::connect(&server).await;
    subscriber.subscribe("0", "a", &[]).await;
    let mut publisher = StompClient::connect(&server).await;
    let before = Metrics::of(&server).await;
    let body = "x".repeat(1_000);
    publisher.publish("a", &body).await;
    assert_eq!(subscriber.bodies(1).await, [body.as_str()]);
    // A write is counted after it, so the client may be earlier.
    let sent = "carillon_sent_bytes_total";
    let enough = before.value(sent) + 1_000.0;
    Metrics::until(&server, sent, |bytes| bytes >= enough).await;
    let after = Metrics::of(&server).await;
    let grown = |series: &str| after.value(series) - before.value(series);
    assert_eq!(grown("carillon_published_messages_total"), 1.0);
    assert_eq!(grown("carillon_delivered_messages_total"), 1.0);
    for bytes in ["published", "received", "sent"] {
        let bytes = grown(&format!("carillon_{bytes}_bytes_total"));
        assert!((1_000.0..10_000.0).contains(&bytes), "{bytes}");
    }
    assert!(after.value("carillon_publish_to_write_seconds_count") >= 1.0);
    assert!(after.value("process_resident_memory_bytes") > 1e6);
    // The survey of lags may be a second old.
    let without_lag = "carillon_cursors_by_lag{lag=\"0\"}";
    Metrics::until(&server, without_lag, |value| value == 1.0).await;
    Metrics::until(
        &server,
        "carillon_event_loop_delay_seconds_count",
        |count| count > 0.0,
    )
    .await;
}

#[tokio::test]
async fn redeliveries_and_dead_letters_are_counted() {
    let server = Carillon::with(&["--max-redeliveries", "1"]).await;
    let one_by_one = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut client = StompClient::consumer(&server, "/queue/work", &one_by_one).await;
    client.send_all("/queue/work", &["poison", "good"]).await;
    for _ in 0..2 {
        let message = client.message().await;
        assert_eq!(message.text(), "poison");
        client.nack(&message).await;
    }
    assert_eq!(client.bodies(1).await, ["good"]);
    // The survey of queues may be a second old.
    let dead = "carillon_dead_letter_messages";
    Metrics::until(&server, dead, |value| value == 1.0).await;
    let metrics = Metrics::of(&server).await;
    assert_eq!(metrics.value("carillon_redelivered_messages_total"), 1.0);
    assert_eq!(metrics.value("carillon_dead_lettered_messages_total"), 1.0);
    let of_queue =
        |metric: &str| metrics.value(&format!("carillon_queue_{metric}{{queue=\"work\"}}"));
    assert_eq!(of_queue("unacknowledged_messages"), 1.0);
    assert_eq!(of_queue("waiting_messages"), 0.0);
    assert_eq!(of_queue("enqueued_messages_total"), 2.0);
    assert_eq!(of_queue("consumers"), 1.0);
}

#[tokio::test]
async fn the_number_of_series_is_bounded_with_many_queues() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for number in 0..150 {
        client.send_all(&format!("/queue/q{number}"), &["x"]).await;
    }
    client.send_all("/queue/q149", &["x"]).await;
    Metrics::until(&server, "carillon_queues", |value| value == 150.0).await;
    let others = "carillon_queue_waiting_messages{queue=\"$others\"}";
    Metrics::until(&server, others, |value| value == 50.0).await;
    let metrics = Metrics::of(&server).await;
    assert_eq!(metrics.count("carillon_queue_waiting_messages{"), 101);
    assert_eq!(
        metrics.value("carillon_queue_waiting_messages{queue=\"q149\"}"),
        2.0
    );
    assert!(metrics.series() < 1_100, "{}", metrics.series());
}

#[tokio::test]
async fn only_who_may_manage_the_server_reads_them_on_the_http_port() {
    let users = UsersFile::new("[users.visitor]\nsubscribe = [\">\"]\n");
    users.add("prometheus", "a long password").await;
    users.edit(
        "[users.prometheus]\n",
        "[users.prometheus]\nmanage = [\">\"]\n",
    );
    let (visitor, token) = (
        users.token("visitor").await,
        users.token("prometheus").await,
    );
    let server = users.server(&["--metrics", "127.0.0.1:0"]).await;
    let url = server.url("/metrics");
    let status = async |request| send(request).await.status;
    let anonymous = send(request(Method::GET, &url, "")).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert!(!anonymous.header("www-authenticate").is_empty());
    let visiting = with_token(Method::GET, url.clone(), &visitor, "");
    assert_eq!(status(visiting).await, StatusCode::FORBIDDEN);
    let bearer = with_token(Method::GET, url.clone(), &token, "");
    assert_eq!(status(bearer).await, StatusCode::OK);
    let basic = with_password(Method::GET, url, "prometheus", "a long password");
    assert_eq!(status(basic).await, StatusCode::OK);
    let metrics = Metrics::at(own_url(&server).await).await;
    assert_eq!(
        metrics.value("carillon_refusals_total{reason=\"right\"}"),
        1.0
    );
    assert_eq!(
        metrics.value("carillon_refusals_total{reason=\"login\"}"),
        1.0
    );
}

#[tokio::test]
async fn the_own_port_has_only_the_metrics_and_only_for_this_machine() {
    let server = Carillon::with(&["--metrics", "127.0.0.1:0"]).await;
    let url = own_url(&server).await;
    let open_metrics = accepting(&url, "application/openmetrics-text").await;
    assert_eq!(open_metrics.status, StatusCode::OK);
    assert!(open_metrics.text().ends_with("# EOF\n"));
    let root = url.trim_end_matches("/metrics");
    for path in ["/", "/api/topics", "/console", "/ws"] {
        assert_eq!(
            get(format!("{root}{path}")).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let posted = send(request(Method::POST, &url, "")).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    let mut foreign = request(Method::GET, &url, "");
    let host = HeaderValue::from_static("rebound.example");
    foreign.headers_mut().insert("host", host);
    let refused = send(foreign).await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_certificate_and_the_handshakes_are_counted() {
    let pair = Pair::new();
    let server = pair.server(&["--metrics", "127.0.0.1:0"]).await;
    let url = own_url(&server).await;
    let address = server.stomp_tls_address().await;
    StompClient::connect_tls(address, &pair.trust()).await;
    let stranger = Pair::new().trust();
    assert!(stranger.try_connect(address).await.is_err());
    let counted = || async {
        let metrics = Metrics::at(&url).await;
        let of = |result: &str| {
            metrics.value(&format!(
                "carillon_tls_handshakes_total{{result=\"{result}\"}}"
            ))
        };
        (of("completed"), of("failed"))
    };
    harness::deadline::eventually("the handshakes", counted, |counts| *counts == (1.0, 1.0)).await;
    let expiry = "carillon_tls_certificate_expiry_timestamp_seconds";
    // The generated certificate is valid for many years.
    assert!(Metrics::at(&url).await.value(expiry) > 2e9);
}

#[tokio::test]
async fn the_store_has_metrics_only_with_a_directory() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    let mut client = StompClient::connect(&server).await;
    let persistent = Frame::message_to("/queue/q", "x").with("persistent", "true");
    client.request(persistent).await;
    let metrics = Metrics::of(&server).await;
    assert!(metrics.value("carillon_store_sync_seconds_count") >= 1.0);
    assert!(metrics.value("carillon_store_written_bytes_total") > 0.0);
    assert_eq!(metrics.value("carillon_store_refuses_messages"), 0.0);
    assert!(metrics.value("carillon_store_free_bytes") > 0.0);
    let in_memory = Carillon::start().await;
    assert_eq!(Metrics::of(&in_memory).await.count("carillon_store_"), 0);
}

#[tokio::test]
async fn a_refused_page_is_counted_and_the_log_names_the_option() {
    let server = Carillon::start().await;
    let origin = "https://elsewhere.example";
    let refused = StompClient::upgraded(upgrade(&server, "/ws", &[("origin", origin)])).await;
    assert!(refused.is_err());
    server
        .logged("--allow-origin https://elsewhere.example")
        .await;
    let metrics = Metrics::of(&server).await;
    assert_eq!(
        metrics.value("carillon_refusals_total{reason=\"origin\"}"),
        1.0
    );
}

#[tokio::test]
async fn a_banned_client_is_counted() {
    let server = Carillon::with_mqtt(&[]).await;
    let ban = r#"{"client":"noisy","seconds":60}"#;
    let banned = post(server.url("/api/bans"), "application/json", ban).await;
    assert!(banned.status.is_success(), "{banned:?}");
    let mut client = MqttClient::open(&server, Version::V5).await;
    let connect = Connect::new(Version::V5, "noisy").encode();
    client.send_bytes(connect).await;
    client.packet().await;
    let refused = "carillon_refusals_total{reason=\"ban\"}";
    Metrics::until(&server, refused, |value| value == 1.0).await;
    let ended = "carillon_ended_connections_total{reason=\"protocol\"}";
    Metrics::until(&server, ended, |value| value == 1.0).await;
}

#[tokio::test]
async fn requests_at_the_same_time_are_answered() {
    let server = Carillon::start().await;
    let url = server.url("/metrics");
    let (first, second, third) = tokio::join!(get(&url), get(&url), get(&url));
    for answer in [first, second, third] {
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// Opens a connection to the port of the metrics from this address, without a request.
async fn connected(from: &str, url: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = format!("{from}:0").parse().expect("an address");
    socket.bind(from).expect("an address of this machine");
    let address = url.split('/').nth(2).expect("an address");
    let connecting = socket.connect(address.parse().expect("a socket address"));
    within("a connection", connecting)
        .await
        .expect("a listener")
}

#[tokio::test]
async fn an_address_with_many_connections_to_the_port_of_the_metrics_loses_its_own() {
    let server = Carillon::with(&["--metrics", "127.0.0.1:0"]).await;
    let url = own_url(&server).await;
    let mut patient = connected("127.0.0.2", &url).await;
    let mut greedy = Vec::new();
    for _ in 0..40 {
        greedy.push(connected("127.0.0.1", &url).await);
    }

    // From the same address as the connections without a request.
    assert_eq!(get(&url).await.status, StatusCode::OK);

    let first = &mut greedy[0];
    let mut byte = [0];
    let closed = within("the end of the oldest", first.read(&mut byte)).await;
    assert_eq!(closed.unwrap_or(0), 0, "the server sends nothing");
    // The oldest of all is not from the address with the most.
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    patient
        .write_all(request)
        .await
        .expect("an open connection");
    let mut answer = String::new();
    let reading = within("the metrics", patient.read_to_string(&mut answer)).await;
    reading.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

//! Clients that send without pause do not noticeably delay another client's requests.

use std::time::{Duration, Instant};

use harness::Carillon;
use harness::background::Background;
use harness::bystander::Bystander;
use harness::deadline::within;
use harness::flood::{FLOODS, Flood, Target, flood};
use harness::http::{get, post};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{Frame, StompClient};
use harness::tls::Pair;
use harness::users::{UsersFile, mqtt_login};
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Each round gives two samples.
const ROUNDS: usize = 40;
/// A stall of the whole server lasts longer than this; other load of the machine may look the same, but not in each
/// attempt.
const ATTEMPTS: usize = 3;
const STALL: Duration = Duration::from_millis(200);
const ANONYMOUS_BYSTANDER: &str = "[anonymous]\npublish = [\"bystander\"]\n";
/// MQTT 5.0, 3.2.2.2.
const BAD_USER_NAME_OR_PASSWORD: u8 = 0x86;

#[tokio::test]
async fn a_flood_does_not_delay_other_clients() {
    let server = Carillon::start().await;
    let target = Target {
        address: server.address(),
        trust: None,
    };
    is_served(&server, &target, &FLOODS).await;
    drop(server);

    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let target = Target {
        address: server.address(),
        trust: Some(pair.trust()),
    };
    // TLS changes only the transport, so these floods are enough.
    let few = [
        "MQTT PUBLISH",
        "WebSocket, pings before CONNECT",
        "HTTP, pipelined GET",
    ];
    let few: Vec<_> = FLOODS
        .into_iter()
        .filter(|flood| few.iter().any(|name| flood.name.starts_with(name)))
        .collect();
    is_served(&server, &target, &few).await;
}

#[tokio::test]
async fn a_client_that_sends_without_pause_gets_heart_beats() {
    let server = Carillon::with(&["--heart-beat", "500"]).await;
    let socket = within("a connection", TcpStream::connect(server.address())).await;
    let (mut reading, mut writing) = socket.expect("the server listens").into_split();
    let connect = Frame::connect().with("heart-beat", "0,500").encode();
    writing
        .write_all(&connect)
        .await
        .expect("an open connection");
    let flood = Frame::publication("flood", "x").encode().repeat(1_000);
    let writes = async {
        while writing.write_all(&flood).await.is_ok() {}
        panic!("the server has closed the connection");
    };
    let reads = async {
        let mut read = Vec::new();
        // CONNECTED ends with NUL; a heart-beat is a line end.
        while !read.ends_with(b"\0\n") {
            let count = reading.read_buf(&mut read).await;
            assert!(
                count.is_ok_and(|count| count > 0),
                "{}",
                read.escape_ascii()
            );
        }
    };
    let heard = async {
        tokio::select! {
            () = writes => {}
            () = reads => {}
        }
    };
    within("a heart-beat", heard).await;
}

#[tokio::test]
async fn a_thousand_wrong_logins_do_not_delay_other_clients() {
    let users = UsersFile::new(ANONYMOUS_BYSTANDER);
    users.add("anna", "right").await;
    let server = users.server(&[]).await;
    let mut bystander = Bystander::new(&server).await;
    let right = mqtt_login(Version::V5, "anna", "anna", "right");
    // From now on the password is known.
    log_in(&server, &right).await;
    let busy = [Background::busy(), Background::busy()];
    let control = bystander.measure(ROUNDS).await.percentile(99);
    let control_login = log_in(&server, &right).await;
    drop(busy);

    let mut found = Vec::new();
    let is_fast = |&(requests, login): &(Duration, Duration)| {
        requests <= STALL + 10 * control && login <= STALL + 10 * control_login
    };
    while !found.iter().any(is_fast) {
        assert!(
            found.len() < ATTEMPTS,
            "p99 and login beside wrong logins: {found:?}; without: {control:?}, {control_login:?}"
        );
        let mut wrong = JoinSet::new();
        for number in 0..1_000 {
            let mut client = MqttClient::open(&server, Version::V5).await;
            let connect = mqtt_login(Version::V5, "x", "anna", &format!("wrong {number}"));
            client.send_bytes(connect.encode()).await;
            wrong.spawn(async move { client.packet().await });
        }
        let requests = bystander.measure(ROUNDS).await.percentile(99);
        found.push((requests, log_in(&server, &right).await));
        // Most of them still wait for their turn.
        let refused = wrong.join_next().await.expect("a task").expect("no panic");
        assert_eq!(refused.reason(), BAD_USER_NAME_OR_PASSWORD, "{refused:?}");
    }
}

/// hyper sends the body of a response as long as the socket accepts it.
#[tokio::test]
async fn large_responses_do_not_delay_other_clients() {
    let server = Carillon::with(&["--history", "20000", "--history-bytes", "64000000"]).await;
    let messages = Frame::publication("many", "{\"t\":1}")
        .encode()
        .repeat(20_000);
    let mut publisher = StompClient::connect(&server).await;
    publisher.send_bytes(messages).await;
    publisher.request(Frame::publication("many", "end")).await;
    let mut bystander = Bystander::new(&server).await;
    let busy = [Background::busy(), Background::busy()];
    let control = bystander.measure(ROUNDS).await.percentile(99);
    drop(busy);
    for path in [
        "/api/topics/many/export",
        "/api/topics/many/export?format=csv",
    ] {
        let running = [(); 4].map(|()| repeated(&server.url(path)));
        is_fast_beside(path, &mut bystander, control).await;
        drop(running);
    }
}

/// Requests that read many bodies, with answers that are small.
#[tokio::test]
async fn requests_that_search_bodies_do_not_delay_other_clients() {
    let server = Carillon::with(&["--history-bytes", "64000000"]).await;
    fill_with_large_json(&server).await;
    let mut bystander = Bystander::new(&server).await;
    let busy = [Background::busy(), Background::busy()];
    let control = bystander.measure(ROUNDS).await.percentile(99);
    drop(busy);
    for path in [
        "/api/topics/large/messages?selector=body.z.y.x%3D1",
        "/api/topics/large/export?selector=body.z.y.x%3D1",
        "/api/topics/large/export?format=csv&field=z&field=z.y&field=z.y.x&field=z.y.x.w",
        "/api/queues/large/messages?selector=body.z.y.x%3D1",
        "/api/queues/large/move?dry-run=true",
    ] {
        let running = [(); 2].map(|()| repeated(&server.url(path)));
        is_fast_beside(path, &mut bystander, control).await;
        drop(running);
    }
}

/// Measures the bystander beside a load. `control` is its latency beside busy threads.
async fn is_fast_beside(load: &str, bystander: &mut Bystander, control: Duration) {
    let mut found = Vec::new();
    while found.iter().all(|one| *one > STALL + 10 * control) {
        assert!(
            found.len() < ATTEMPTS,
            "p99 beside {load}: {found:?}; without: {control:?}"
        );
        found.push(bystander.measure(ROUNDS).await.percentile(99));
    }
}

/// Publishes to a topic and to a queue, both named `large`, as many messages as one request examines at once.
async fn fill_with_large_json(server: &Carillon) {
    let mut body = "{\"a\":[".to_owned();
    body.push_str(&"1234567,".repeat(7_500));
    body.push_str("0]}");
    for kind in ["topics", "queues"] {
        let url = server.url(&format!("/api/{kind}/large"));
        for _ in 0..256 {
            let answer = post(&url, "application/json", body.clone()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        }
    }
}

/// Repeats a request in the background: an action on a queue, or a GET.
fn repeated(url: &str) -> Background {
    let url = url.to_owned();
    let action = json!({"to": "/queue/other", "selector": "body.z.y.x = 1"}).to_string();
    Background::repeat(move |_| {
        let (url, action) = (url.clone(), action.clone());
        async move {
            let answer = match url.contains("dry-run") {
                true => post(&url, "application/json", action).await,
                false => get(&url).await,
            };
            assert_eq!(answer.status, StatusCode::OK, "{url}");
        }
    })
}

/// Logs in. Returns the time until CONNACK.
async fn log_in(server: &Carillon, connect: &Connect) -> Duration {
    let begun = Instant::now();
    let (client, _) = MqttClient::connect_with(server, connect).await;
    let elapsed = begun.elapsed();
    client.leave().await;
    elapsed
}

async fn is_served(server: &Carillon, target: &Target, floods: &[Flood]) {
    let mut bystander = Bystander::new(server).await;
    // Floods use CPU time as well, so the control run has two busy threads in parallel.
    let busy = [Background::busy(), Background::busy()];
    let control = bystander.measure(ROUNDS).await.percentile(99);
    drop(busy);
    let bound = STALL + 10 * control;
    for kind in floods {
        for flooders in 1..=2 {
            let mut found = Vec::new();
            while found.iter().all(|one| *one > bound) {
                assert!(
                    found.len() < ATTEMPTS,
                    "p99 beside {flooders} × {}: {found:?}; without: {control:?}",
                    kind.name
                );
                let mut running = Vec::new();
                for _ in 0..flooders {
                    running.push(flood(*kind, target).await);
                }
                found.push(bystander.measure(ROUNDS).await.percentile(99));
            }
        }
    }
}

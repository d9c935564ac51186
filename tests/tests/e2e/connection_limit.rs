//! `--max-connections`: connections above the limit are refused with an error, few at a time, and a health check is
//! still answered.

use std::fs;

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::http::{get, get_over};
use harness::stomp::StompClient;
use harness::tls::Pair;
use tokio::net::TcpStream;

const LIMIT: usize = 20;
/// Many times the number of connections that are refused at a time.
const BEYOND: usize = 500;
/// Refused connections, and the files that a server without connections has open.
const OTHER_FILES: usize = 64 + 60;

/// Opens connections and sends nothing on them.
async fn silent(server: &Carillon, count: usize) -> Vec<TcpStream> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        let socket = within("a connection", TcpStream::connect(server.address())).await;
        sockets.push(socket.expect("the server listens"));
    }
    sockets
}

fn open_files(server: &Carillon) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", server.process_id()));
    files.expect("the server runs").count()
}

#[tokio::test]
async fn refused_connections_are_bounded_and_a_health_check_is_answered() {
    let server = Carillon::with(&["--max-connections", &LIMIT.to_string()]).await;
    // Their requests are answered, so each has been admitted.
    let mut inside = Vec::new();
    for _ in 0..LIMIT {
        inside.push(
            StompClient::over_tcp(server.address())
                .await
                .connected()
                .await,
        );
    }
    let outside = silent(&server, BEYOND).await;
    for _ in 0..10 {
        assert_eq!(get(server.url("/healthz")).await.status, 200);
        let more = silent(&server, BEYOND / 10).await;
        assert_eq!(get(server.url("/healthz")).await.status, 200);
        drop(more);
    }
    let files = || async { open_files(&server) };
    eventually("few files", files, |files| *files <= LIMIT + OTHER_FILES).await;

    let refused = get(server.url("/api/topics")).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "5");
    let detail = refused.problem()["detail"].clone();
    assert!(
        detail.as_str().is_some_and(|text| text.contains("limit")),
        "{detail}"
    );
    let mut stomp = StompClient::over_tcp(server.address()).await;
    stomp.send(&harness::stomp::Frame::connect()).await;
    let error = stomp.frame().await;
    assert_eq!(error.header("message"), "too many connections", "{error:?}");

    let log = server.transcript();
    let lines = log
        .lines()
        .filter(|line| line.contains("connections refused"))
        .count();
    assert!(
        (1..=5).contains(&lines),
        "{lines} lines for {BEYOND} refusals"
    );
    drop((inside, outside));
}

#[tokio::test]
async fn a_health_check_over_tls_is_answered_too() {
    let pair = Pair::new();
    let server = pair.server(&["--max-connections", "1"]).await;
    let trust = pair.trust();
    let first = trust.connect(server.address()).await;
    let inside = StompClient::over(first).connected().await;
    for (path, status) in [("/healthz", 200), ("/", 503)] {
        let socket = trust.connect(server.address()).await;
        assert_eq!(get_over(socket, path).await.status, status, "{path}");
    }
    drop(inside);
}

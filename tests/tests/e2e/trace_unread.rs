//! Streams of events that their clients do not read.

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::unix_socket::SocketPath;
use harness::users::UsersFile;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::trace::start_command;

const RULES: &str = r#"
[users.admin]
publish = [">"]
subscribe = [">"]
manage = [">"]
[users.watcher]
subscribe = [">", "a"]
manage = [">"]
"#;

/// Opens a stream and reads no more than the head of the response and the first event, if any.
async fn unread(socket: &SocketPath, path: &str, token: &str) -> UnixStream {
    let mut stream = socket.connect().await;
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let mut start = [0; 15];
    let read = within("a response", stream.read_exact(&mut start)).await;
    read.expect("a response");
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    stream
}

#[tokio::test]
async fn unread_streams_of_a_user_end_with_its_rights() {
    let users = UsersFile::new(RULES);
    let (admin, watcher) = (users.token("admin").await, users.token("watcher").await);
    let socket = SocketPath::fresh();
    let options = ["--users", users.path()];
    let _server = Carillon::at_unix_socket(&socket.address(), &options).await;
    let mut streams = vec![unread(&socket, "/api/topics/a/events", &watcher).await];
    for _ in 0..8 {
        streams.push(unread(&socket, "/api/trace?topic=a", &watcher).await);
    }
    let login = format!("Authorization: Bearer {admin}");
    // More than the buffers of a socket and of the server hold: of the messages, and of their frames in a trace.
    let body = "x".repeat(64 << 10);
    let value = "y".repeat(250);
    let mut headers: Vec<_> = (0..55)
        .map(|number| format!("carillon-header-h{number}: {value}"))
        .collect();
    headers.push(login.clone());
    let mut post: Vec<_> = headers.iter().flat_map(|header| ["-H", header]).collect();
    post.extend(["-d", &body]);
    for _ in 0..40 {
        let (status, answer) = socket.curl("/api/topics/a", &post).await;
        assert!(status.starts_with('2'), "{answer}");
    }
    let ask = async |path: &str| socket.curl(path, &["-H", &login]).await;
    assert_eq!(ask("/api/trace?client=c&limit=0").await.0, "429");
    let connections = async || {
        let (_, json) = ask("/api/connections").await;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        json["connections"].as_array().expect("a list").len()
    };
    assert_eq!(connections().await, 1, "the event stream");
    users.edit(
        "subscribe = [\">\", \"a\"]\nmanage = [\">\"]",
        "publish = [\"b\"]",
    );
    eventually("the end of the event stream", connections, |count| {
        *count == 0
    })
    .await;
    let trace = || ask("/api/trace?client=c&limit=0");
    eventually("a place for a trace", trace, |(status, _)| status == "200").await;
    for mut stream in streams {
        // What waits in the socket, and the end of the connection.
        let _ = within("its end", stream.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test]
async fn the_command_ends_when_its_reader_is_gone() {
    let server = Carillon::start().await;
    let (mut child, started) = start_command(&server, &["--client", "nobody"]).await;
    assert!(started.is_some());
    drop(child.stdout.take());
    let status = within("its end", child.wait()).await.expect("a status");
    assert!(status.success(), "{status:?}");
}

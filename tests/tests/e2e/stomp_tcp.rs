//! STOMP's versions and ports, byte by byte. The client is a plain socket and the tests show frames exactly as they are
//! transmitted, because the versions write them differently.

use std::net::SocketAddr;

use harness::deadline::{eventually, within};
use harness::{Carillon, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Client {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    async fn open(address: SocketAddr) -> Self {
        let socket = within("a connection", TcpStream::connect(address)).await;
        Self {
            socket: socket.expect("a listener"),
            unread: Vec::new(),
        }
    }

    /// Connects a session of this version.
    async fn of(address: SocketAddr, version: &str) -> Self {
        let mut client = Self::open(address).await;
        let connect = format!("CONNECT\naccept-version:{version}\nhost:x\n\n\0");
        client.send(&connect).await;
        let connected = client.frame().await;
        let begins = format!("CONNECTED\nversion:{version}\n");
        assert!(connected.starts_with(&begins), "{connected:?}");
        client
    }

    async fn send(&mut self, text: &str) {
        let sent = within("sending", self.socket.write_all(text.as_bytes())).await;
        sent.expect("an open connection");
    }

    /// Sends a frame that requests the receipt `r`, and waits for it.
    async fn request(&mut self, frame: &str) {
        self.send(frame).await;
        assert_eq!(self.frame().await, "RECEIPT\nreceipt-id:r\n\n");
    }

    /// Returns the next frame up to its NUL.
    async fn frame(&mut self) -> String {
        self.next().await.expect("a frame before the end")
    }

    /// Returns the next MESSAGE without the parts that differ from run to run.
    async fn message(&mut self) -> String {
        let frame = self.frame().await;
        let lines = frame.split('\n').filter(|line| {
            !["message-id:", "timestamp:", "producer:"]
                .iter()
                .any(|name| line.starts_with(name))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the next frame up to its NUL, or `None` at the end of the connection.
    async fn next(&mut self) -> Option<String> {
        loop {
            let start = self.unread.iter().position(|byte| !b"\r\n".contains(byte));
            self.unread.drain(..start.unwrap_or(self.unread.len()));
            if let Some(end) = self.unread.iter().position(|&byte| byte == 0) {
                let frame = self.unread.drain(..=end).take(end).collect();
                return Some(String::from_utf8(frame).expect("text"));
            }
            if self.read().await == 0 {
                return None;
            }
        }
    }

    /// Reads available bytes. Returns 0 at the end, where no incomplete frame may be left.
    async fn read(&mut self) -> usize {
        let read = within("bytes", self.socket.read_buf(&mut self.unread)).await;
        let count = read.expect("an orderly end");
        assert!(count > 0 || self.unread.is_empty(), "{:?}", self.unread);
        count
    }
}

/// Starts a server with a port for STOMP. Returns the address as well.
async fn start(options: &[&str]) -> (Carillon, SocketAddr) {
    let options = [&["--stomp", "127.0.0.1:0"], options].concat();
    let server = Carillon::with(&options).await;
    let address = server.stomp_address().await;
    (server, address)
}

const SUBSCRIBE: &str = "SUBSCRIBE\nid:7\ndestination:/topic/a\nreceipt:r\n\n\0";

#[tokio::test]
async fn connected_has_the_form_of_its_version() {
    let (server, address) = start(&[]).await;
    let with_beats = "\nheart-beat:10000,10000\nserver:Carillon/";
    for (accept, expected) in [
        ("", "CONNECTED\nversion:1.0\nserver:Carillon/".to_owned()),
        (
            "accept-version:1.0,1.1\n",
            format!("CONNECTED\nversion:1.1{with_beats}"),
        ),
        (
            "accept-version:1.0,1.1,1.2\n",
            format!("CONNECTED\nversion:1.2{with_beats}"),
        ),
    ] {
        // The HTTP port detects STOMP by its first bytes.
        for address in [address, server.address()] {
            for command in ["CONNECT", "STOMP"] {
                let mut client = Client::open(address).await;
                client.send(&format!("{command}\n{accept}\n\0")).await;
                let connected = client.frame().await;
                assert!(connected.starts_with(&expected), "{connected:?}");
            }
        }
    }
}

#[tokio::test]
async fn each_version_has_its_own_escapes() {
    let (_server, address) = start(&[]).await;
    let versions = ["1.0", "1.1", "1.2"];
    let mut readers = Vec::new();
    for version in versions {
        let mut reader = Client::of(address, version).await;
        reader.request(SUBSCRIBE).await;
        readers.push(reader);
    }
    // The sent text, its version, and the text received by clients of 1.0, 1.1 and 1.2.
    let cases = [
        (
            "1.0",
            r"a:b\c\n\r",
            [r"a:b\c\n\r", r"a\cb\\c\\n\\r", r"a\cb\\c\\n\\r"],
        ),
        (
            "1.1",
            r"a\cb\\c\nd",
            [r"a:b\c d", r"a\cb\\c\nd", r"a\cb\\c\nd"],
        ),
        (
            "1.2",
            r"a\cb\\c\nd\re",
            [r"a:b\c d e", r"a\cb\\c\nd e", r"a\cb\\c\nd\re"],
        ),
    ];
    for (sequence, (version, sent, expected)) in (1..).zip(cases) {
        let mut writer = Client::of(address, version).await;
        let send = format!("SEND\ndestination:/topic/a\nx:{sent}\nreceipt:r\n\nhi\0");
        writer.request(&send).await;
        for (reader, seen) in readers.iter_mut().zip(expected) {
            assert_eq!(
                reader.message().await,
                format!(
                    "MESSAGE\nsubscription:7\ndestination:/topic/a\nsequence:{sequence}\n\
                     x:{seen}\ncontent-length:2\n\nhi"
                ),
            );
        }
    }
}

#[tokio::test]
async fn in_1_0_a_destination_can_replace_the_id() {
    let (_server, address) = start(&[]).await;
    let mut client = Client::of(address, "1.0").await;
    // As in the examples of 1.0: with a space.
    let subscribe = "SUBSCRIBE\ndestination: /topic/a\nreceipt:r\n\n\0";
    client.request(subscribe).await;
    client.request(SUBSCRIBE).await;
    client.send("SEND\ndestination: /topic/a\n\n1\0").await;
    let mut messages = [client.message().await, client.message().await];
    messages.sort();
    let rest = "destination:/topic/a\nsequence:1\ncontent-length:1\n\n1";
    let expected = [
        format!("MESSAGE\n{rest}"),
        format!("MESSAGE\nsubscription:7\n{rest}"),
    ];
    assert_eq!(messages, expected);

    client
        .request("UNSUBSCRIBE\ndestination:/topic/a\nreceipt:r\n\n\0")
        .await;
    client.send("SEND\ndestination:/topic/a\n\n2\0").await;
    assert!(client.message().await.contains("subscription:7"));
    client.request("UNSUBSCRIBE\nid:7\nreceipt:r\n\n\0").await;
    client
        .send("SEND\ndestination:/topic/a\n\n3\0DISCONNECT\nreceipt:bye\n\n\0")
        .await;
    assert_eq!(client.frame().await, "RECEIPT\nreceipt-id:bye\n\n");
    assert_eq!(client.next().await, None);

    let mut twice = Client::of(address, "1.0").await;
    twice.request(subscribe).await;
    twice.send(subscribe).await;
    let error = twice.frame().await;
    assert!(error.contains("to \"/topic/a\" without id"), "{error:?}");
    for version in ["1.1", "1.2"] {
        let mut client = Client::of(address, version).await;
        client.send(subscribe).await;
        let error = client.frame().await;
        assert!(error.contains("needs the header \"id\""), "{error:?}");
        assert_eq!(client.next().await, None);
    }
}

/// Some clients of 1.0 end CONNECT with a line end before the NUL.
#[tokio::test]
async fn a_connect_of_1_0_may_have_a_body() {
    let (_server, address) = start(&[]).await;
    for body in ["\n", "ignored"] {
        let mut client = Client::open(address).await;
        let connect = format!("CONNECT\nlogin:guest\npasscode:guest\n\n{body}\0");
        client.send(&connect).await;
        let connected = client.frame().await;
        assert!(
            connected.starts_with("CONNECTED\nversion:1.0\n"),
            "{connected:?}"
        );
        client
            .request("SUBSCRIBE\ndestination:/topic/a\nreceipt:r\n\nignored\0")
            .await;
    }
    // The negotiated version decides.
    let mut client = Client::open(address).await;
    client
        .send("CONNECT\naccept-version:1.2\nhost:x\n\nbody\0")
        .await;
    let error = client.frame().await;
    assert!(
        error.contains("a CONNECT frame must not have a body"),
        "{error:?}"
    );
}

#[tokio::test]
async fn heart_beats_are_sent_over_tcp() {
    let (_server, address) = start(&["--heart-beat", "100"]).await;
    let mut client = Client::open(address).await;
    client
        .send("CONNECT\naccept-version:1.1\nheart-beat:0,100\n\n\0")
        .await;
    client.frame().await;
    for _ in 0..2 {
        client.unread.clear();
        client.read().await;
        assert_eq!(client.unread, b"\n");
    }
}

#[tokio::test]
async fn a_silent_client_is_disconnected() {
    let (_server, address) = start(&["--heart-beat", "100"]).await;
    let mut client = Client::open(address).await;
    client
        .send("CONNECT\naccept-version:1.2\nheart-beat:100,0\n\n\0")
        .await;
    client.frame().await;
    let error = client.frame().await;
    assert!(
        error.starts_with("ERROR\nmessage:no heart-beat\n"),
        "{error:?}"
    );
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn the_http_port_waits_for_enough_bytes_to_detect_the_protocol() {
    let (server, _) = start(&[]).await;
    for (text, expected) in [
        ("\n\r\nSTOMP\r\naccept-version:1.2\r\n\r\n\0", "CONNECTED\n"),
        ("CONNECT\naccept-version:1.1\n\n\0", "CONNECTED\n"),
        (
            "CONNECT elsewhere:80 HTTP/1.1\r\nhost:x\r\n\r\n",
            "HTTP/1.1 405 ",
        ),
        (
            "\r\nGET /healthz HTTP/1.1\r\nhost:x\r\n\r\n",
            "HTTP/1.1 200 ",
        ),
        ("HELLO\n\n\0", "HTTP/1.1 400 "),
    ] {
        let mut client = Client::open(server.address()).await;
        client.socket.set_nodelay(true).expect("an option");
        for character in text.chars() {
            client.send(&character.to_string()).await;
            tokio::task::yield_now().await;
        }
        while client.unread.len() < expected.len() {
            assert!(client.read().await > 0, "{:?}", client.unread);
        }
        assert!(client.unread.starts_with(expected.as_bytes()), "{text:?}");
    }
    // An incomplete first frame, and then the end.
    let mut client = Client::open(server.address()).await;
    client.send("CONN").await;
    let end = within("ending", client.socket.shutdown()).await;
    end.expect("an open connection");
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn http_on_the_port_of_stomp_is_refused() {
    let (server, address) = start(&[]).await;
    let mut client = Client::open(address).await;
    let body = "CONNECT\n\n\0SEND\ndestination:/topic/a\n\nforged\0";
    let length = body.len();
    client
        .send(&format!(
            "POST / HTTP/1.1\r\nhost:x\r\ncontent-length:{length}\r\n\r\n{body}"
        ))
        .await;
    let error = client.frame().await;
    assert!(error.contains("unknown command"), "{error:?}");
    assert_eq!(client.next().await, None);
    let topic = http::get(server.url("/api/topics/a")).await;
    assert_eq!(topic.status.as_u16(), 404);
}

#[tokio::test]
async fn all_ports_share_the_limit_of_connections() {
    let (server, address) = start(&["--max-connections", "2"]).await;
    let first = Client::of(server.address(), "1.2").await;
    let _second = Client::of(address, "1.2").await;
    let mut third = Client::open(address).await;
    let error = third.frame().await;
    assert!(
        error.starts_with("ERROR\nmessage:too many connections\n"),
        "{error:?}"
    );
    drop(first);
    // The connection's place is free once the server has noticed its end.
    eventually(
        "a place",
        async || {
            let mut client = Client::open(address).await;
            let connect = "CONNECT\naccept-version:1.2\n\n\0";
            // The server may have closed the connection already.
            let _ = client.socket.write_all(connect.as_bytes()).await;
            let mut first = [0; 9];
            let read = within("an answer", client.socket.read_exact(&mut first)).await;
            read.is_ok_and(|_| first == *b"CONNECTED")
        },
        |is_in| *is_in,
    )
    .await;
}

#[tokio::test]
async fn connected_clients_get_an_error_when_the_server_stops() {
    let (server, address) = start(&[]).await;
    let mut clients = [
        Client::of(address, "1.1").await,
        Client::of(server.address(), "1.2").await,
    ];
    server.terminate().await;
    for client in &mut clients {
        let error = client.frame().await;
        assert!(
            error.starts_with("ERROR\nmessage:the server is stopping\n"),
            "{error:?}"
        );
        assert_eq!(client.next().await, None);
    }
    // Each client must also close its half of the connection.
    drop(clients);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn the_port_can_be_switched_off() {
    let server = Carillon::with(&["--stomp", "off"]).await;
    http::get(server.url("/healthz")).await;
    assert!(!server.transcript().contains("tcp://"));
}

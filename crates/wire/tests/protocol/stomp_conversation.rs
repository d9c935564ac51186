//! The client's state machine against the server's, in memory.

use wire::stomp::client::{self, Client, Connect, Event, ProtocolError};
use wire::stomp::server::{
    self, Config, Fault, Greeting, Identity, Message, Missed, Request, Session, message_prefix,
    message_shared,
};
use wire::stomp::{Decoder, Item, Limits, Version};

/// A server with one topic and no history: current subscribers receive each message.
struct Server {
    session: Session,
    decoder: Decoder,
    subscriptions: Vec<Identity<'static>>,
    sequence: u64,
    closed: bool,
}

impl Server {
    fn new() -> Self {
        Self {
            session: Session::new(&Config::DEFAULT, 0),
            decoder: Decoder::new(Limits::DEFAULT),
            subscriptions: Vec::new(),
            sequence: 0,
            closed: false,
        }
    }

    /// Answers the input until the end of the connection.
    fn answer(&mut self, input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = input;
        while !self.closed {
            let handled = match self.decoder.decode(rest) {
                Ok(None) => break,
                Ok(Some((item, taken))) => {
                    rest = &rest[taken..];
                    self.handle(item, &mut out)
                }
                Err(error) => Err(error.into()),
            };
            if let Err(fault) = handled {
                self.session.error(&fault, &mut out);
                self.closed = true;
            }
        }
        out
    }

    fn handle(&mut self, item: Item<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let receipt = match self.session.request(item)? {
            Request::HeartBeat => None,
            Request::Connect(_) => {
                let greeting = Greeting {
                    server: "Carillon/test",
                    session: "s-1",
                };
                self.session.connected(0, &greeting, out);
                None
            }
            Request::Send(send) => {
                self.deliver(&send, out);
                send.receipt
            }
            Request::Subscribe(subscribe) => {
                let receipt = subscribe.receipt.as_deref();
                if self.subscriptions.contains(&subscribe.identity) {
                    return Err(Fault::subscription_in_use(&subscribe.identity, receipt));
                }
                self.subscriptions.push(subscribe.identity.into_owned());
                subscribe.receipt
            }
            Request::Unsubscribe(unsubscribe) => {
                let identity = unsubscribe
                    .identity
                    .expect("nothing durable in these tables");
                let before = self.subscriptions.len();
                self.subscriptions.retain(|other| *other != identity);
                if self.subscriptions.len() == before {
                    let receipt = unsubscribe.receipt.as_deref();
                    return Err(Fault::unknown_subscription(&identity, receipt));
                }
                unsubscribe.receipt
            }
            Request::Ack(acknowledge) | Request::Nack(acknowledge) => {
                let receipt = acknowledge.receipt.as_deref();
                return Err(Fault::unknown_delivery(&acknowledge.target, receipt));
            }
            Request::Begin(transaction) => transaction.receipt,
            Request::Commit(transaction) | Request::Abort(transaction) => {
                let receipt = transaction.receipt.as_deref();
                return Err(Fault::unknown_transaction(&transaction.id, receipt));
            }
            Request::Disconnect(disconnect) => {
                self.closed = true;
                disconnect.receipt
            }
        };
        if let Some(receipt) = receipt {
            self.session.receipt(&receipt, out);
        }
        Ok(())
    }

    fn deliver(&mut self, send: &server::Send<'_>, out: &mut Vec<u8>) {
        self.sequence += 1;
        let message = Message {
            message_id: "e-1",
            destination: &send.destination,
            sequence: self.sequence,
            timestamp: 5,
            producer: "p",
            content_type: send.content_type.as_deref(),
            body: send.body,
        };
        let headers: Vec<_> = send
            .user_headers()
            .map(|header| (header.name(), header.value()))
            .collect();
        let mut shared = Vec::new();
        let pairs = headers.iter().map(|(name, value)| (&**name, &**value));
        message_shared(Version::V1_2, &message, pairs, &mut shared);
        let missed = (self.sequence == 1).then_some(Missed::Unknown);
        for identity in &self.subscriptions {
            message_prefix(Version::V1_2, identity.id(), missed, out);
            out.extend_from_slice(&shared);
        }
    }
}

fn client() -> Client {
    Client::new(&client::Config::DEFAULT, 0)
}

/// Returns the client's events for the server's bytes.
fn events(client: &mut Client, input: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut rest = input;
    let mut seen = Vec::new();
    while let Ok(Some((item, taken))) = decoder.decode(rest) {
        seen.push(match client.event(0, item) {
            Ok(event) => show(&event),
            Err(error) => format!("error: {error}"),
        });
        rest = &rest[taken..];
    }
    assert!(rest.is_empty());
    seen
}

fn show(event: &Event<'_>) -> String {
    match event {
        Event::HeartBeat => "heart-beat".to_owned(),
        Event::Connected(connected) => format!(
            "connected {} {:?} {:?} {}",
            connected.version, connected.session, connected.server, connected.heart_beat
        ),
        Event::Message(message) => format!(
            "{}: {} {} {:?} {:?} {:?} {:?} {:?} {:?} {}",
            message.subscription,
            message.message_id,
            message.destination,
            message.sequence,
            message.timestamp,
            message.producer,
            message.missed,
            message.content_type,
            message
                .user_headers()
                .map(|header| format!("{}={}", header.name(), header.value()))
                .collect::<Vec<_>>(),
            message.body.escape_ascii()
        ),
        Event::Receipt(id) => format!("receipt {id}"),
        Event::Error(error) => {
            format!("{:?} {:?}: {}", error.message, error.receipt_id, error.body)
        }
    }
}

/// Returns a connected client and its server.
fn connected() -> (Client, Server) {
    let (mut client, mut server) = (client(), Server::new());
    let mut bytes = Vec::new();
    client.connect(&Connect::default(), &mut bytes);
    let answer = server.answer(&bytes);
    assert_eq!(
        events(&mut client, &answer),
        [r#"connected 1.2 Some("s-1") Some("Carillon/test") 10000,10000"#],
    );
    assert!(client.is_connected());
    (client, server)
}

#[test]
fn a_message_reaches_every_subscription() {
    let (mut client, mut server) = connected();
    let mut bytes = Vec::new();
    for id in ["a", "b:\n"] {
        let subscribe = client::Subscribe {
            id,
            destination: "/topic/rect",
            receipt: Some("subscribed"),
            ..Default::default()
        };
        client.subscribe(&subscribe, &mut bytes);
    }
    client.heart_beat(&mut bytes);
    let send = client::Send {
        destination: "/topic/rect",
        content_type: Some("text/plain"),
        headers: &[("x:y", "1\n2")],
        receipt: Some("sent"),
        body: b"nul\0",
    };
    client.send(&send, &mut bytes);
    client.unsubscribe("a", None, &mut bytes);
    client.send(&send, &mut bytes);
    client.disconnect(Some("bye"), &mut bytes);

    let message = |id: &str, sequence: u32, missed: &str| {
        format!(
            r#"{id}: e-1 /topic/rect Some({sequence}) Some(5) Some("p") {missed} Some("text/plain") ["x:y=1\n2"] nul\x00"#
        )
    };
    let answer = server.answer(&bytes);
    assert_eq!(
        events(&mut client, &answer),
        [
            "receipt subscribed",
            "receipt subscribed",
            &message("a", 1, "Some(Unknown)"),
            &message("b:\n", 1, "Some(Unknown)"),
            "receipt sent",
            &message("b:\n", 2, "None"),
            "receipt sent",
            "receipt bye",
        ],
    );
    assert!(server.closed);
}

#[test]
fn a_fault_ends_the_session_on_both_sides() {
    let cases: [(&[u8], &str); 4] = [
        (
            b"UNSUBSCRIBE\nid:7\nreceipt:r\n\n\0SEND\n\n\0",
            r#"Some("unknown subscription") Some("r"): there is no subscription with id "7" on this connection"#,
        ),
        (
            b"SUBSCRIBE\nid:0\ndestination:/a\n\n\0SUBSCRIBE\nid:0\ndestination:/b\n\n\0",
            r#"Some("subscription in use") None: there is a subscription with id "0" on this connection already"#,
        ),
        (
            b"GET / HTTP/1.1\r\n",
            r#"Some("unknown command") None: unknown command "GET / HTTP/1.1""#,
        ),
        (
            b"SEND\ncontent-length:9999999\n",
            r#"Some("frame too large") None: the body is longer than 1048576 bytes"#,
        ),
    ];
    for (input, error) in cases {
        let (mut client, mut server) = connected();
        let answer = server.answer(input);
        assert_eq!(events(&mut client, &answer), [error]);
        assert!(server.closed && !client.is_connected());
    }
}

#[test]
fn frames_that_a_server_must_not_send_are_errors() {
    let message = "MESSAGE\nsubscription:0\nmessage-id:1\ndestination:/a\n\n\0";
    let connected_frame = "CONNECTED\nversion:1.2\n\n\0";
    let cases = [
        (message, "error: the server sent MESSAGE before CONNECTED"),
        (
            "SEND\n\n\0",
            "error: the server sent SEND, which is not expected here",
        ),
        (
            "CONNECTED\nversion:1.3\n\n\0",
            "error: the server chose a version that was not offered",
        ),
        (
            "CONNECTED\n\n\0",
            "error: the server chose a version that was not offered",
        ),
        (
            "CONNECTED\nversion:1.2\nheart-beat:x\n\n\0",
            r#"error: the server sent an invalid header "heart-beat""#,
        ),
        ("ERROR\nmessage:no\n\nwhy\0", r#"Some("no") None: why"#),
    ];
    for (input, event) in cases {
        assert_eq!(events(&mut client(), input.as_bytes()), [event]);
    }
    let after_connected = [
        (
            "MESSAGE\nsubscription:0\ndestination:/a\n\n\0",
            r#"error: the server sent MESSAGE without the header "message-id""#,
        ),
        (
            "RECEIPT\n\n\0",
            r#"error: the server sent RECEIPT without the header "receipt-id""#,
        ),
        (
            connected_frame,
            "error: the server sent CONNECTED, which is not expected here",
        ),
        // A MESSAGE of another broker.
        (message, "0: 1 /a None None None None None [] "),
    ];
    for (input, event) in after_connected {
        let seen = events(
            &mut client(),
            format!("{connected_frame}{input}").as_bytes(),
        );
        assert_eq!(seen, ["connected 1.2 None None 0,0", event]);
    }
}

#[test]
fn a_protocol_error_contains_the_decode_error() {
    let error = Decoder::new(Limits::DEFAULT).decode(b"X\n");
    let error = ProtocolError::from(error.expect_err("X is no command"));
    assert_eq!(
        error.to_string(),
        "the server's bytes are not valid STOMP: unknown command \"X\"",
    );
}

#[test]
fn connect_contains_all_parameters() {
    let mut bytes = Vec::new();
    let connect = Connect {
        host: "h",
        login: Some("l"),
        passcode: Some("p:\\q"),
        client_id: Some("c"),
    };
    client().connect(&connect, &mut bytes);
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        "CONNECT\naccept-version:1.2\nhost:h\nheart-beat:10000,10000\nlogin:l\npasscode:p:\\q\nclient-id:c\n\n\0",
    );
}

/// Headers of any accepted size can be forwarded to subscribers.
#[test]
fn the_largest_accepted_headers_reach_a_client() {
    let (mut client, mut server) = connected();
    let longest = Limits::HEADER_BYTES as usize - "x:".len();
    let colons = ":".repeat(longest);
    let id = ":".repeat(Limits::HEADER_BYTES as usize - "id:".len());
    let many = "y:z\n".repeat(100);
    let requests = format!(
        "SUBSCRIBE\nid:{id}\ndestination:/topic/a\n\n\0\
         SEND\ndestination:/topic/a\n{many}a:{colons}\nb:{colons}\nc:{colons}\n\n\0"
    );
    let answer = server.answer(requests.as_bytes());
    let mut decoder = Decoder::new(Limits::FROM_SERVER);
    let decoded = decoder.decode(&answer).expect("it is within the limits");
    let (item, taken) = decoded.expect("complete");
    assert_eq!(taken, answer.len());
    let event = client.event(0, item);
    let Ok(Event::Message(message)) = event else {
        panic!("{event:?}");
    };
    assert_eq!(message.subscription, id);
    assert_eq!(message.user_headers().count(), 103);
}

#[test]
fn an_idle_client_is_small() {
    assert!(size_of::<Client>() <= 96, "{}", size_of::<Client>());
}

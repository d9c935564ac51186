//! Feeds any bytes to the server's state machine and answers like a server: with receipts, and with
//! a MESSAGE for each SUBSCRIBE and SEND.

use std::borrow::Cow;

use wire::stomp::client::{self, Client};
use wire::stomp::server::{
    self, Config, Fault, Greeting, Message, Request, Send, Session, Subscribe, Unsubscribe,
};
use wire::stomp::{Decoder, Due, Limits, Version};

/// Feeds the bytes to a server.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut session = Session::new(&Config::DEFAULT, 0);
    let mut replies = Vec::new();
    let mut rest = data;
    let mut now_ms = 0;
    loop {
        now_ms += 1;
        session.received(now_ms);
        let request = match decoder.decode(rest) {
            Ok(None) => break,
            Ok(Some((item, taken))) => {
                rest = &rest[taken..];
                session.request(item)
            }
            Err(error) => Err(Fault::from(error)),
        };
        match request {
            Ok(request) => {
                answer(&mut session, &request, now_ms, &mut replies);
                decoder.set_version(session.version());
            }
            Err(fault) => {
                session.error(&fault, &mut replies);
                break;
            }
        }
        if let Some(deadline) = session.deadline() {
            assert!(deadline > now_ms);
            assert_ne!(session.clone().on_deadline(deadline), Due::Nothing);
        }
    }
    check(session.version(), &replies);
}

fn answer(session: &mut Session, request: &Request<'_>, now_ms: u64, out: &mut Vec<u8>) {
    let version = session.version();
    let receipt = match request {
        Request::HeartBeat => &None,
        Request::Connect(_) => {
            let greeting = Greeting {
                server: "Carillon/fuzz",
                session: "s",
            };
            session.connected(now_ms, &greeting, out);
            &None
        }
        Request::Send(send) => {
            pass_on(version, send, out);
            &send.receipt
        }
        Request::Subscribe(subscribe) => {
            check_subscribe(subscribe);
            deliver(version, subscribe, out);
            &subscribe.receipt
        }
        Request::Unsubscribe(unsubscribe) => {
            check_unsubscribe(unsubscribe);
            &unsubscribe.receipt
        }
        Request::Ack(acknowledge) | Request::Nack(acknowledge) => {
            let fault = Fault::unknown_delivery(&acknowledge.target, None);
            assert!(!fault.to_string().is_empty());
            &acknowledge.receipt
        }
        Request::Begin(transaction)
        | Request::Commit(transaction)
        | Request::Abort(transaction) => &transaction.receipt,
        Request::Disconnect(disconnect) => &disconnect.receipt,
    };
    if let Some(receipt) = receipt {
        session.receipt(receipt, out);
    }
}

fn check_subscribe(subscribe: &Subscribe<'_>) {
    let in_bounds = |count| (1..=Subscribe::MAX_PREFETCH).contains(&count);
    assert!(subscribe.prefetch.is_none_or(in_bounds));
    assert!(!(subscribe.browser && subscribe.durable.is_some()));
    assert!(!(subscribe.retroactive && subscribe.since.is_some()));
}

fn check_unsubscribe(unsubscribe: &Unsubscribe<'_>) {
    assert!(unsubscribe.identity.is_some() || unsubscribe.durable.is_some());
}

/// Writes the first delivery of a subscription, whose id is any text of the peer.
fn deliver(version: Version, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) {
    server::message_prefix(version, subscribe.identity.id(), None, out);
    server::ack(version, &subscribe.destination, out);
    server::message_shared(version, &message(&subscribe.destination, b""), [], out);
}

/// Writes the second delivery of a SEND to a subscriber.
fn pass_on(version: Version, send: &Send<'_>, out: &mut Vec<u8>) {
    assert_ne!(send.expires, Some(0));
    let headers = send.user_headers();
    let headers: Vec<(Cow<'_, str>, Cow<'_, str>)> = headers
        .map(|header| (header.name(), header.value()))
        .collect();
    let headers = headers.iter().map(|(name, value)| (&**name, &**value));
    server::message_prefix(version, Some("0"), None, out);
    server::redelivered(2, out);
    let message = Message {
        content_type: send.content_type.as_deref(),
        ..message(&send.destination, send.body)
    };
    server::message_shared(version, &message, headers, out);
}

const fn message<'a>(destination: &'a str, body: &'a [u8]) -> Message<'a> {
    Message {
        message_id: "e-1",
        destination,
        sequence: 1,
        timestamp: 1,
        producer: "p",
        content_type: None,
        body,
    }
}

/// Checks that a client can decode all replies; the crate's own client only in the version that it
/// supports.
fn check(version: Version, replies: &[u8]) {
    let mut decoder = Decoder::new(Limits {
        header_count: 1 << 10,
        header_bytes: 1 << 20,
        head_bytes: 1 << 20,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&client::Config::DEFAULT, 0);
    let mut rest = replies;
    while !rest.is_empty() {
        let (item, taken) = decoder
            .decode(rest)
            .expect("replies are STOMP")
            .expect("replies are whole");
        decoder.set_version(version);
        if version == Version::V1_2 {
            client.event(0, item).expect("replies are in order");
        }
        rest = &rest[taken..];
    }
}

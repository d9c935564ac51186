//! Any bytes to the server's machine, answered as a server would.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::stomp::client::{self, Client};
use wire::stomp::server::{Config, Fault, Greeting, Request, Session};
use wire::stomp::{Decoder, Due, Limits, Version};

fuzz_target!(|data: &[u8]| {
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
});

fn answer(session: &mut Session, request: &Request<'_>, now_ms: u64, out: &mut Vec<u8>) {
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
            assert!(send.user_headers().count() <= send.headers.iter().count());
            &send.receipt
        }
        Request::Subscribe(subscribe) => &subscribe.receipt,
        Request::Unsubscribe(unsubscribe) => &unsubscribe.receipt,
        Request::Ack(acknowledge) | Request::Nack(acknowledge) => {
            assert!(!acknowledge.target.to_string().is_empty());
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

/// A client understands everything the server said; ours, as far as it is of the version it speaks.
fn check(version: Version, replies: &[u8]) {
    let mut decoder = Decoder::new(Limits {
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

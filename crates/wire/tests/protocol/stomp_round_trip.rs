//! The server decodes what the client encodes, for any texts.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wire::stomp::client::{self, Client, Event};
use wire::stomp::server::{
    self, AckMode, AckTarget, Identity, Message, Request, message_prefix, message_shared,
};
use wire::stomp::{Decoder, Limits, Version, header};

use crate::conversation::Conversation;

/// All characters that a header can contain.
const TEXT: &str = "[^\0]{0,20}";
const SOME_TEXT: &str = "[^\0]{1,20}";

fn client() -> Client {
    Client::new(&client::Config::DEFAULT, 0)
}

/// Writes one frame and passes its request to the caller.
fn heard(write: impl FnOnce(&Client, &mut Vec<u8>), look: impl FnOnce(&Request<'_>)) {
    let mut bytes = Vec::new();
    write(&client(), &mut bytes);
    let frame = String::from_utf8(bytes).expect("these frames are text");
    let heard = Conversation::of(Version::V1_2).heard(&frame, look);
    assert_eq!(heard, Ok(()), "of {frame:?}");
}

fn ack_mode() -> impl Strategy<Value = AckMode> {
    prop::sample::select(&[AckMode::Auto, AckMode::Client, AckMode::ClientIndividual][..])
}

proptest! {
    #[test]
    fn acknowledgements(
        id in TEXT,
        transaction in option::of(TEXT),
        receipt in option::of(TEXT),
        consumed in any::<bool>(),
    ) {
        let acknowledge = client::Acknowledge {
            id: &id,
            transaction: transaction.as_deref(),
            receipt: receipt.as_deref(),
        };
        let write = |client: &Client, out: &mut Vec<u8>| match consumed {
            true => client.ack(&acknowledge, out),
            false => client.nack(&acknowledge, out),
        };
        heard(write, |request| {
            let read = match request {
                Request::Ack(read) if consumed => read,
                Request::Nack(read) if !consumed => read,
                other => panic!("{other:?}"),
            };
            assert_eq!(read.target, AckTarget::Id(id.as_str().into()));
            assert_eq!(read.transaction.as_deref(), transaction.as_deref());
            assert_eq!(read.receipt.as_deref(), receipt.as_deref());
            assert!(read.requeue);
        });
    }

    #[test]
    fn subscriptions(
        id in TEXT,
        destination in TEXT,
        ack in ack_mode(),
        selector in SOME_TEXT,
        name in SOME_TEXT,
        prefetch in 1usize..=server::Subscribe::MAX_PREFETCH,
    ) {
        let subscribe = client::Subscribe {
            id: &id,
            destination: &destination,
            ack,
            headers: &[
                ("selector", &selector),
                ("activemq.subscriptionName", &name),
                ("activemq.prefetchSize", &prefetch.to_string()),
            ],
            ..Default::default()
        };
        heard(|client, out| client.subscribe(&subscribe, out), |request| {
            let Request::Subscribe(read) = request else { panic!("{request:?}") };
            assert_eq!(read.identity, Identity::Id(id.as_str().into()));
            assert_eq!(read.destination, destination.as_str());
            assert_eq!(read.ack, ack);
            assert_eq!(read.selector.as_deref(), Some(selector.as_str()));
            assert_eq!(read.durable.as_deref(), Some(name.as_str()));
            assert_eq!(read.prefetch, Some(prefetch));
        });
    }

    #[test]
    fn messages_in_a_transaction(
        destination in TEXT,
        transaction in TEXT,
        expires in 1..u64::MAX,
        values in vec(TEXT, 0..4),
    ) {
        let at = expires.to_string();
        let mut headers = vec![("transaction", transaction.as_str()), ("expires", &at)];
        headers.extend(values.iter().map(|value| ("x:y", value.as_str())));
        let send = client::Send { destination: &destination, headers: &headers, ..Default::default() };
        heard(|client, out| client.send(&send, out), |request| {
            let Request::Send(read) = request else { panic!("{request:?}") };
            assert_eq!(read.destination, destination.as_str());
            assert_eq!(read.transaction.as_deref(), Some(transaction.as_str()));
            assert_eq!(read.expires, Some(expires));
            let passed: Vec<_> = read.user_headers().map(|header| header.value()).collect();
            assert_eq!(passed[1..], values);
        });
    }

    /// The server's id of a delivery is the one that the client's ACK contains.
    #[test]
    fn a_delivery_and_its_acknowledgement(delivery in TEXT, count in 0u32..9) {
        let bytes = message(&delivery, count);
        let mut client = client();
        let mut decoder = Decoder::new(Limits::FROM_SERVER);
        let mut rest = bytes.as_slice();
        while let Ok(Some((item, taken))) = decoder.decode(rest) {
            rest = &rest[taken..];
            let Ok(Event::Message(message)) = client.event(0, item) else { continue };
            let redelivered = message.headers.get(header::REDELIVERED);
            prop_assert_eq!(redelivered.as_deref(), (count > 1).then_some("true"));
            let ack = message.ack().expect("the subscription acknowledges");
            let acknowledge = client::Acknowledge { id: &ack, ..Default::default() };
            heard(|client, out| client.ack(&acknowledge, out), |request| {
                let Request::Ack(read) = request else { panic!("{request:?}") };
                assert_eq!(read.target, AckTarget::Id(delivery.as_str().into()));
            });
        }
        prop_assert!(rest.is_empty());
    }
}

/// Encodes CONNECTED and a MESSAGE.
fn message(delivery: &str, count: u32) -> Vec<u8> {
    let message = Message {
        message_id: "e-1",
        destination: "/queue/a",
        sequence: 1,
        timestamp: 2,
        producer: "p",
        content_type: None,
        body: b"hi",
    };
    let mut bytes = b"CONNECTED\nversion:1.2\n\n\0".to_vec();
    message_prefix(Version::V1_2, Some("0"), None, &mut bytes);
    server::ack(Version::V1_2, delivery, &mut bytes);
    server::redelivered(count, &mut bytes);
    message_shared(Version::V1_2, &message, [], &mut bytes);
    bytes
}

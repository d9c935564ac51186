//! MESSAGE, byte by byte: the common part, and the headers of one delivery.

use wire::stomp::client::{self, Client, Event};
use wire::stomp::server::{self, Message, Missed, message_prefix, message_shared};
use wire::stomp::{Decoder, Item, Limits, SUPPORTED, Version};

use Version::{V1_0, V1_1, V1_2};

const OF_A_QUEUE: Message<'static> = Message {
    message_id: "19a2b3c4d5e-42",
    destination: "/queue/orders",
    sequence: 7,
    timestamp: 1_795_000_000_000,
    producer: "p",
    content_type: None,
    body: b"hi",
};

/// A delivery of [`OF_A_QUEUE`] to an acknowledging subscription.
fn delivery(version: Version, ack: &str, count: u32) -> String {
    let mut out = Vec::new();
    message_prefix(version, Some("0"), None, &mut out);
    server::ack(version, ack, &mut out);
    server::redelivered(count, &mut out);
    message_shared(version, &OF_A_QUEUE, [("expires", "5")], &mut out);
    String::from_utf8(out).expect("it is text")
}

#[test]
fn a_message_is_the_prefix_followed_by_the_shared_part() {
    let message = Message {
        message_id: "19a2b3c4d5e-42",
        destination: "/topic/rect",
        sequence: 7,
        timestamp: 1_795_000_000_000,
        producer: "a:b",
        content_type: Some("application/json"),
        body: b"{\0}",
    };
    let mut out = Vec::new();
    let missed = Missed::Range { from: 3, to: 6 };
    message_prefix(V1_2, Some("sub:0"), Some(missed), &mut out);
    message_shared(V1_2, &message, [("x", "y\nz")], &mut out);
    let expected = "MESSAGE\nsubscription:sub\\c0\nmissed:3-6\nmessage-id:19a2b3c4d5e-42\n\
        destination:/topic/rect\nsequence:7\ntimestamp:1795000000000\nproducer:a\\cb\n\
        content-type:application/json\nx:y\\nz\ncontent-length:3\n\n{\0}\0";
    assert_eq!(String::from_utf8_lossy(&out), expected);

    out.clear();
    message_prefix(V1_2, Some("0"), Some(Missed::Unknown), &mut out);
    assert_eq!(out, b"MESSAGE\nsubscription:0\nmissed:unknown\n");
}

/// Messages of other protocols can have headers with these names.
#[test]
fn headers_that_only_the_server_sets_are_left_out() {
    let reserved = [
        "",
        " ",
        "content-length",
        "content-length\n",
        "\0content-length",
        "content-length ",
        "destination",
        "message-id",
        "producer",
        "subscription",
    ];
    let headers = reserved.map(|name| (name, "0"));
    for version in [V1_0, V1_1, V1_2] {
        let [mut with, mut without] = [Vec::new(), Vec::new()];
        message_shared(version, &OF_A_QUEUE, headers, &mut with);
        message_shared(version, &OF_A_QUEUE, [], &mut without);
        assert_eq!(
            String::from_utf8_lossy(&with),
            String::from_utf8_lossy(&without)
        );
    }
}

/// 1.2: "the MESSAGE frame MUST also contain an `ack` header with an arbitrary value". Earlier
/// versions acknowledge by `message-id`.
#[test]
fn only_1_2_has_the_header_ack() {
    let rest = "message-id:19a2b3c4d5e-42\ndestination:/queue/orders\nsequence:7\n\
        timestamp:1795000000000\nproducer:p\nexpires:5\ncontent-length:2\n\nhi\0";
    let cases = [(V1_0, ""), (V1_1, ""), (V1_2, "ack:3-42\n")];
    for (version, ack) in cases {
        assert_eq!(
            delivery(version, "3-42", 1),
            format!("MESSAGE\nsubscription:0\n{ack}{rest}"),
            "in {version}"
        );
    }
}

#[test]
fn a_redelivered_message_contains_the_delivery_count() {
    for &version in SUPPORTED {
        let (_, shared) = split_at(&delivery(version, "3-42", 1), "message-id");
        let begins = match version {
            V1_2 => "MESSAGE\nsubscription:0\nack:3-42\n",
            _ => "MESSAGE\nsubscription:0\n",
        };
        for count in [2, 7, u32::MAX] {
            let expected = format!("{begins}redelivered:true\nJMSXDeliveryCount:{count}\n{shared}");
            assert_eq!(delivery(version, "3-42", count), expected, "in {version}");
        }
    }
}

fn split_at(text: &str, word: &str) -> (String, String) {
    let at = text.find(word).expect("the word is there");
    let (before, behind) = text.split_at(at);
    (before.to_owned(), behind.to_owned())
}

/// An id with any characters stays within its header, and is decoded unchanged.
#[test]
fn an_ack_is_escaped() {
    let text = delivery(V1_2, "a:b\\c\r\n", 1);
    assert!(text.contains("\nack:a\\cb\\\\c\\r\\n\n"), "{text:?}");
}

#[test]
fn a_client_reads_the_headers_for_replies_and_acks() {
    let shared_headers = [("reply-to", "/temp-queue/a"), ("correlation-id", "7")];
    let mut bytes = b"CONNECTED\nversion:1.2\n\n\0".to_vec();
    message_prefix(V1_2, Some("0"), None, &mut bytes);
    server::ack(V1_2, "3:42", &mut bytes);
    server::redelivered(3, &mut bytes);
    message_shared(V1_2, &OF_A_QUEUE, shared_headers, &mut bytes);
    message_prefix(V1_2, Some("0"), None, &mut bytes);
    message_shared(V1_2, &OF_A_QUEUE, [], &mut bytes);

    let mut seen = Vec::new();
    for_each_message(&bytes, |message| {
        seen.push((
            message.ack().map(|ack| ack.into_owned()),
            (is_redelivered(message), message.delivery_count()),
            message.reply_to().map(|name| name.into_owned()),
            message.correlation_id().map(|id| id.into_owned()),
            message.user_headers().count(),
        ));
    });
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        (
            text("3:42"),
            (true, Some(3)),
            text("/temp-queue/a"),
            text("7"),
            2,
        ),
        (None, (false, None), None, None, 0),
    ];
    assert_eq!(seen, expected);
}

fn for_each_message(bytes: &[u8], mut look: impl FnMut(&client::Message<'_>)) {
    let mut client = Client::new(&client::Config::DEFAULT, 0);
    let mut decoder = Decoder::new(Limits::FROM_SERVER);
    let mut rest = bytes;
    while let Some((item, taken)) = decoder.decode(rest).expect("it is STOMP") {
        assert!(matches!(item, Item::Frame(_)));
        if let Event::Message(message) = client.event(0, item).expect("a server says so") {
            look(&message);
        }
        rest = &rest[taken..];
    }
}

fn is_redelivered(message: &client::Message<'_>) -> bool {
    message.headers.get("redelivered").as_deref() == Some("true")
}

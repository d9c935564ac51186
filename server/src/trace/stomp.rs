//! Frames of STOMP as frames of a trace.

use broker::DestinationKind;
use destination::stomp::{sent_to, subscribed_to_single};
use wire::stomp::{self, Command, Version, header};

use super::frame::{Frame, Named};

/// Describes a frame. `session` is the name of the session in the broker, which temporary destinations contain.
pub fn describe<'a>(
    stomp: &stomp::Frame<'a>,
    version: Option<Version>,
    session: &str,
) -> Frame<'a> {
    let mut frame = Frame {
        protocol: protocol(version).into(),
        frame_type: stomp.command.as_str().into(),
        ..Frame::default()
    };
    let carries_message = matches!(stomp.command, Command::Send | Command::Message);
    for header in stomp.headers.iter() {
        let (name, value) = (header.name(), header.value());
        match carries_message {
            true if header::is_user_defined(&name) => frame.header(&name, &value),
            true if name == header::CONTENT_TYPE => frame.content(header::CONTENT_TYPE, &value),
            _ => frame.field(name.into_owned(), value),
        }
    }
    if let Some(destination) = stomp.headers.get(header::DESTINATION) {
        frame.names = names(stomp.command, &destination, session);
    }
    match stomp.body {
        [] if !carries_message => {}
        body if carries_message => frame.payload = Some(body),
        // The reason, which belongs to no topic.
        body if stomp.command == Command::Error => {
            frame.reason("body", &String::from_utf8_lossy(body));
        }
        // No other frame has a body; it may be a misplaced header, such as the passcode.
        _ => frame.secret("body"),
    }
    frame
}

/// Returns the name of the protocol with its version, if it is negotiated.
pub const fn protocol(version: Option<Version>) -> &'static str {
    match version {
        None => "STOMP",
        Some(Version::V1_0) => "STOMP 1.0",
        Some(Version::V1_1) => "STOMP 1.1",
        Some(Version::V1_2) => "STOMP 1.2",
    }
}

/// Returns the version that a CONNECT negotiates: 1.0 without `accept-version` (STOMP 1.2, "Protocol Negotiation").
pub fn negotiated(connect: &stomp::Frame<'_>) -> Option<Version> {
    match connect.headers.get(header::ACCEPT_VERSION) {
        Some(versions) => Version::negotiate(&versions),
        None => Some(Version::V1_0),
    }
}

/// Returns the destinations of a frame; those that are misspelled are left out.
fn names(command: Command, destination: &str, session: &str) -> Vec<Named> {
    if command == Command::Subscribe {
        let found = subscribed_to_single(destination, session).ok();
        let named = found.map(|found| Named::of(found.kind, found.name));
        return named.into_iter().collect();
    }
    let targets = sent_to(destination, session).unwrap_or_default();
    let named = targets.iter().map(|target| {
        let kind: DestinationKind = target.destination.kind;
        Named::Name(kind, target.destination.name.clone())
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use wire::stomp::{Decoder, Item, Limits};

    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let (item, used) = decoder.decode(bytes).expect("valid").expect("complete");
        assert_eq!(used, bytes.len());
        let Item::Frame(frame) = item else {
            panic!("a heart-beat");
        };
        let frame = describe(&frame, Some(Version::V1_2), "ws-1");
        let mut text = frame.frame_type.to_string();
        for field in &frame.fields {
            let mark = if field.is_content() { "*" } else { "" };
            text.push_str(&format!(" {}{mark}={}", field.name, field.value));
        }
        if let Some(payload) = frame.payload {
            text.push_str(&format!(" [{}]", String::from_utf8_lossy(payload)));
        }
        for named in &frame.names {
            match named {
                Named::Name(kind, name) => text.push_str(&format!(" {kind:?}:{}", name.as_str())),
                Named::Filter(kind, name) => text.push_str(&format!(" {kind:?}?{}", name.as_str())),
            }
        }
        text
    }

    #[test]
    fn each_command_is_described() {
        let table: &[(&[u8], &str)] = &[
            (
                b"CONNECT\naccept-version:1.2\nlogin:anna\npasscode:hunter2\nclient-id:c\nauthorization:Bearer x\n\n\0",
                "CONNECT accept-version=1.2 login=anna passcode=(left out) client-id=c authorization=(left out)",
            ),
            (b"STOMP\naccept-version:1.2\nhost:h\n\n\0", "STOMP accept-version=1.2 host=h"),
            (
                b"SEND\ndestination:/topic/a/b\ncontent-type:text/plain\nregion:eu\nx-token:hunter2\n\n21.5\0",
                "SEND destination=/topic/a/b content-type*=text/plain region*=eu x-token*=(left out) [21.5] Topic:a.b",
            ),
            (
                b"SEND\ndestination:/topic/a,/queue/b\n\n\0",
                "SEND destination=/topic/a,/queue/b [] Topic:a Queue:b",
            ),
            (
                b"SUBSCRIBE\nid:0\ndestination:/topic/a.>\nack:client\n\n\0",
                "SUBSCRIBE id=0 destination=/topic/a.> ack=client Topic?a.>",
            ),
            (b"UNSUBSCRIBE\nid:0\n\n\0", "UNSUBSCRIBE id=0"),
            (b"BEGIN\ntransaction:t\n\n\0", "BEGIN transaction=t"),
            (b"COMMIT\ntransaction:t\n\n\0", "COMMIT transaction=t"),
            (b"ABORT\ntransaction:t\n\n\0", "ABORT transaction=t"),
            (b"ACK\nid:5\n\n\0", "ACK id=5"),
            (b"NACK\nid:5\n\n\0", "NACK id=5"),
            (b"DISCONNECT\nreceipt:7\n\n\0", "DISCONNECT receipt=7"),
            (b"CONNECTED\nversion:1.2\n\n\0", "CONNECTED version=1.2"),
            (
                b"MESSAGE\nsubscription:0\nmessage-id:1-2\ndestination:/topic/a\n\nx\\y\0",
                "MESSAGE subscription=0 message-id=1-2 destination=/topic/a [x\\y] Topic:a",
            ),
            (b"RECEIPT\nreceipt-id:7\n\n\0", "RECEIPT receipt-id=7"),
            (
                b"ERROR\nmessage:no\n\nunknown command \"passcode:hunter2\"\0",
                "ERROR message=no body=unknown command \"…\"",
            ),
            (
                b"CONNECT\nlogin:anna\n\npasscode:hunter2\n\n\0",
                "CONNECT login=anna body=(left out)",
            ),
        ];
        assert_eq!(
            table.len(),
            Command::ALL.len() + 2,
            "SEND and CONNECT have two"
        );
        for (bytes, expected) in table {
            assert_eq!(text_of(bytes), *expected);
        }
    }

    #[test]
    fn connect_negotiates_the_version() {
        let table: [(&[u8], Option<Version>); 4] = [
            (b"CONNECT\n\n\0", Some(Version::V1_0)),
            (
                b"CONNECT\naccept-version:1.0,1.1\n\n\0",
                Some(Version::V1_1),
            ),
            (
                b"CONNECT\naccept-version:1.2,1.1\n\n\0",
                Some(Version::V1_2),
            ),
            (b"CONNECT\naccept-version:9\n\n\0", None),
        ];
        for (bytes, expected) in table {
            let mut decoder = Decoder::new(Limits::DEFAULT);
            match decoder.decode(bytes) {
                Ok(Some((Item::Frame(frame), _))) => assert_eq!(negotiated(&frame), expected),
                other => panic!("{other:?}"),
            }
        }
    }
}

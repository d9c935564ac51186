//! STOMP 1.2, "Heart-beating", with a simulated clock.

use wire::stomp::client::{self, Client, Event};
use wire::stomp::server::{self, Greeting, Session};
use wire::stomp::{Decoder, Due, HeartBeat, Item, Limits, READ_TOLERANCE};

const fn beats(send_ms: u32, receive_ms: u32) -> HeartBeat {
    HeartBeat {
        send_ms,
        receive_ms,
    }
}

fn item(bytes: &[u8]) -> Item<'_> {
    let item = Decoder::new(Limits::DEFAULT).decode(bytes);
    item.expect("it is STOMP").expect("complete").0
}

/// Returns both state machines after the handshake, which takes until `now_ms`. The server does not
/// follow its client to shorter intervals.
fn connected(of_client: HeartBeat, of_server: HeartBeat, now_ms: u64) -> (Client, Session) {
    let config = server::Config {
        heart_beat: of_server,
        heart_beat_min_ms: u32::MAX,
        ..server::Config::DEFAULT
    };
    connected_to(&config, of_client, now_ms)
}

fn connected_to(
    of_server: &server::Config,
    of_client: HeartBeat,
    now_ms: u64,
) -> (Client, Session) {
    let config = client::Config {
        heart_beat: of_client,
        ..client::Config::DEFAULT
    };
    let mut client = Client::new(&config, 0);
    let mut session = Session::new(of_server, 0);
    let mut bytes = Vec::new();
    client.connect(&client::Connect::default(), &mut bytes);
    session.request(item(&bytes)).expect("CONNECT is right");
    bytes.clear();
    let greeting = Greeting {
        server: "s",
        session: "1",
    };
    session.connected(now_ms, &greeting, &mut bytes);
    let event = client.event(now_ms, item(&bytes));
    assert!(matches!(event, Ok(Event::Connected(_))), "{event:?}");
    (client, session)
}

#[test]
fn the_interval_is_the_larger_of_both() {
    // The client's and the server's intervals; the client's send interval and timeout.
    let cases = [
        (beats(0, 0), beats(0, 0), None, None),
        (beats(1000, 0), beats(10_000, 10_000), Some(7_500), None),
        (beats(20_000, 0), beats(10_000, 10_000), Some(15_000), None),
        (beats(0, 4_000), beats(10_000, 10_000), None, Some(20_000)),
        (beats(0, 40_000), beats(10_000, 10_000), None, Some(80_000)),
        (beats(1000, 1000), beats(0, 0), None, None),
        (beats(1000, 1000), beats(2000, 0), None, Some(4_000)),
    ];
    for (of_client, of_server, sends, gives_up) in cases {
        let (mut client, _) = connected(of_client, of_server, 100);
        let first = [sends, gives_up].into_iter().flatten().min();
        assert_eq!(client.deadline(), first.map(|after| 100 + after));
        if let Some(after) = gives_up {
            client.sent(100 + after);
            assert_eq!(client.on_deadline(100 + after - 1), Due::Nothing);
            let silent_ms = after;
            assert_eq!(
                client.on_deadline(100 + after),
                Due::PeerSilent { silent_ms }
            );
        }
    }
}

/// The specification leaves the offered intervals to the server. The server follows its client to
/// shorter intervals down to a bound, like ActiveMQ and RabbitMQ.
#[test]
fn the_server_follows_its_client_to_shorter_intervals() {
    // The client's intervals; its resulting send interval and timeout.
    let cases = [
        (beats(10_000, 10_000), Some(7_500), Some(20_000)),
        (beats(1_000, 1_000), Some(750), Some(2_000)),
        (beats(4_000, 3_000), Some(3_000), Some(6_000)),
        (beats(1, 999), Some(750), Some(2_000)),
        (beats(0, 1_000), None, Some(2_000)),
        (beats(1_000, 0), Some(750), None),
        (beats(60_000, 60_000), Some(45_000), Some(120_000)),
        (beats(0, 0), None, None),
    ];
    for (of_client, sends, gives_up) in cases {
        let (client, session) = connected_to(&server::Config::DEFAULT, of_client, 0);
        let first = [sends, gives_up].into_iter().flatten().min();
        assert_eq!(client.deadline(), first, "{of_client}");
        // The server's send interval is three quarters, its timeout twice the agreed interval.
        let sends_back = gives_up.map(|after| after / 8 * 3);
        let gives_up_back = sends.map(|after| after / 3 * 8);
        let first = [sends_back, gives_up_back].into_iter().flatten().min();
        assert_eq!(session.deadline(), first, "{of_client}");
    }
    // A server without heart-beats, or with shorter ones, does not follow its client.
    for (of_server, expected) in [(beats(0, 0), None), (beats(100, 100), Some(750))] {
        let config = server::Config {
            heart_beat: of_server,
            ..server::Config::DEFAULT
        };
        let (client, _) = connected_to(&config, beats(1_000, 1_000), 0);
        assert_eq!(client.deadline(), expected);
    }
}

#[test]
fn a_heart_beat_is_due_only_if_nothing_was_sent() {
    let (_, mut session) = connected(beats(0, 1000), beats(1000, 0), 0);
    assert_eq!(session.deadline(), Some(750));
    session.sent(600);
    assert_eq!(session.on_deadline(750), Due::Nothing);
    assert_eq!(session.deadline(), Some(1350));
    assert_eq!(session.on_deadline(1350), Due::HeartBeat);
    assert_eq!(
        session.deadline(),
        Some(2100),
        "saying so counts as sending"
    );
}

#[test]
fn any_received_bytes_keep_the_connection_alive() {
    let (_, mut session) = connected(beats(1000, 0), beats(0, 1000), 0);
    let patience = 1000 * READ_TOLERANCE;
    for now in (0..60_000).step_by(1999) {
        assert_eq!(session.on_deadline(now), Due::Nothing);
        session.received(now);
        assert_eq!(session.deadline(), Some(now + patience));
    }
}

#[test]
fn a_handshake_has_a_deadline_on_both_sides() {
    let mut session = Session::new(&server::Config::DEFAULT, 5);
    let mut client = Client::new(&client::Config::DEFAULT, 5);
    let until = 5 + u64::from(server::Config::HANDSHAKE_MS);
    // Received bytes do not extend the handshake.
    session.received(until - 1);
    assert_eq!(session.deadline(), Some(until));
    assert_eq!(session.on_deadline(until - 1), Due::Nothing);
    assert_eq!(session.on_deadline(until), Due::HandshakeOverdue);
    assert_eq!(client.on_deadline(until), Due::HandshakeOverdue);

    let (client, session) = connected(HeartBeat::NONE, HeartBeat::DEFAULT, 20);
    assert_eq!((client.deadline(), session.deadline()), (None, None));
}

#[test]
fn extreme_intervals_are_harmless() {
    let absurd = HeartBeat::parse("99999999999999999999,4294967295");
    assert_eq!(absurd, Some(beats(u32::MAX, u32::MAX)));
    let (mut client, _) = connected(beats(u32::MAX, u32::MAX), beats(1, 1), u64::MAX / 2);
    assert!(client.deadline() > Some(u64::MAX / 2));
    let (mut quick, _) = connected(beats(1, 1), beats(1, 1), 0);
    assert_eq!(quick.on_deadline(1), Due::HeartBeat);
    // A clock that stands still or steps back finds nothing due.
    assert_eq!(client.on_deadline(0), Due::Nothing);
}

/// A simulated minute over a lossless connection: each side receives data often enough.
#[test]
fn idle_peers_keep_each_other_alive() {
    let (mut client, mut session) = connected(beats(500, 700), beats(900, 300), 0);
    let mut heard = (0, 0);
    for now in 0..60_000 {
        match client.on_deadline(now) {
            Due::Nothing => {}
            Due::HeartBeat => {
                session.received(now);
                heard.0 += 1;
            }
            due => panic!("{due:?} at {now}"),
        }
        match session.on_deadline(now) {
            Due::Nothing => {}
            Due::HeartBeat => {
                client.received(now);
                heard.1 += 1;
            }
            due => panic!("{due:?} at {now}"),
        }
    }
    // Every 375 of MAX(500, 300) and every 675 of MAX(900, 700) milliseconds.
    assert_eq!(heard, (59_999 / 375, 59_999 / 675));
}

//! Incomplete received messages, topic aliases and keep alive: MQTT 5.0, 4.3, 4.9, 3.3.2.3.4 and
//! 3.1.2.10.

use std::collections::HashSet;
use std::num::NonZeroU16;

use proptest::collection::vec;
use proptest::prelude::*;
use wire::mqtt::*;

fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("valid")
}

fn alias(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("valid")
}

fn topic(text: &str) -> TopicName<'_> {
    TopicName::parse(text).expect("valid")
}

/// [MQTT-4.3.3-10], [MQTT-4.3.3-12].
#[test]
fn an_identifier_of_qos_2_is_a_duplicate_until_it_is_released() {
    let mut incoming = Incoming::new(10);
    assert_eq!(incoming.exactly_once(id(7)), Ok(Arrival::New));
    assert_eq!(incoming.exactly_once(id(7)), Ok(Arrival::Duplicate));
    assert_eq!(incoming.exactly_once(id(8)), Ok(Arrival::New));
    assert!(incoming.release(id(7)));
    assert!(!incoming.release(id(7)));
    assert_eq!(incoming.exactly_once(id(7)), Ok(Arrival::New));
    assert_eq!(incoming.len(), 2);
}

/// [MQTT-4.3.2-5].
#[test]
fn an_identifier_of_qos_1_is_never_a_duplicate() {
    let mut incoming = Incoming::new(10);
    for attempt in [Attempt::First, Attempt::Again] {
        let delivery = QosDelivery::AtLeastOnce(id(7), attempt);
        assert_eq!(incoming.publish(delivery), Ok(Arrival::New));
    }
    assert_eq!(incoming.len(), 2);
}

#[test]
fn both_qos_count_and_qos_0_does_not() {
    let exceeded = Err(Exceeded { maximum: 2 });
    let mut incoming = Incoming::new(2);
    assert_eq!(incoming.at_least_once(), Ok(()));
    assert_eq!(incoming.exactly_once(id(1)), Ok(Arrival::New));
    assert_eq!(incoming.at_least_once(), exceeded);
    assert_eq!(
        incoming.exactly_once(id(2)),
        exceeded.map(|()| Arrival::New)
    );
    assert_eq!(incoming.exactly_once(id(1)), Ok(Arrival::Duplicate));
    assert_eq!(incoming.publish(QosDelivery::AtMostOnce), Ok(Arrival::New));
    incoming.answered();
    assert_eq!(incoming.exactly_once(id(2)), Ok(Arrival::New));
    assert!(incoming.release(id(1)));
    assert_eq!(incoming.at_least_once(), Ok(()));
    assert_eq!(Incoming::new(0).at_least_once(), Ok(()), "0 counts as 1");
}

/// "The send quota and Receive Maximum value are not preserved across Network Connections" (4.9).
#[test]
fn unreleased_identifiers_outlive_a_connection_without_counting() {
    let mut incoming = Incoming::new(2);
    for number in 1..=2 {
        assert_eq!(incoming.exactly_once(id(number)), Ok(Arrival::New));
    }
    incoming.resume(2);
    assert_eq!(incoming.exactly_once(id(1)), Ok(Arrival::Duplicate));
    for number in 3..=4 {
        assert_eq!(incoming.exactly_once(id(number)), Ok(Arrival::New));
    }
    assert_eq!(incoming.exactly_once(id(5)), Err(Exceeded { maximum: 2 }));
    assert!(incoming.release(id(2)), "of an earlier connection");
    assert_eq!(incoming.exactly_once(id(5)), Err(Exceeded { maximum: 2 }));
    assert!(incoming.release(id(3)));
    assert_eq!(incoming.exactly_once(id(5)), Ok(Arrival::New));
}

/// A peer that never releases an identifier, over many connections.
#[test]
fn unreleased_identifiers_are_bounded() {
    let mut incoming = Incoming::new(100);
    for number in 1..=2000 {
        if number % 100 == 0 {
            incoming.resume(100);
        }
        assert_eq!(incoming.exactly_once(id(number)), Ok(Arrival::New));
        assert!(incoming.len() <= Incoming::KEPT + 100);
    }
    incoming.resume(100);
    assert_eq!(incoming.len(), Incoming::KEPT);
    assert_eq!(incoming.exactly_once(id(2000)), Ok(Arrival::Duplicate));
    assert_eq!(incoming.exactly_once(id(1)), Ok(Arrival::New), "forgotten");
}

#[test]
fn duplicates_are_found_among_many() {
    let mut incoming = Incoming::new(u16::MAX);
    let numbers = (60_000..=u16::MAX).step_by(5).chain(1..1000);
    for number in numbers.clone() {
        assert_eq!(incoming.exactly_once(id(number)), Ok(Arrival::New));
    }
    for number in numbers.step_by(7) {
        assert_eq!(incoming.exactly_once(id(number)), Ok(Arrival::Duplicate));
    }
}

proptest! {
    #[test]
    fn incoming_behaves_like_a_set(maximum in 1..6u16, steps in vec((0..3u8, 1..12u16), 0..200)) {
        let mut incoming = Incoming::new(maximum);
        let (mut unreleased, mut unanswered) = (HashSet::new(), 0);
        for (kind, number) in steps {
            let is_full = unreleased.len() + unanswered >= usize::from(maximum);
            let is_known = unreleased.contains(&number);
            match kind {
                0 => {
                    let expected = match (is_known, is_full) {
                        (true, _) => Ok(Arrival::Duplicate),
                        (false, true) => Err(Exceeded { maximum }),
                        (false, false) => Ok(Arrival::New),
                    };
                    assert_eq!(incoming.exactly_once(id(number)), expected);
                    if expected == Ok(Arrival::New) {
                        unreleased.insert(number);
                    }
                }
                1 => {
                    assert_eq!(incoming.at_least_once().is_err(), is_full);
                    unanswered += usize::from(!is_full);
                }
                _ => {
                    assert_eq!(incoming.release(id(number)), unreleased.remove(&number));
                    if unanswered > 0 {
                        incoming.answered();
                        unanswered -= 1;
                    }
                }
            }
            assert_eq!(incoming.len(), unreleased.len() + unanswered);
        }
    }
}

#[test]
fn an_alias_returns_the_topic_set_last() {
    let mut aliases = AliasesIn::new(3, 100);
    let not_set = |alias| Err(AliasError::NotSet { alias });
    let text =
        |aliases: &AliasesIn, number| aliases.topic(alias(number)).map(|text| text.to_string());
    assert_eq!(text(&aliases, 1), not_set(1));
    assert_eq!(aliases.set(alias(2), topic("a/b")), Ok(()));
    assert_eq!(text(&aliases, 2), Ok("a/b".to_owned()));
    assert_eq!(text(&aliases, 1), not_set(1));
    assert_eq!(aliases.set(alias(2), topic("c")), Ok(()));
    assert_eq!(text(&aliases, 2), Ok("c".to_owned()));
}

/// [MQTT-3.3.2-9], [MQTT-3.3.2-12].
#[test]
fn all_aliases_up_to_the_maximum_are_accepted() {
    for maximum in [0, 1, 32, u16::MAX] {
        let mut aliases = AliasesIn::new(maximum, 1 << 20);
        for number in [1, 2, 32, 33, u16::MAX] {
            let too_large = Err(AliasError::TooLarge {
                alias: number,
                maximum,
            });
            let expected = if number <= maximum { Ok(()) } else { too_large };
            assert_eq!(aliases.set(alias(number), topic("t")), expected);
            assert_eq!(aliases.topic(alias(number)).map(|_| ()), expected);
        }
    }
}

#[test]
fn the_topics_of_aliases_are_bounded() {
    let mut aliases = AliasesIn::new(10, 6);
    assert_eq!(aliases.set(alias(1), topic("abc")), Ok(()));
    assert_eq!(aliases.set(alias(2), topic("def")), Ok(()));
    let limit = 6;
    let full = Err(AliasError::TooManyBytes { limit });
    assert_eq!(aliases.set(alias(3), topic("g")), full);
    assert_eq!(aliases.set(alias(1), topic("abc")), Ok(()), "it is there");
    assert_eq!(aliases.set(alias(1), topic("a")), Ok(()), "it is shorter");
    assert_eq!(aliases.set(alias(3), topic("gh")), Ok(()));
}

#[test]
fn the_most_recently_used_topics_have_an_alias() {
    let mut aliases = AliasesOut::<String>::new(2, 10);
    let (set, using) = (
        |n| Some(Alias::Set(alias(n))),
        |n| Some(Alias::Use(alias(n))),
    );
    assert_eq!(aliases.choose("a"), set(1));
    assert_eq!(aliases.choose("a"), using(1));
    assert_eq!(aliases.choose("b"), set(2));
    assert_eq!(aliases.choose("a"), using(1));
    assert_eq!(aliases.choose("c"), set(2), "b was not used for longer");
    assert_eq!(aliases.choose("a"), using(1));
    assert_eq!(aliases.choose("b"), set(2));
    assert_eq!(aliases.choose("b"), using(2));
}

/// [MQTT-3.1.2-26], [MQTT-3.1.2-27].
#[test]
fn aliases_do_not_exceed_the_peers_maximum() {
    for (peer, own) in [(0, 10), (10, 0), (0, 0)] {
        assert_eq!(AliasesOut::<u32>::new(peer, own).choose(&1), None);
    }
    for (peer, own, largest) in [(1, 10, 1), (10, 3, 3), (u16::MAX, 16, 16)] {
        let mut aliases = AliasesOut::<u32>::new(peer, own);
        let chosen: HashSet<_> = (0..100)
            .map(|key| match aliases.choose(&key) {
                Some(Alias::Set(alias)) => alias.get(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(chosen, (1..=largest).collect());
    }
}

#[test]
fn an_alias_that_was_not_sent_is_set_again() {
    let mut aliases = AliasesOut::<u32>::new(5, 5);
    let chosen = aliases.choose(&1).expect("there are aliases");
    aliases.take_back(chosen);
    assert_eq!(aliases.choose(&2), Some(Alias::Set(alias(2))));
    let chosen = aliases.choose(&1);
    assert!(matches!(chosen, Some(Alias::Set(_))), "{chosen:?}");
    let chosen = aliases.choose(&1).expect("there are aliases");
    aliases.take_back(chosen);
    assert_eq!(aliases.choose(&1), Some(chosen), "the peer knows it");
}

proptest! {
    /// The receiver decodes the right topic for every choice of aliases.
    #[test]
    fn both_sides_agree_on_aliases(maximum in 0..6u16, keys in vec(0..9u32, 0..100)) {
        let mut out = AliasesOut::<u32>::new(maximum, AliasesOut::<u32>::MAXIMUM);
        let mut incoming = AliasesIn::new(maximum, 1 << 10);
        for key in keys {
            let name = format!("topic/{key}");
            match out.choose(&key) {
                None => assert_eq!(maximum, 0),
                Some(Alias::Set(alias)) => incoming.set(alias, topic(&name)).expect("accepted"),
                Some(Alias::Use(alias)) => {
                    assert_eq!(incoming.topic(alias).map(|text| &**text), Ok(name.as_str()));
                }
            }
        }
    }
}

/// [MQTT-3.1.2-22].
#[test]
fn a_client_may_be_silent_for_one_and_a_half_keep_alive_intervals() {
    for (keep_alive_s, silent_ms) in [(1, 1500), (10, 15_000), (u16::MAX, 98_302_500)] {
        let mut time = KeepAlive::of_server(100, keep_alive_s);
        assert_eq!(time.deadline(), Some(100 + silent_ms));
        assert_eq!(time.on_deadline(100 + silent_ms - 1), Due::Nothing);
        let silent = Due::PeerSilent { silent_ms };
        assert_eq!(time.on_deadline(100 + silent_ms), silent);
        time.received(100 + silent_ms);
        assert_eq!(time.on_deadline(100 + silent_ms), Due::Nothing);
        assert_eq!(time.deadline(), Some(100 + 2 * silent_ms));
    }
    assert_eq!(KeepAlive::of_server(100, 0).deadline(), None, "0 is never");
}

/// [MQTT-3.1.2-20].
#[test]
fn a_client_sends_a_packet_within_each_keep_alive_interval() {
    let mut client = KeepAlive::of_client(0, 10);
    let mut server = KeepAlive::of_server(0, 10);
    let mut pings = 0;
    for now in 0..120_000 {
        assert_eq!(server.on_deadline(now), Due::Nothing);
        match client.on_deadline(now) {
            Due::Nothing => {}
            Due::Ping => {
                pings += 1;
                server.received(now);
                client.received(now);
            }
            due => panic!("{due:?} at {now}"),
        }
    }
    assert_eq!(pings, 119_999 / 7500);
    // Other packets count as sent; a missing answer ends the connection.
    client.sent(120_000);
    client.received(120_000);
    assert_eq!(client.deadline(), Some(127_500));
    assert_eq!(client.on_deadline(127_500), Due::Ping);
    let silent = client.on_deadline(135_000);
    assert!(matches!(silent, Due::PeerSilent { .. }), "{silent:?}");
    assert_eq!(KeepAlive::of_client(0, 0).deadline(), None);
}

#[test]
fn the_maximum_time_and_a_clock_that_steps_back_are_harmless() {
    let mut time = KeepAlive::of_server(u64::MAX - 1, u16::MAX);
    assert_eq!(time.deadline(), Some(u64::MAX));
    // A clock that steps back finds nothing due.
    assert_eq!(time.on_deadline(0), Due::Nothing);
    let handshake = KeepAlive::awaiting_handshake(u64::MAX, 1000);
    assert_eq!(handshake.deadline(), Some(u64::MAX));
}

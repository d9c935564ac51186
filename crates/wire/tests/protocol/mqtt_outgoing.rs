//! Publications that were sent and are not acknowledged: MQTT 5.0, 4.3, 4.4, 4.6 and 4.9, sender's
//! side.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use wire::mqtt::*;

const WIDE: u16 = u16::MAX;

fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("valid")
}

fn push(window: &mut Outgoing<u32>, qos: QoS, message: u32) -> PacketId {
    let delivery = window.push(qos, message).expect("there is room");
    assert_eq!(delivery.qos(), qos);
    delivery.packet_id().expect("QoS is not 0")
}

/// Returns the packets that are sent again on a new connection, as far as the quota allows.
fn resent(window: &mut Outgoing<u32>) -> Vec<(u16, Option<u32>)> {
    let mut seen = Vec::new();
    loop {
        match window.resend() {
            None => return seen,
            Some(Resend::Release(id)) => seen.push((id.get(), None)),
            Some(Resend::Publish(delivery, &message)) => {
                let id = delivery.packet_id().expect("QoS is not 0");
                let again = match delivery {
                    QosDelivery::AtMostOnce => panic!("QoS 0 is not sent again"),
                    QosDelivery::AtLeastOnce(_, attempt) | QosDelivery::ExactlyOnce(_, attempt) => {
                        attempt
                    }
                };
                assert_eq!(again, Attempt::Again, "[MQTT-3.3.1-1]");
                seen.push((id.get(), Some(message)));
            }
        }
    }
}

#[test]
fn qos_0_is_sent_and_forgotten() {
    let mut window = Outgoing::new(1, 1);
    for message in 0..10 {
        assert_eq!(
            window.push(QoS::AtMostOnce, message),
            Ok(QosDelivery::AtMostOnce)
        );
    }
    assert!(window.is_empty() && window.has_room());
}

#[test]
fn qos_1_ends_with_puback() {
    let mut window = Outgoing::new(WIDE, 10);
    let first = window.push(QoS::AtLeastOnce, 7);
    assert_eq!(first, Ok(QosDelivery::AtLeastOnce(id(1), Attempt::First)));
    assert_eq!(window.puback(id(1)), Ok(7));
    assert_eq!(window.puback(id(1)), Err(Unknown(id(1))));
    assert!(window.is_empty());
}

#[test]
fn qos_2_ends_with_pubcomp() {
    let mut window = Outgoing::new(WIDE, 10);
    let one = push(&mut window, QoS::ExactlyOnce, 7);
    let success = PublishReason::Success;
    assert_eq!(window.pubcomp(one), Err(Unknown(one)), "not before PUBREC");
    assert_eq!(window.puback(one), Err(Unknown(one)));
    assert_eq!(window.pubrec(one, success), Ok(Received::First(7)));
    assert_eq!(window.pubrec(one, success), Ok(Received::Again));
    assert_eq!(window.len(), 1);
    assert_eq!(window.pubcomp(one), Ok(()));
    assert_eq!(window.pubcomp(one), Err(Unknown(one)));
    assert_eq!(window.pubrec(one, success), Err(Unknown(one)));
    assert!(window.is_empty());
}

#[test]
fn a_refused_message_is_complete() {
    for &reason in PublishReason::ALL {
        let mut window = Outgoing::new(WIDE, 10);
        let one = push(&mut window, QoS::ExactlyOnce, 7);
        let refused = Ok(Received::Refused(Some(7)));
        let taken = Ok(Received::First(7));
        let expected = if reason.is_failure() { refused } else { taken };
        assert_eq!(window.pubrec(one, reason), expected);
        assert_eq!(window.is_empty(), reason.is_failure(), "[MQTT-4.4.0-2]");
    }
}

#[test]
fn identifiers_of_the_other_qos_are_unknown() {
    let mut window = Outgoing::new(WIDE, 10);
    let one = push(&mut window, QoS::AtLeastOnce, 1);
    let success = PublishReason::Success;
    assert_eq!(window.pubrec(one, success), Err(Unknown(one)));
    assert_eq!(window.pubcomp(one), Err(Unknown(one)));
    assert_eq!(window.puback(id(2)), Err(Unknown(id(2))));
    assert_eq!(window.puback(one), Ok(1));
}

#[test]
fn messages_in_flight_are_bounded_by_both_sides() {
    // The peer's Receive Maximum, our maximum, the bound on messages in flight.
    for (receive, own, expected) in [(3, 10, 3), (10, 3, 3), (WIDE, 5, 5), (0, 5, 1), (5, 0, 1)] {
        let mut window = Outgoing::new(receive, own);
        let mut sent = 0;
        while window.has_room() {
            push(&mut window, QoS::AtLeastOnce, sent);
            sent += 1;
        }
        assert_eq!(sent, expected);
        assert_eq!(window.push(QoS::ExactlyOnce, 99), Err(99));
        assert_eq!(
            window.push(QoS::AtMostOnce, 99),
            Ok(QosDelivery::AtMostOnce)
        );
        window.puback(id(1)).expect("it is in flight");
        assert!(window.has_room());
    }
}

/// [MQTT-4.9.0-2]: PUBCOMP increments the quota, PUBREC does not.
#[test]
fn a_received_message_counts_until_it_is_complete() {
    let mut window = Outgoing::new(1, 10);
    let one = push(&mut window, QoS::ExactlyOnce, 1);
    let received = window.pubrec(one, PublishReason::Success);
    assert_eq!(received, Ok(Received::First(1)));
    assert!(!window.has_room());
    window.pubcomp(one).expect("it is in flight");
    assert!(window.has_room());
}

#[test]
fn identifiers_wrap_around() {
    let mut window = Outgoing::new(WIDE, 10);
    let numbers = (1..=u16::MAX).cycle().take(200_000);
    for number in numbers {
        let one = push(&mut window, QoS::AtLeastOnce, u32::from(number));
        assert_eq!(one.get(), number);
        assert_eq!(window.puback(one), Ok(u32::from(number)));
    }
}

#[test]
fn a_message_that_is_never_acknowledged_stops_later_messages() {
    let mut window = Outgoing::new(WIDE, 2);
    let stuck = push(&mut window, QoS::ExactlyOnce, 0);
    let mut passed = 0;
    while window.has_room() {
        let one = push(&mut window, QoS::AtLeastOnce, 1);
        window.puback(one).expect("it is in flight");
        passed += 1;
    }
    assert_eq!(passed, Outgoing::<u32>::LEAST_SPAN - 1);
    let refused = window.pubrec(stuck, PublishReason::QuotaExceeded);
    assert_eq!(refused, Ok(Received::Refused(Some(0))));
    assert!(window.has_room() && window.is_empty());
}

#[test]
fn all_identifiers_can_be_in_flight() {
    let mut window = Outgoing::new(WIDE, WIDE);
    let mut seen = HashSet::new();
    while window.has_room() {
        assert!(seen.insert(push(&mut window, QoS::AtLeastOnce, 0)));
    }
    assert_eq!(seen.len(), usize::from(u16::MAX));
    window.puback(id(9)).expect("it is in flight");
    assert!(!window.has_room(), "only the oldest makes room");
    window.puback(id(1)).expect("it is in flight");
    assert_eq!(push(&mut window, QoS::AtLeastOnce, 0), id(1));
}

#[test]
fn a_new_connection_resends_everything_in_order() {
    let mut window = Outgoing::new(WIDE, 10);
    let qos = [
        QoS::AtLeastOnce,
        QoS::ExactlyOnce,
        QoS::ExactlyOnce,
        QoS::AtLeastOnce,
        QoS::ExactlyOnce,
    ];
    let ids: Vec<_> = (0..)
        .zip(qos)
        .map(|(n, qos)| push(&mut window, qos, n))
        .collect();
    window.puback(ids[0]).expect("it is in flight");
    window
        .pubrec(ids[2], PublishReason::Success)
        .expect("it is in flight");
    for _ in 0..3 {
        window.resume(WIDE, 10);
        assert!(window.has_resend() && !window.has_room());
        let expected = [(2, Some(1)), (3, None), (4, Some(3)), (5, Some(4))];
        assert_eq!(resent(&mut window), expected);
        assert!(!window.has_resend() && window.has_room());
    }
    assert_eq!(push(&mut window, QoS::AtLeastOnce, 9), id(6));
}

/// "The send quota and Receive Maximum value are not preserved across Network Connections" (4.9).
#[test]
fn a_smaller_receive_maximum_delays_resending() {
    let mut window = Outgoing::new(WIDE, 10);
    for message in 0..5 {
        push(&mut window, QoS::AtLeastOnce, message);
    }
    window.resume(2, 10);
    assert_eq!(resent(&mut window), [(1, Some(0)), (2, Some(1))]);
    assert!(!window.has_room());
    assert_eq!(window.puback(id(2)), Ok(1));
    assert_eq!(resent(&mut window), [(3, Some(2))]);
    assert_eq!(window.puback(id(1)), Ok(0));
    assert_eq!(window.puback(id(3)), Ok(2));
    assert_eq!(resent(&mut window), [(4, Some(3)), (5, Some(4))]);
    assert_eq!(window.puback(id(4)), Ok(3));
    assert!(window.has_room());
}

/// [MQTT-3.3.4-10]: only PUBLISH waits for quota.
#[test]
fn pubrel_needs_no_quota() {
    let mut window = Outgoing::new(WIDE, 10);
    for message in 0..3 {
        let one = push(&mut window, QoS::ExactlyOnce, message);
        window
            .pubrec(one, PublishReason::Success)
            .expect("it is in flight");
    }
    window.resume(1, 10);
    assert_eq!(resent(&mut window), [(1, None), (2, None), (3, None)]);
}

/// [MQTT-3.1.2-25].
#[test]
fn a_message_that_is_too_large_counts_as_sent() {
    let mut window = Outgoing::new(1, 10);
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let one = push(&mut window, qos, 7);
        assert_eq!(window.discard(one), Ok(7));
        assert_eq!(window.discard(one), Err(Unknown(one)));
        assert!(window.is_empty() && window.has_room());
    }
}

#[test]
fn messages_for_other_clients_are_taken_back() {
    let mut window = Outgoing::new(WIDE, 10);
    for (message, qos) in [
        (0, QoS::AtLeastOnce),
        (1, QoS::AtLeastOnce),
        (2, QoS::ExactlyOnce),
        (3, QoS::AtLeastOnce),
    ] {
        push(&mut window, qos, message);
    }
    assert_eq!(window.take_back(|message| message % 3 == 0), [0, 3]);
    // [MQTT-4.8.2-4].
    assert_eq!(window.take_back(|_| true), [1], "QoS 2 stays");
    let left: Vec<_> = window.iter().collect();
    assert_eq!(left, [(id(3), QoS::ExactlyOnce, &2)]);
    assert_eq!(push(&mut window, QoS::AtLeastOnce, 5), id(5));
}

#[test]
fn an_identifier_of_qos_2_that_is_taken_back_waits_until_the_peer_has_forgotten_it() {
    let mut window = Outgoing::new(WIDE, 10);
    for (message, qos) in [(0, QoS::AtLeastOnce), (1, QoS::ExactlyOnce)] {
        push(&mut window, qos, message);
    }
    assert_eq!(window.take_back_all(|_| true), [0, 1]);
    window.resume(WIDE, 10);
    assert_eq!(resent(&mut window), [(2, None)]);
    assert_eq!(window.pubcomp(id(2)), Ok(()));
    assert!(window.is_empty());
}

/// [MQTT-2.2.1-3]: SUBSCRIBE, UNSUBSCRIBE and PUBLISH share their identifiers.
#[test]
fn requests_and_messages_share_identifiers() {
    let mut window = Outgoing::new(1, 1);
    assert_eq!(window.reserve(), Some(id(1)));
    assert_eq!(push(&mut window, QoS::AtLeastOnce, 7), id(2));
    assert_eq!(window.reserve(), Some(id(3)), "they need no quota");
    assert_eq!(window.release(id(2)), Err(Unknown(id(2))));
    assert_eq!(window.puback(id(1)), Err(Unknown(id(1))));
    assert_eq!(window.release(id(1)), Ok(()));
    // A new connection drops them.
    window.resume(1, 1);
    assert_eq!(resent(&mut window), [(2, Some(7))]);
    assert_eq!(window.release(id(3)), Err(Unknown(id(3))));
}

#[test]
fn an_idle_window_is_small() {
    assert!(size_of::<Outgoing<[u8; 64]>>() <= 80);
}

/// A message of the reference model.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Message {
    id: PacketId,
    qos: QoS,
    number: u32,
    is_received: bool,
    /// True if sent on this connection.
    is_sent: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Push(bool),
    Acknowledge(prop::sample::Index, bool),
    Unknown(u16),
    Resume(u16),
    Resend,
    TakeBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<bool>().prop_map(Step::Push),
        8 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, b)| Step::Acknowledge(i, b)),
        1 => (1..=u16::MAX).prop_map(Step::Unknown),
        1 => (1..8u16).prop_map(Step::Resume),
        3 => Just(Step::Resend),
        1 => Just(Step::TakeBack),
    ]
}

/// The window, and a plain list of the messages in flight.
struct Both {
    window: Outgoing<u32>,
    list: Vec<Message>,
    maximum: usize,
    next: u32,
}

impl Both {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Push(twice) => self.push(*twice),
            Step::Acknowledge(index, refuse) if !self.list.is_empty() => {
                self.acknowledge(index.index(self.list.len()), *refuse);
            }
            Step::Acknowledge(..) => {}
            Step::Unknown(number) => self.unknown(id(*number)),
            Step::Resume(maximum) => {
                self.maximum = usize::from(*maximum);
                self.window.resume(*maximum, WIDE);
                self.list.iter_mut().for_each(|one| one.is_sent = false);
            }
            Step::Resend => self.resend(),
            Step::TakeBack => {
                let is_wanted = |number: u32| number.is_multiple_of(3);
                let taken = self.window.take_back(|&number| is_wanted(number));
                let is_taken = |one: &Message| one.qos == QoS::AtLeastOnce && is_wanted(one.number);
                let expected: Vec<_> = self
                    .list
                    .iter()
                    .filter(|one| is_taken(one))
                    .map(|one| one.number)
                    .collect();
                assert_eq!(taken, expected);
                self.list.retain(|one| !is_taken(one));
            }
        }
    }

    fn push(&mut self, twice: bool) {
        let qos = if twice {
            QoS::ExactlyOnce
        } else {
            QoS::AtLeastOnce
        };
        let may = self.window.has_room();
        match self.window.push(qos, self.next) {
            Err(number) => assert!(!may && number == self.next),
            Ok(delivery) => {
                assert!(may);
                let id = delivery.packet_id().expect("QoS is not 0");
                let is_used = self.list.iter().any(|one| one.id == id);
                assert!(!is_used, "[MQTT-2.2.1-4]");
                let all_sent = self.list.iter().all(|one| one.is_sent);
                assert!(all_sent, "[MQTT-4.6.0-1]: what is sent again comes first");
                self.list.push(Message {
                    id,
                    qos,
                    number: self.next,
                    is_received: false,
                    is_sent: true,
                });
            }
        }
        self.next += 1;
    }

    fn acknowledge(&mut self, index: usize, refuse: bool) {
        let one = self.list[index];
        let reason = match refuse {
            true => PublishReason::NotAuthorized,
            false => PublishReason::Success,
        };
        if one.qos == QoS::AtLeastOnce {
            assert_eq!(self.window.puback(one.id), Ok(one.number));
            self.list.remove(index);
        } else if !one.is_received {
            let received = self.window.pubrec(one.id, reason).expect("it is in flight");
            if refuse {
                assert_eq!(received, Received::Refused(Some(one.number)));
                self.list.remove(index);
            } else {
                assert_eq!(received, Received::First(one.number));
                self.list[index].is_received = true;
            }
        } else {
            assert_eq!(self.window.pubcomp(one.id), Ok(()));
            self.list.remove(index);
        }
    }

    fn unknown(&mut self, id: PacketId) {
        if self.list.iter().all(|one| one.id != id) {
            let success = PublishReason::Success;
            assert_eq!(self.window.puback(id), Err(Unknown(id)));
            assert_eq!(self.window.pubrec(id, success), Err(Unknown(id)));
            assert_eq!(self.window.pubcomp(id), Err(Unknown(id)));
        }
    }

    fn resend(&mut self) {
        let in_flight = self.in_flight();
        let next = self.list.iter_mut().find(|one| !one.is_sent);
        let next = next.filter(|one| one.is_received || in_flight < self.maximum);
        match (self.window.resend(), next) {
            (None, None) => {}
            (Some(Resend::Release(id)), Some(one)) => {
                assert!(one.is_received && one.id == id);
                one.is_sent = true;
            }
            (Some(Resend::Publish(delivery, number)), Some(one)) => {
                assert_eq!(delivery.packet_id(), Some(one.id));
                assert_eq!(delivery.qos(), one.qos);
                assert!(!one.is_received && one.number == *number);
                one.is_sent = true;
            }
            (resent, expected) => panic!("{resent:?} instead of {expected:?}"),
        }
    }

    fn in_flight(&self) -> usize {
        self.list.iter().filter(|one| one.is_sent).count()
    }

    fn check(&self) {
        assert_eq!(self.window.len(), self.list.len());
        assert_eq!(
            self.window.has_resend(),
            self.list.iter().any(|one| !one.is_sent)
        );
        let is_published = |one: &&Message| !one.is_received;
        let published = self.list.iter().filter(is_published);
        let published: Vec<_> = published
            .map(|one| (one.id, one.qos, &one.number))
            .collect();
        assert_eq!(self.window.iter().collect::<Vec<_>>(), published);
        if self.window.has_room() {
            assert!(self.in_flight() < self.maximum, "[MQTT-4.9.0-2]");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_window_behaves_like_a_list(maximum in 1..8u16, steps in vec(step(), 0..200)) {
        let mut both = Both {
            window: Outgoing::new(maximum, WIDE),
            list: Vec::new(),
            maximum: maximum.into(),
            next: 0,
        };
        for step in &steps {
            both.take(step);
            both.check();
        }
    }
}

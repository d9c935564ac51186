//! Generates any packet of any version, for property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wire::mqtt::*;

use crate::mqtt_value::{Value, data, properties, text, topic};

/// Random values that packets are built from; each packet uses the values it needs.
#[derive(Clone, Debug)]
pub struct Ingredients {
    pub packet: PacketType,
    pub version: Version,
    pub reader: Role,
    id: u16,
    level: u8,
    flags: [bool; 3],
    number: u16,
    text: String,
    topic: String,
    payload: Vec<u8>,
    user_name: Option<String>,
    password: Option<Vec<u8>>,
    has_will: bool,
    filters: Vec<(String, u8)>,
    reasons: Vec<prop::sample::Index>,
    properties: Vec<Value>,
    will_properties: Vec<Value>,
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![Just("+".to_owned()), "[^\0+#/]{0,5}"];
    let last = prop_oneof![Just("#".to_owned()), "[^\0+#/]{1,5}"];
    let share = prop_oneof![4 => Just(String::new()), 1 => Just("$share/s/".to_owned())];
    (share, vec(level, 0..4), last).prop_map(|(share, mut levels, last)| {
        levels.push(last);
        share + &levels.join("/")
    })
}

/// Returns the role that may receive the packet; AUTH and DISCONNECT of a server are new in 5.0.
fn reader(packet: PacketType, version: Version, server: bool) -> Role {
    use PacketType::*;
    match packet {
        Connect | Subscribe | Unsubscribe | Pingreq => Role::Server,
        Connack | Suback | Unsuback | Pingresp => Role::Client,
        Disconnect if version != Version::V5_0 => Role::Server,
        _ if server => Role::Server,
        _ => Role::Client,
    }
}

pub fn ingredients() -> impl Strategy<Value = Ingredients> {
    let packet = prop::sample::select(PacketType::ALL.to_vec());
    let version = prop::sample::select(Version::ALL.to_vec());
    (packet, version, any::<bool>()).prop_flat_map(|(packet, version, server)| {
        let packet = match packet {
            PacketType::Auth if version != Version::V5_0 => PacketType::Publish,
            packet => packet,
        };
        let reader = reader(packet, version, server);
        of_packet(packet, version, reader)
    })
}

fn of_packet(
    packet: PacketType,
    version: Version,
    reader: Role,
) -> impl Strategy<Value = Ingredients> {
    let without = match (packet, reader) {
        (PacketType::Publish, Role::Server) => Some(PropertyId::SubscriptionIdentifier),
        (PacketType::Disconnect, Role::Client) => Some(PropertyId::SessionExpiryInterval),
        _ => None,
    };
    let numbers = (1..=u16::MAX, 0..3u8, any::<[bool; 3]>(), any::<u16>());
    let texts = (text(), topic(), data());
    let login = (option::of(text()), option::of(data()), any::<bool>());
    let lists = (
        vec((filter(), 0..48u8), 1..6),
        vec(any::<prop::sample::Index>(), 1..6),
    );
    let properties = (
        properties(packet.as_str(), without),
        properties("Will", None),
    );
    (numbers, texts, login, lists, properties).prop_map(
        move |(numbers, texts, login, lists, properties)| {
            let (id, level, flags, number) = numbers;
            let (text, topic, payload) = texts;
            let (user_name, password, has_will) = login;
            let (filters, reasons) = lists;
            let (properties, will_properties) = properties;
            Ingredients {
                packet,
                version,
                reader,
                id,
                level,
                flags,
                number,
                text,
                topic,
                payload,
                user_name,
                password,
                has_will,
                filters,
                reasons,
                properties,
                will_properties,
            }
        },
    )
}

impl Ingredients {
    fn is_5(&self) -> bool {
        self.version == Version::V5_0
    }

    /// Passes the packet, which its version can express, to `run`.
    pub fn with<R>(&self, run: impl FnOnce(Packet<'_>) -> R) -> R {
        let (mut scratch, mut will_scratch, mut list) = (Vec::new(), Vec::new(), Vec::new());
        let properties = self.list(&self.properties, &mut scratch);
        let will = self.list(&self.will_properties, &mut will_scratch);
        run(self.packet(properties, will, &mut list))
    }

    fn list<'a>(&'a self, values: &'a [Value], scratch: &'a mut Vec<u8>) -> Properties<'a> {
        if !self.is_5() {
            return Properties::EMPTY;
        }
        let has_method = values
            .iter()
            .any(|value| value.id == PropertyId::AuthenticationMethod);
        let usable = values
            .iter()
            .filter(|value| has_method || value.id != PropertyId::AuthenticationData);
        Properties::encode(usable.map(Value::property), scratch).expect("valid")
    }

    fn packet<'a>(
        &'a self,
        properties: Properties<'a>,
        will: Properties<'a>,
        list: &'a mut Vec<u8>,
    ) -> Packet<'a> {
        let packet_id = PacketId::new(self.id).expect("valid");
        match self.packet {
            PacketType::Connect => Packet::Connect(self.connect(properties, will)),
            PacketType::Connack => Packet::Connack(self.connack(properties)),
            PacketType::Publish => Packet::Publish(self.publish(properties)),
            PacketType::Puback => Packet::Puback(self.published(properties)),
            PacketType::Pubrec => Packet::Pubrec(self.published(properties)),
            PacketType::Pubrel => Packet::Pubrel(self.released(properties)),
            PacketType::Pubcomp => Packet::Pubcomp(self.released(properties)),
            PacketType::Subscribe => Packet::Subscribe(Subscribe {
                packet_id,
                properties,
                subscriptions: List::encode(self.subscriptions(), list).expect("valid"),
            }),
            PacketType::Suback => Packet::Suback(Suback {
                packet_id,
                properties,
                reasons: List::encode(self.suback(), list).expect("valid"),
            }),
            PacketType::Unsubscribe => {
                let filters = self.filters.iter();
                let filters = filters.map(|(text, _)| TopicFilter::parse(text).expect("valid"));
                Packet::Unsubscribe(Unsubscribe {
                    packet_id,
                    properties,
                    filters: List::encode(filters, list).expect("valid"),
                })
            }
            PacketType::Unsuback => {
                let reasons = self.reasons.iter().filter(|_| self.is_5());
                let reasons = reasons.map(|index| *index.get(UnsubscribeReason::ALL));
                Packet::Unsuback(Unsuback {
                    packet_id,
                    properties,
                    reasons: List::encode(reasons, list).expect("valid"),
                })
            }
            PacketType::Pingreq => Packet::Pingreq,
            PacketType::Pingresp => Packet::Pingresp,
            PacketType::Disconnect => Packet::Disconnect(Disconnect {
                reason: self.reason(DisconnectReason::ALL),
                properties,
            }),
            PacketType::Auth => Packet::Auth(self.auth(properties)),
        }
    }

    /// Before 5.0 the reason is the first one, success.
    fn reason<R: Copy>(&self, all: &[R]) -> R {
        match self.is_5() {
            true => *self.reasons[0].get(all),
            false => all[0],
        }
    }

    fn qos(&self) -> QoS {
        QoS::from_level(self.level).expect("valid")
    }

    fn connect<'a>(&'a self, properties: Properties<'a>, will: Properties<'a>) -> Connect<'a> {
        let password = self.password.as_deref();
        Connect {
            version: self.version,
            is_bridge: false,
            clean_start: self.flags[0],
            keep_alive: self.number,
            properties,
            client_id: &self.text,
            will: self.has_will.then(|| Will {
                qos: self.qos(),
                retain: self.flags[1],
                properties: will,
                topic: TopicName::parse(&self.topic).expect("valid"),
                payload: &self.payload,
            }),
            user_name: self.user_name.as_deref(),
            password: password.filter(|_| self.is_5() || self.user_name.is_some()),
        }
    }

    fn connack<'a>(&self, properties: Properties<'a>) -> Connack<'a> {
        let all: Vec<_> = (0..6).map(ConnectReason::from_return_code).collect();
        let reason = match self.is_5() {
            true => self.reason(ConnectReason::ALL),
            false => self.reasons[0].get(&all).expect("valid"),
        };
        let may_be_present = reason == ConnectReason::Success && self.version != Version::V3_1;
        Connack {
            session_present: self.flags[0] && may_be_present,
            reason,
            properties,
        }
    }

    fn publish<'a>(&'a self, properties: Properties<'a>) -> Publish<'a> {
        let id = PacketId::new(self.id).expect("valid");
        let attempt = match self.flags[0] {
            true => Attempt::Again,
            false => Attempt::First,
        };
        let leave_out = self.flags[2] && properties.topic_alias().is_some();
        Publish {
            delivery: match self.qos() {
                QoS::AtMostOnce => QosDelivery::AtMostOnce,
                QoS::AtLeastOnce => QosDelivery::AtLeastOnce(id, attempt),
                QoS::ExactlyOnce => QosDelivery::ExactlyOnce(id, attempt),
            },
            retain: self.flags[1],
            topic: (!leave_out).then(|| TopicName::parse(&self.topic).expect("valid")),
            properties,
            payload: &self.payload,
        }
    }

    fn published<'a>(&self, properties: Properties<'a>) -> Acknowledgement<'a, PublishReason> {
        Acknowledgement {
            packet_id: PacketId::new(self.id).expect("valid"),
            reason: self.reason(PublishReason::ALL),
            properties,
        }
    }

    fn released<'a>(&self, properties: Properties<'a>) -> Acknowledgement<'a, ReleaseReason> {
        Acknowledgement {
            packet_id: PacketId::new(self.id).expect("valid"),
            reason: self.reason(ReleaseReason::ALL),
            properties,
        }
    }

    fn subscriptions(&self) -> impl Iterator<Item = Subscription<'_>> {
        self.filters.iter().map(|(text, bits)| {
            let filter = TopicFilter::parse(text).expect("valid");
            let options = SubscriptionOptions {
                maximum_qos: QoS::from_level(bits & 3).unwrap_or_default(),
                no_local: bits & 4 != 0 && filter.shared().is_none(),
                retain_as_published: bits & 8 != 0,
                retain_handling: match bits >> 4 {
                    0 => RetainHandling::Send,
                    1 => RetainHandling::SendIfNew,
                    _ => RetainHandling::DoNotSend,
                },
            };
            let before_5 = SubscriptionOptions {
                maximum_qos: options.maximum_qos,
                ..SubscriptionOptions::default()
            };
            Subscription {
                filter,
                options: if self.is_5() { options } else { before_5 },
            }
        })
    }

    fn suback(&self) -> impl Iterator<Item = SubscribeReason> {
        let before_5 = &SubscribeReason::ALL[..4];
        self.reasons.iter().map(move |index| match self.is_5() {
            true => *index.get(SubscribeReason::ALL),
            false => *index.get(before_5),
        })
    }

    fn auth<'a>(&self, properties: Properties<'a>) -> Auth<'a> {
        match properties.authentication_method() {
            Some(_) => Auth {
                reason: self.reason(AuthReason::ALL),
                properties,
            },
            None => Auth {
                reason: AuthReason::Success,
                properties: Properties::EMPTY,
            },
        }
    }
}

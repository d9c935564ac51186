//! The content of the other library's packets of 3.1 and 3.1.1.

use mqtt_proto::Pid;
use mqtt_proto::v3::{Connack, Connect, Packet, Publish, Suback, Subscribe, SubscribeReturnCode};
use wire::mqtt::ConnectReason;

use super::content::Content;
use super::plain::{identifier, level};

pub fn content(packet: &Packet) -> Content {
    match packet {
        Packet::Connect(packet) => connect(packet),
        Packet::Connack(packet) => connack(packet),
        Packet::Publish(packet) => publish(packet),
        Packet::Puback(id) => acknowledgement("PUBACK", *id),
        Packet::Pubrec(id) => acknowledgement("PUBREC", *id),
        Packet::Pubrel(id) => acknowledgement("PUBREL", *id),
        Packet::Pubcomp(id) => acknowledgement("PUBCOMP", *id),
        Packet::Subscribe(packet) => subscribe(packet),
        Packet::Suback(packet) => suback(packet),
        Packet::Unsubscribe(packet) => {
            let filters: Vec<_> = packet.topics.iter().map(|filter| &**filter).collect();
            Content::new("UNSUBSCRIBE")
                .with("id", packet.pid.value())
                .with("filters", filters)
        }
        Packet::Unsuback(id) => Content::new("UNSUBACK")
            .with("id", id.value())
            .with("reasons", [0u8; 0]),
        Packet::Pingreq => Content::new("PINGREQ"),
        Packet::Pingresp => Content::new("PINGRESP"),
        Packet::Disconnect => Content::new("DISCONNECT").with("reason", 0),
    }
}

fn connect(packet: &Connect) -> Content {
    let content = Content::new("CONNECT")
        .with("level", packet.protocol as u8)
        .with("clean", packet.clean_session)
        .with("keep alive", packet.keep_alive)
        .with("client", &packet.client_id)
        .with("user", &packet.username)
        .with("password", packet.password.as_deref());
    let Some(will) = &packet.last_will else {
        return content;
    };
    content
        .with("will QoS", level(will.qos))
        .with("will retain", will.retain)
        .with("will topic", &*will.topic_name)
        .with("will payload", &*will.message)
}

fn connack(packet: &Connack) -> Content {
    let reason = ConnectReason::from_return_code(packet.code as u8).expect("one of six");
    Content::new("CONNACK")
        .with("present", packet.session_present)
        .with("reason", reason.code())
}

fn publish(packet: &Publish) -> Content {
    let (qos, id) = identifier(packet.qos_pid);
    Content::new("PUBLISH")
        .with("dup", packet.dup)
        .with("QoS", qos)
        .with("id", id)
        .with("retain", packet.retain)
        .with("topic", &*packet.topic_name)
        .with("payload", &*packet.payload)
}

fn acknowledgement(name: &str, id: Pid) -> Content {
    Content::new(name).with("id", id.value()).with("reason", 0)
}

fn subscribe(packet: &Subscribe) -> Content {
    let content = Content::new("SUBSCRIBE").with("id", packet.pid.value());
    packet
        .topics
        .iter()
        .fold(content, |content, (filter, qos)| {
            content
                .with("filter", &**filter)
                .with("QoS", level(*qos))
                .with("no local", false)
                .with("as published", false)
                .with("handling", 0)
        })
}

fn suback(packet: &Suback) -> Content {
    let code = |code: &SubscribeReturnCode| match code {
        SubscribeReturnCode::MaxLevel0 => 0,
        SubscribeReturnCode::MaxLevel1 => 1,
        SubscribeReturnCode::MaxLevel2 => 2,
        SubscribeReturnCode::Failure => 0x80,
    };
    let reasons: Vec<u8> = packet.topics.iter().map(code).collect();
    Content::new("SUBACK")
        .with("id", packet.pid.value())
        .with("reasons", reasons)
}

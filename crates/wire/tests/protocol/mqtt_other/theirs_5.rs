//! The content of the other library's packets of 5.0.

use mqtt_proto::v5::{
    Auth, Connack, Connect, Disconnect, Packet, Publish, Suback, Subscribe, Unsuback, Unsubscribe,
};
use wire::mqtt::PropertyId;

use super::content::{Content, Section};
use super::plain::{PlainValue, identifier, level};

/// Converts the fields of a property struct to a section with this codec's names.
macro_rules! section {
    ($properties:expr $(, $field:ident $id:ident)*) => {{
        let properties = &$properties;
        let mut section = Section::default();
        $(if let Some(value) = &properties.$field {
            value.add(PropertyId::$id, &mut section);
        })*
        for pair in &properties.user_properties {
            section.add_user_property(&pair.name, &pair.value);
        }
        section
    }};
}

macro_rules! acknowledgement {
    ($name:literal, $ack:expr) => {
        Content::new($name)
            .with("id", $ack.pid.value())
            .with("reason", $ack.reason_code as u8)
            .section(section!($ack.properties, reason_string ReasonString))
    };
}

pub fn content(packet: &Packet) -> Content {
    match packet {
        Packet::Connect(packet) => connect(packet),
        Packet::Connack(packet) => connack(packet),
        Packet::Publish(packet) => publish(packet),
        Packet::Puback(ack) => acknowledgement!("PUBACK", ack),
        Packet::Pubrec(ack) => acknowledgement!("PUBREC", ack),
        Packet::Pubrel(ack) => acknowledgement!("PUBREL", ack),
        Packet::Pubcomp(ack) => acknowledgement!("PUBCOMP", ack),
        Packet::Subscribe(packet) => subscribe(packet),
        Packet::Suback(packet) => suback(packet),
        Packet::Unsubscribe(packet) => unsubscribe(packet),
        Packet::Unsuback(packet) => unsuback(packet),
        Packet::Pingreq => Content::new("PINGREQ"),
        Packet::Pingresp => Content::new("PINGRESP"),
        Packet::Disconnect(packet) => disconnect(packet),
        Packet::Auth(packet) => auth(packet),
    }
}

fn connect(packet: &Connect) -> Content {
    let content = Content::new("CONNECT")
        .with("level", packet.protocol as u8)
        .with("clean", packet.clean_start)
        .with("keep alive", packet.keep_alive)
        .with("client", &packet.client_id)
        .with("user", &packet.username)
        .with("password", packet.password.as_deref())
        .section(section!(packet.properties,
            session_expiry_interval SessionExpiryInterval,
            receive_max ReceiveMaximum,
            max_packet_size MaximumPacketSize,
            topic_alias_max TopicAliasMaximum,
            request_response_info RequestResponseInformation,
            request_problem_info RequestProblemInformation,
            auth_method AuthenticationMethod,
            auth_data AuthenticationData
        ));
    let Some(will) = &packet.last_will else {
        return content;
    };
    content
        .with("will QoS", level(will.qos))
        .with("will retain", will.retain)
        .with("will topic", &*will.topic_name)
        .with("will payload", &*will.payload)
        .section(section!(will.properties,
            delay_interval WillDelayInterval,
            payload_is_utf8 PayloadFormatIndicator,
            message_expiry_interval MessageExpiryInterval,
            content_type ContentType,
            response_topic ResponseTopic,
            correlation_data CorrelationData
        ))
}

fn connack(packet: &Connack) -> Content {
    Content::new("CONNACK")
        .with("present", packet.session_present)
        .with("reason", packet.reason_code as u8)
        .section(section!(packet.properties,
            session_expiry_interval SessionExpiryInterval,
            receive_max ReceiveMaximum,
            max_qos MaximumQos,
            retain_available RetainAvailable,
            max_packet_size MaximumPacketSize,
            assigned_client_id AssignedClientIdentifier,
            topic_alias_max TopicAliasMaximum,
            reason_string ReasonString,
            wildcard_subscription_available WildcardSubscriptionAvailable,
            subscription_id_available SubscriptionIdentifierAvailable,
            shared_subscription_available SharedSubscriptionAvailable,
            server_keep_alive ServerKeepAlive,
            response_info ResponseInformation,
            server_reference ServerReference,
            auth_method AuthenticationMethod,
            auth_data AuthenticationData
        ))
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
        .section(section!(packet.properties,
            payload_is_utf8 PayloadFormatIndicator,
            message_expiry_interval MessageExpiryInterval,
            topic_alias TopicAlias,
            response_topic ResponseTopic,
            correlation_data CorrelationData,
            subscription_id SubscriptionIdentifier,
            content_type ContentType
        ))
}

fn subscribe(packet: &Subscribe) -> Content {
    let content = Content::new("SUBSCRIBE")
        .with("id", packet.pid.value())
        .section(section!(packet.properties, subscription_id SubscriptionIdentifier));
    packet
        .topics
        .iter()
        .fold(content, |content, (filter, options)| {
            content
                .with("filter", &**filter)
                .with("QoS", level(options.max_qos))
                .with("no local", options.no_local)
                .with("as published", options.retain_as_published)
                .with("handling", options.retain_handling as u8)
        })
}

fn suback(packet: &Suback) -> Content {
    let reasons: Vec<_> = packet.topics.iter().map(|code| *code as u8).collect();
    Content::new("SUBACK")
        .with("id", packet.pid.value())
        .with("reasons", reasons)
        .section(section!(packet.properties, reason_string ReasonString))
}

fn unsubscribe(packet: &Unsubscribe) -> Content {
    let filters: Vec<_> = packet.topics.iter().map(|filter| &**filter).collect();
    Content::new("UNSUBSCRIBE")
        .with("id", packet.pid.value())
        .with("filters", filters)
        .section(section!(packet.properties))
}

fn unsuback(packet: &Unsuback) -> Content {
    let reasons: Vec<_> = packet.topics.iter().map(|code| *code as u8).collect();
    Content::new("UNSUBACK")
        .with("id", packet.pid.value())
        .with("reasons", reasons)
        .section(section!(packet.properties, reason_string ReasonString))
}

fn disconnect(packet: &Disconnect) -> Content {
    Content::new("DISCONNECT")
        .with("reason", packet.reason_code as u8)
        .section(section!(packet.properties,
            session_expiry_interval SessionExpiryInterval,
            reason_string ReasonString,
            server_reference ServerReference
        ))
}

fn auth(packet: &Auth) -> Content {
    Content::new("AUTH")
        .with("reason", packet.reason_code as u8)
        .section(section!(packet.properties,
            auth_method AuthenticationMethod,
            auth_data AuthenticationData,
            reason_string ReasonString
        ))
}

//! Packets of MQTT as frames of a trace. The names of the fields are those of the specifications.

use std::fmt;

use destination::mqtt::{published_to, subscribed_to};
use wire::mqtt::{
    Acknowledgement, Attempt, Auth, Connack, Connect, Disconnect, Packet, PayloadFormat,
    Properties, Property, Publish, QosDelivery, Suback, Subscribe, SubscribeReason, Unsuback,
    Unsubscribe, Version, Will,
};

use super::{
    frame::{Frame, Named},
    payload::hex,
    secrets,
};

/// Describes a packet. `aliased` is the topic that a topic alias stands for, if the packet has no topic name of its own.
pub fn describe<'a>(packet: &Packet<'a>, version: Version, aliased: Option<&str>) -> Frame<'a> {
    let mut frame = Frame {
        protocol: protocol(version).into(),
        frame_type: packet.packet_type().as_str().into(),
        ..Frame::default()
    };
    match packet {
        Packet::Connect(connect) => describe_connect(connect, &mut frame),
        Packet::Connack(connack) => describe_connack(connack, version, &mut frame),
        Packet::Publish(publish) => describe_publish(publish, aliased, &mut frame),
        Packet::Puback(ack) | Packet::Pubrec(ack) => {
            let reason = reason(ack.reason.code(), ack.reason);
            acknowledgement(ack, &reason, version, &mut frame);
        }
        Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
            let reason = reason(ack.reason.code(), ack.reason);
            acknowledgement(ack, &reason, version, &mut frame);
        }
        Packet::Subscribe(subscribe) => describe_subscribe(subscribe, version, &mut frame),
        Packet::Suback(suback) => describe_suback(suback, version, &mut frame),
        Packet::Unsubscribe(unsubscribe) => describe_unsubscribe(unsubscribe, &mut frame),
        Packet::Unsuback(unsuback) => describe_unsuback(unsuback, &mut frame),
        Packet::Pingreq | Packet::Pingresp => {}
        Packet::Disconnect(disconnect) => describe_disconnect(disconnect, version, &mut frame),
        Packet::Auth(auth) => describe_auth(auth, &mut frame),
    }
    frame
}

/// Returns the name of the protocol with its version.
pub const fn protocol(version: Version) -> &'static str {
    match version {
        Version::V3_1 => "MQTT 3.1",
        Version::V3_1_1 => "MQTT 3.1.1",
        Version::V5_0 => "MQTT 5.0",
    }
}

fn describe_connect<'a>(connect: &Connect<'a>, frame: &mut Frame<'a>) {
    let version = connect.version;
    frame.protocol = protocol(version).into();
    frame.field("Protocol Name", version.protocol_name());
    match version.is_5() {
        true => frame.field("Protocol Version", version.protocol_level()),
        false => frame.field("Protocol Level", version.protocol_level()),
    }
    match version.is_5() {
        true => frame.field("Clean Start", connect.clean_start),
        false => frame.field("Clean Session", connect.clean_start),
    }
    frame.field("Keep Alive", connect.keep_alive);
    properties(&connect.properties, frame);
    frame.field("Client Identifier", connect.client_id);
    if let Some(will) = &connect.will {
        describe_will(will, frame);
    }
    if let Some(user_name) = connect.user_name {
        frame.field("User Name", user_name);
    }
    if connect.password.is_some() {
        frame.secret("Password");
    }
}

fn describe_will<'a>(will: &Will<'a>, frame: &mut Frame<'a>) {
    frame.field("Will QoS", will.qos.level());
    frame.field("Will Retain", will.retain);
    frame.field("Will Topic", will.topic.as_str());
    name(will.topic.as_str(), frame);
    properties(&will.properties, frame);
    frame.payload = Some(will.payload);
}

fn describe_connack(connack: &Connack<'_>, version: Version, frame: &mut Frame<'_>) {
    frame.field("Session Present", connack.session_present);
    let code = connack.reason.return_code().filter(|_| !version.is_5());
    match code {
        Some(code) => frame.field("Return Code", reason(code, connack.reason)),
        None => frame.field("Reason Code", reason(connack.reason.code(), connack.reason)),
    }
    properties(&connack.properties, frame);
}

fn describe_publish<'a>(publish: &Publish<'a>, aliased: Option<&str>, frame: &mut Frame<'a>) {
    let topic = publish.topic.map(|topic| topic.as_str());
    match (topic, aliased) {
        (Some(topic), _) => frame.field("Topic Name", topic),
        (None, Some(topic)) => frame.field("Topic Name", format!("{topic} (by its alias)")),
        (None, None) => frame.field("Topic Name", "(unknown: set by its alias before the trace)"),
    }
    if let Some(topic) = topic.or(aliased) {
        name(topic, frame);
    }
    frame.field("QoS", publish.delivery.qos().level());
    if let Some(id) = publish.delivery.packet_id() {
        frame.field("Packet Identifier", id.get());
    }
    if let QosDelivery::AtLeastOnce(_, attempt) | QosDelivery::ExactlyOnce(_, attempt) =
        publish.delivery
        && attempt != Attempt::First
    {
        frame.field("DUP", true);
    }
    if publish.retain {
        frame.field("RETAIN", true);
    }
    properties(&publish.properties, frame);
    frame.payload = Some(publish.payload);
}

fn acknowledgement<R>(
    ack: &Acknowledgement<'_, R>,
    reason: &str,
    version: Version,
    frame: &mut Frame<'_>,
) {
    frame.field("Packet Identifier", ack.packet_id.get());
    if version.is_5() {
        frame.field("Reason Code", reason);
    }
    properties(&ack.properties, frame);
}

fn describe_subscribe(subscribe: &Subscribe<'_>, version: Version, frame: &mut Frame<'_>) {
    frame.field("Packet Identifier", subscribe.packet_id.get());
    properties(&subscribe.properties, frame);
    for subscription in subscribe.subscriptions.iter() {
        let options = subscription.options;
        let mut text = format!(
            "{} QoS {}",
            subscription.filter.as_str(),
            options.maximum_qos.level()
        );
        if version.is_5() {
            if options.no_local {
                text.push_str(", No Local");
            }
            if options.retain_as_published {
                text.push_str(", Retain As Published");
            }
            text.push_str(&format!(
                ", Retain Handling {}",
                options.retain_handling as u8
            ));
        }
        frame.field("Topic Filter", text);
        filter(subscription.filter, frame);
    }
}

fn describe_suback(suback: &Suback<'_>, version: Version, frame: &mut Frame<'_>) {
    frame.field("Packet Identifier", suback.packet_id.get());
    properties(&suback.properties, frame);
    for one in suback.reasons.iter() {
        match version.is_5() {
            true => frame.field("Reason Code", reason(one.code(), one)),
            false if one == SubscribeReason::UnspecifiedError => {
                frame.field("Return Code", "0x80 Failure");
            }
            false => frame.field("Return Code", reason(one.code(), one)),
        }
    }
}

fn describe_unsubscribe(unsubscribe: &Unsubscribe<'_>, frame: &mut Frame<'_>) {
    frame.field("Packet Identifier", unsubscribe.packet_id.get());
    properties(&unsubscribe.properties, frame);
    for one in unsubscribe.filters.iter() {
        frame.field("Topic Filter", one.as_str());
        filter(one, frame);
    }
}

fn describe_unsuback(unsuback: &Unsuback<'_>, frame: &mut Frame<'_>) {
    frame.field("Packet Identifier", unsuback.packet_id.get());
    properties(&unsuback.properties, frame);
    for one in unsuback.reasons.iter() {
        frame.field("Reason Code", reason(one.code(), one));
    }
}

fn describe_disconnect(disconnect: &Disconnect<'_>, version: Version, frame: &mut Frame<'_>) {
    if version.is_5() {
        frame.field(
            "Reason Code",
            reason(disconnect.reason.code(), disconnect.reason),
        );
    }
    properties(&disconnect.properties, frame);
}

fn describe_auth(auth: &Auth<'_>, frame: &mut Frame<'_>) {
    frame.field("Reason Code", reason(auth.reason.code(), auth.reason));
    properties(&auth.properties, frame);
}

/// Adds the properties in the order of the packet. What belongs to the message is content: user properties, Correlation Data,
/// Response Topic and Content Type.
fn properties(properties: &Properties<'_>, frame: &mut Frame<'_>) {
    for property in properties.iter() {
        let name = property.id().as_str();
        match property {
            Property::UserProperty(pair) => frame.header(pair.name, pair.value),
            Property::AuthenticationData(_) => frame.secret(name),
            Property::CorrelationData(data) => frame.content(name, &bytes(data)),
            Property::ResponseTopic(topic) => frame.content(name, topic.as_str()),
            Property::ContentType(text) => frame.content(name, text),
            Property::PayloadFormatIndicator(format) => frame.field(
                name,
                match format {
                    PayloadFormat::Unspecified => "0 Unspecified bytes",
                    PayloadFormat::Utf8 => "1 UTF-8",
                },
            ),
            Property::AssignedClientIdentifier(text)
            | Property::AuthenticationMethod(text)
            | Property::ResponseInformation(text)
            | Property::ServerReference(text) => frame.field(name, text),
            Property::ReasonString(text) => frame.reason(name, text),
            Property::MessageExpiryInterval(seconds)
            | Property::SessionExpiryInterval(seconds)
            | Property::WillDelayInterval(seconds) => frame.field(name, seconds),
            Property::ServerKeepAlive(number) | Property::TopicAliasMaximum(number) => {
                frame.field(name, number);
            }
            Property::SubscriptionIdentifier(id) => frame.field(name, id.get()),
            Property::ReceiveMaximum(number) | Property::TopicAlias(number) => {
                frame.field(name, number);
            }
            Property::MaximumPacketSize(number) => frame.field(name, number),
            Property::MaximumQos(maximum) => frame.field(name, maximum as u8),
            Property::RequestProblemInformation(flag)
            | Property::RequestResponseInformation(flag)
            | Property::RetainAvailable(flag)
            | Property::WildcardSubscriptionAvailable(flag)
            | Property::SubscriptionIdentifierAvailable(flag)
            | Property::SharedSubscriptionAvailable(flag) => frame.field(name, u8::from(flag)),
        }
    }
}

/// Notes that the frame names a topic or queue.
fn name(topic: &str, frame: &mut Frame<'_>) {
    if let Ok((kind, name)) = published_to(topic) {
        frame.names.push(Named::Name(kind, name));
    }
}

/// Notes that the frame names a filter.
fn filter(filter: wire::mqtt::TopicFilter<'_>, frame: &mut Frame<'_>) {
    let filter = filter.shared().map_or(filter, |shared| shared.filter);
    if let Ok((kind, filter)) = subscribed_to(filter.as_str()) {
        frame.names.push(Named::of(kind, filter));
    }
}

/// Returns a code with the name of the reason, as in the specification: `0x87 Not authorized`.
fn reason(code: u8, reason: impl fmt::Debug) -> String {
    let name = format!("{reason:?}");
    let mut text = format!("{code:#04x} ");
    for (index, letter) in name.char_indices() {
        let starts_word = index > 0 && (letter.is_ascii_uppercase() || letter.is_ascii_digit());
        match starts_word {
            true => {
                text.push(' ');
                text.push(letter.to_ascii_lowercase());
            }
            false => text.push(letter),
        }
    }
    // The only name that the specification writes with capital letters inside.
    text.replace("qos", "QoS").replace("Qos", "QoS")
}

/// Returns bytes as text if they are UTF-8, otherwise as hexadecimal digits.
fn bytes(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) if secrets::has_token(data) => secrets::LEFT_OUT.to_owned(),
        Err(_) => hex(data),
    }
}

#[cfg(test)]
mod tests;

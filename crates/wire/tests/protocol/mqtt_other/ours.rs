//! The content of this codec's packets.

use wire::mqtt::{
    Acknowledgement, Attempt, Connack, Connect, MaximumQos, Packet, PayloadFormat, Properties,
    Property, Publish, QosDelivery, Suback, Subscribe, Unsuback, Unsubscribe,
};

use super::content::{Content, Section};

pub fn content(packet: &Packet<'_>) -> Content {
    let content = Content::new(packet.packet_type().as_str());
    match packet {
        Packet::Connect(connect) => self::connect(connect, content),
        Packet::Connack(connack) => self::connack(connack, content),
        Packet::Publish(publish) => self::publish(publish, content),
        Packet::Puback(ack) | Packet::Pubrec(ack) => {
            acknowledgement(ack, ack.reason.code(), content)
        }
        Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
            acknowledgement(ack, ack.reason.code(), content)
        }
        Packet::Subscribe(subscribe) => self::subscribe(subscribe, content),
        Packet::Suback(suback) => self::suback(suback, content),
        Packet::Unsubscribe(unsubscribe) => self::unsubscribe(unsubscribe, content),
        Packet::Unsuback(unsuback) => self::unsuback(unsuback, content),
        Packet::Pingreq | Packet::Pingresp => content,
        Packet::Disconnect(disconnect) => content
            .with("reason", disconnect.reason.code())
            .section(section(&disconnect.properties)),
        Packet::Auth(auth) => content
            .with("reason", auth.reason.code())
            .section(section(&auth.properties)),
    }
}

fn connect(connect: &Connect<'_>, content: Content) -> Content {
    let content = content
        .with("level", connect.version.protocol_level())
        .with("clean", connect.clean_start)
        .with("keep alive", connect.keep_alive)
        .with("client", connect.client_id)
        .with("user", connect.user_name)
        .with("password", connect.password)
        .section(section(&connect.properties));
    let Some(will) = &connect.will else {
        return content;
    };
    content
        .with("will QoS", will.qos.level())
        .with("will retain", will.retain)
        .with("will topic", will.topic.as_str())
        .with("will payload", will.payload)
        .section(section(&will.properties))
}

fn connack(connack: &Connack<'_>, content: Content) -> Content {
    content
        .with("present", connack.session_present)
        .with("reason", connack.reason.code())
        .section(section(&connack.properties))
}

fn publish(publish: &Publish<'_>, content: Content) -> Content {
    let is_again = match publish.delivery {
        QosDelivery::AtMostOnce => false,
        QosDelivery::AtLeastOnce(_, attempt) | QosDelivery::ExactlyOnce(_, attempt) => {
            attempt == Attempt::Again
        }
    };
    content
        .with("dup", is_again)
        .with("QoS", publish.delivery.qos().level())
        .with("id", publish.delivery.packet_id().map(|id| id.get()))
        .with("retain", publish.retain)
        .with("topic", publish.topic.map_or("", |topic| topic.as_str()))
        .with("payload", publish.payload)
        .section(section(&publish.properties))
}

fn acknowledgement<R>(ack: &Acknowledgement<'_, R>, reason: u8, content: Content) -> Content {
    content
        .with("id", ack.packet_id.get())
        .with("reason", reason)
        .section(section(&ack.properties))
}

fn subscribe(subscribe: &Subscribe<'_>, content: Content) -> Content {
    let content = content
        .with("id", subscribe.packet_id.get())
        .section(section(&subscribe.properties));
    subscribe
        .subscriptions
        .iter()
        .fold(content, |content, one| {
            let options = one.options;
            content
                .with("filter", one.filter.as_str())
                .with("QoS", options.maximum_qos.level())
                .with("no local", options.no_local)
                .with("as published", options.retain_as_published)
                .with("handling", options.retain_handling as u8)
        })
}

fn suback(suback: &Suback<'_>, content: Content) -> Content {
    let reasons: Vec<_> = suback.reasons.iter().map(|reason| reason.code()).collect();
    content
        .with("id", suback.packet_id.get())
        .with("reasons", reasons)
        .section(section(&suback.properties))
}

fn unsubscribe(unsubscribe: &Unsubscribe<'_>, content: Content) -> Content {
    let filters = unsubscribe.filters.iter();
    let filters: Vec<_> = filters.map(|filter| filter.as_str()).collect();
    content
        .with("id", unsubscribe.packet_id.get())
        .with("filters", filters)
        .section(section(&unsubscribe.properties))
}

fn unsuback(unsuback: &Unsuback<'_>, content: Content) -> Content {
    let reasons = unsuback.reasons.iter();
    let reasons: Vec<_> = reasons.map(|reason| reason.code()).collect();
    content
        .with("id", unsuback.packet_id.get())
        .with("reasons", reasons)
        .section(section(&unsuback.properties))
}

fn section(properties: &Properties<'_>) -> Section {
    let mut section = Section::default();
    for property in properties.iter() {
        add(property, &mut section);
    }
    section
}

fn add(property: Property<'_>, section: &mut Section) {
    let id = property.id();
    match property {
        Property::UserProperty(pair) => section.add_user_property(pair.name, pair.value),
        Property::PayloadFormatIndicator(format) => {
            section.add(id, format == PayloadFormat::Utf8);
        }
        Property::MaximumQos(qos) => section.add(id, u8::from(qos == MaximumQos::AtLeastOnce)),
        Property::RequestProblemInformation(flag)
        | Property::RequestResponseInformation(flag)
        | Property::RetainAvailable(flag)
        | Property::WildcardSubscriptionAvailable(flag)
        | Property::SubscriptionIdentifierAvailable(flag)
        | Property::SharedSubscriptionAvailable(flag) => section.add(id, flag),
        Property::ServerKeepAlive(number) | Property::TopicAliasMaximum(number) => {
            section.add(id, number);
        }
        Property::ReceiveMaximum(number) | Property::TopicAlias(number) => section.add(id, number),
        Property::MessageExpiryInterval(number)
        | Property::SessionExpiryInterval(number)
        | Property::WillDelayInterval(number) => section.add(id, number),
        Property::MaximumPacketSize(number) => section.add(id, number),
        Property::SubscriptionIdentifier(number) => section.add(id, number.get()),
        Property::ContentType(text)
        | Property::AssignedClientIdentifier(text)
        | Property::AuthenticationMethod(text)
        | Property::ResponseInformation(text)
        | Property::ServerReference(text)
        | Property::ReasonString(text) => section.add(id, text),
        Property::ResponseTopic(topic) => section.add(id, topic.as_str()),
        Property::CorrelationData(data) | Property::AuthenticationData(data) => {
            section.add(id, data);
        }
    }
}

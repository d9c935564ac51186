//! The content of this codec's packets.

use wire::mqtt::{
    Acknowledgement, Attempt, Connack, Connect, Delivery, MaximumQos, Packet, PayloadFormat,
    Properties, Property, Publish, Suback, Subscribe, Unsuback, Unsubscribe,
};

use super::told::{Section, Told};

pub fn told(packet: &Packet<'_>) -> Told {
    let told = Told::new(packet.packet_type().as_str());
    match packet {
        Packet::Connect(connect) => self::connect(connect, told),
        Packet::Connack(connack) => self::connack(connack, told),
        Packet::Publish(publish) => self::publish(publish, told),
        Packet::Puback(ack) | Packet::Pubrec(ack) => acknowledgement(ack, ack.reason.code(), told),
        Packet::Pubrel(ack) | Packet::Pubcomp(ack) => acknowledgement(ack, ack.reason.code(), told),
        Packet::Subscribe(subscribe) => self::subscribe(subscribe, told),
        Packet::Suback(suback) => self::suback(suback, told),
        Packet::Unsubscribe(unsubscribe) => self::unsubscribe(unsubscribe, told),
        Packet::Unsuback(unsuback) => self::unsuback(unsuback, told),
        Packet::Pingreq | Packet::Pingresp => told,
        Packet::Disconnect(disconnect) => told
            .with("reason", disconnect.reason.code())
            .section(section(&disconnect.properties)),
        Packet::Auth(auth) => told
            .with("reason", auth.reason.code())
            .section(section(&auth.properties)),
    }
}

fn connect(connect: &Connect<'_>, told: Told) -> Told {
    let told = told
        .with("level", connect.version.protocol_level())
        .with("clean", connect.clean_start)
        .with("keep alive", connect.keep_alive)
        .with("client", connect.client_id)
        .with("user", connect.user_name)
        .with("password", connect.password)
        .section(section(&connect.properties));
    let Some(will) = &connect.will else {
        return told;
    };
    told.with("will QoS", will.qos.level())
        .with("will retain", will.retain)
        .with("will topic", will.topic.as_str())
        .with("will payload", will.payload)
        .section(section(&will.properties))
}

fn connack(connack: &Connack<'_>, told: Told) -> Told {
    told.with("present", connack.session_present)
        .with("reason", connack.reason.code())
        .section(section(&connack.properties))
}

fn publish(publish: &Publish<'_>, told: Told) -> Told {
    let is_again = match publish.delivery {
        Delivery::AtMostOnce => false,
        Delivery::AtLeastOnce(_, attempt) | Delivery::ExactlyOnce(_, attempt) => {
            attempt == Attempt::Again
        }
    };
    told.with("dup", is_again)
        .with("QoS", publish.delivery.qos().level())
        .with("id", publish.delivery.packet_id().map(|id| id.get()))
        .with("retain", publish.retain)
        .with("topic", publish.topic.map_or("", |topic| topic.as_str()))
        .with("payload", publish.payload)
        .section(section(&publish.properties))
}

fn acknowledgement<R>(ack: &Acknowledgement<'_, R>, reason: u8, told: Told) -> Told {
    told.with("id", ack.packet_id.get())
        .with("reason", reason)
        .section(section(&ack.properties))
}

fn subscribe(subscribe: &Subscribe<'_>, told: Told) -> Told {
    let told = told
        .with("id", subscribe.packet_id.get())
        .section(section(&subscribe.properties));
    subscribe.subscriptions.iter().fold(told, |told, one| {
        let options = one.options;
        told.with("filter", one.filter.as_str())
            .with("QoS", options.maximum_qos.level())
            .with("no local", options.no_local)
            .with("as published", options.retain_as_published)
            .with("handling", options.retain_handling as u8)
    })
}

fn suback(suback: &Suback<'_>, told: Told) -> Told {
    let reasons: Vec<_> = suback.reasons.iter().map(|reason| reason.code()).collect();
    told.with("id", suback.packet_id.get())
        .with("reasons", reasons)
        .section(section(&suback.properties))
}

fn unsubscribe(unsubscribe: &Unsubscribe<'_>, told: Told) -> Told {
    let filters = unsubscribe.filters.iter();
    let filters: Vec<_> = filters.map(|filter| filter.as_str()).collect();
    told.with("id", unsubscribe.packet_id.get())
        .with("filters", filters)
        .section(section(&unsubscribe.properties))
}

fn unsuback(unsuback: &Unsuback<'_>, told: Told) -> Told {
    let reasons = unsuback.reasons.iter();
    let reasons: Vec<_> = reasons.map(|reason| reason.code()).collect();
    told.with("id", unsuback.packet_id.get())
        .with("reasons", reasons)
        .section(section(&unsuback.properties))
}

fn section(properties: &Properties<'_>) -> Section {
    let mut section = Section::default();
    for property in properties.iter() {
        say(property, &mut section);
    }
    section
}

fn say(property: Property<'_>, section: &mut Section) {
    let id = property.id();
    match property {
        Property::UserProperty(pair) => section.say_of_user(pair.name, pair.value),
        Property::PayloadFormatIndicator(format) => {
            section.say(id, format == PayloadFormat::Utf8);
        }
        Property::MaximumQos(qos) => section.say(id, u8::from(qos == MaximumQos::AtLeastOnce)),
        Property::RequestProblemInformation(flag)
        | Property::RequestResponseInformation(flag)
        | Property::RetainAvailable(flag)
        | Property::WildcardSubscriptionAvailable(flag)
        | Property::SubscriptionIdentifierAvailable(flag)
        | Property::SharedSubscriptionAvailable(flag) => section.say(id, flag),
        Property::ServerKeepAlive(number) | Property::TopicAliasMaximum(number) => {
            section.say(id, number);
        }
        Property::ReceiveMaximum(number) | Property::TopicAlias(number) => section.say(id, number),
        Property::MessageExpiryInterval(number)
        | Property::SessionExpiryInterval(number)
        | Property::WillDelayInterval(number) => section.say(id, number),
        Property::MaximumPacketSize(number) => section.say(id, number),
        Property::SubscriptionIdentifier(number) => section.say(id, number.get()),
        Property::ContentType(text)
        | Property::AssignedClientIdentifier(text)
        | Property::AuthenticationMethod(text)
        | Property::ResponseInformation(text)
        | Property::ServerReference(text)
        | Property::ReasonString(text) => section.say(id, text),
        Property::ResponseTopic(topic) => section.say(id, topic.as_str()),
        Property::CorrelationData(data) | Property::AuthenticationData(data) => {
            section.say(id, data);
        }
    }
}

//! Maps a fault to the statement of the specification that it breaks, in 3.1.1 and in 5.0.

use wire::mqtt::PacketType::{self, *};
use wire::mqtt::{DecodeError, Fault, PropertyId, Role, TopicError};

/// Returns `MQTT-x.y.z-n` from the specification of the error's version, or the number of the
/// section if none of its numbered statements applies. Faults of 3.1 get the numbers of 3.1.1.
pub fn clause(error: &DecodeError) -> &'static str {
    match error.version.is_5() {
        true => of_5(error),
        false => of_3(error),
    }
}

fn of_5(error: &DecodeError) -> &'static str {
    match error.fault {
        Fault::ReservedType(_) | Fault::WrongDirection(..) => "2.1.2",
        Fault::NotConnect => "MQTT-3.1.0-1",
        Fault::SecondConnect => "MQTT-3.1.0-2",
        Fault::Flags(_) => flags(error.packet, "MQTT-2.1.3-1"),
        Fault::ReservedQos => "MQTT-3.3.1-4",
        Fault::DupWithoutQos => "MQTT-3.3.1-2",
        Fault::LengthTooLong => "1.5.5",
        Fault::LengthNotMinimal => "MQTT-1.5.5-1",
        Fault::Truncated | Fault::TrailingBytes => "2.1.4",
        Fault::NotUtf8 => "MQTT-1.5.4-1",
        Fault::Nul => "MQTT-1.5.4-2",
        Fault::PacketIdZero => packet_id(error.packet, error.role),
        Fault::ReasonCode(_) => reason_code(error.packet),
        Fault::ProtocolName => "MQTT-3.1.2-1",
        Fault::ProtocolLevel(_) => "MQTT-3.1.2-2",
        Fault::ConnectFlag => "MQTT-3.1.2-3",
        Fault::WillQosWithoutWill => "MQTT-3.1.2-11",
        Fault::WillRetainWithoutWill => "MQTT-3.1.2-13",
        Fault::WillQos => "MQTT-3.1.2-12",
        Fault::PasswordWithoutUserName => "3.1.2.9",
        Fault::ConnackFlags(_) => "MQTT-3.2.2-1",
        Fault::SessionPresent => "MQTT-3.2.2-6",
        Fault::Topic(error_of) => topic_of_5(error_of, error.packet),
        Fault::ResponseTopic(TopicError::Empty) => "MQTT-4.7.3-1",
        Fault::ResponseTopic(_) => "MQTT-3.3.2-14",
        Fault::NoTopic => "3.3.2.1",
        Fault::NoFilters if error.packet == Some(Unsubscribe) => "MQTT-3.10.3-2",
        Fault::NoFilters => "MQTT-3.8.3-2",
        Fault::NoReasons if error.packet == Some(Unsuback) => "MQTT-3.11.3-2",
        Fault::NoReasons => "MQTT-3.9.3-2",
        Fault::ReservedOptions(_) => "MQTT-3.8.3-5",
        Fault::SubscriptionQos | Fault::RetainHandling => "3.8.3.1",
        Fault::NoLocalShared => "MQTT-3.8.3-4",
        Fault::UnknownProperty(_) | Fault::MisplacedProperty(_) => "2.2.2.2",
        Fault::PropertyValue(PropertyId::TopicAlias) => "MQTT-3.3.2-8",
        Fault::DuplicateProperty(id) | Fault::PropertyValue(id) => section(id),
        Fault::SubscriptionIdOfClient => "MQTT-3.3.4-6",
        Fault::SessionExpiryOfServer => "MQTT-3.14.2-2",
        Fault::NoAuthenticationMethod if error.packet == Some(Auth) => "3.15.2.2.2",
        Fault::NoAuthenticationMethod => "3.1.2.11.10",
        Fault::PacketTooLarge { .. } => match error.role {
            Role::Server => "MQTT-3.2.2-15",
            Role::Client => "MQTT-3.1.2-24",
        },
        Fault::TooManyProperties { .. }
        | Fault::TopicTooLong { .. }
        | Fault::TooManyFilters { .. } => "4.13.2",
    }
}

fn of_3(error: &DecodeError) -> &'static str {
    match error.fault {
        Fault::ReservedType(_) | Fault::WrongDirection(..) => "2.2.1",
        Fault::Flags(_) => flags(error.packet, "MQTT-2.2.2-2"),
        Fault::LengthTooLong
        | Fault::LengthNotMinimal
        | Fault::Truncated
        | Fault::TrailingBytes
        | Fault::PacketTooLarge { .. } => "2.2.3",
        Fault::NotUtf8 => "MQTT-1.5.3-1",
        Fault::Nul => "MQTT-1.5.3-2",
        Fault::PacketIdZero => match error.packet {
            Some(Puback | Pubrec | Pubrel | Pubcomp) => "MQTT-2.3.1-6",
            Some(Suback | Unsuback) => "MQTT-2.3.1-7",
            _ => "MQTT-2.3.1-1",
        },
        Fault::ReasonCode(_) if error.packet == Some(Suback) => "MQTT-3.9.3-2",
        Fault::ReasonCode(_) => "3.2.2.3",
        Fault::WillQosWithoutWill => "MQTT-3.1.2-13",
        Fault::WillRetainWithoutWill => "MQTT-3.1.2-15",
        Fault::WillQos => "MQTT-3.1.2-14",
        Fault::PasswordWithoutUserName => "MQTT-3.1.2-22",
        Fault::ConnackFlags(_) => "3.2.2.1",
        Fault::SessionPresent => "MQTT-3.2.2-4",
        Fault::Topic(topic) => match topic {
            TopicError::Wildcard if error.packet == Some(Publish) => "MQTT-3.3.2-2",
            TopicError::Wildcard => "MQTT-4.7.1-1",
            TopicError::MultiLevelWildcard => "MQTT-4.7.1-2",
            TopicError::SingleLevelWildcard => "MQTT-4.7.1-3",
            other => topic_of_5(other, error.packet),
        },
        Fault::NoFilters if error.packet == Some(Subscribe) => "MQTT-3.8.3-3",
        Fault::NoReasons => "3.9.3",
        // Spelled with the dash, as in the specification.
        Fault::ReservedOptions(_) | Fault::SubscriptionQos | Fault::RetainHandling => {
            "MQTT-3-8.3-4"
        }
        Fault::TooManyProperties { .. }
        | Fault::TopicTooLong { .. }
        | Fault::TooManyFilters { .. } => "4.8",
        // The same number in both versions, or a fault that cannot occur in 3.1.1.
        _ => of_5(error),
    }
}

const fn flags(packet: Option<PacketType>, others: &'static str) -> &'static str {
    match packet {
        Some(Pubrel) => "MQTT-3.6.1-1",
        Some(Subscribe) => "MQTT-3.8.1-1",
        Some(Unsubscribe) => "MQTT-3.10.1-1",
        Some(Disconnect) => "MQTT-3.14.1-1",
        Some(Auth) => "MQTT-3.15.1-1",
        _ => others,
    }
}

const fn packet_id(packet: Option<PacketType>, role: Role) -> &'static str {
    match (packet, role) {
        (Some(Puback | Pubrec | Pubrel | Pubcomp), _) => "MQTT-2.2.1-5",
        (Some(Suback | Unsuback), _) => "MQTT-2.2.1-6",
        (_, Role::Server) => "MQTT-2.2.1-3",
        (_, Role::Client) => "MQTT-2.2.1-4",
    }
}

const fn reason_code(packet: Option<PacketType>) -> &'static str {
    match packet {
        Some(Connack) => "MQTT-3.2.2-8",
        Some(Puback) => "MQTT-3.4.2-1",
        Some(Pubrec) => "MQTT-3.5.2-1",
        Some(Pubrel) => "MQTT-3.6.2-1",
        Some(Pubcomp) => "MQTT-3.7.2-1",
        Some(Suback) => "MQTT-3.9.3-2",
        Some(Unsuback) => "MQTT-3.11.3-2",
        Some(Disconnect) => "MQTT-3.14.2-1",
        Some(Auth) => "MQTT-3.15.2-1",
        _ => "2.4",
    }
}

fn topic_of_5(error: TopicError, packet: Option<PacketType>) -> &'static str {
    match error {
        TopicError::Empty => "MQTT-4.7.3-1",
        TopicError::Nul => "MQTT-4.7.3-2",
        TopicError::TooLong => "MQTT-4.7.3-3",
        TopicError::Wildcard if packet == Some(Publish) => "MQTT-3.3.2-2",
        TopicError::Wildcard => "MQTT-4.7.0-1",
        TopicError::MultiLevelWildcard => "MQTT-4.7.1-1",
        TopicError::SingleLevelWildcard => "MQTT-4.7.1-2",
        TopicError::ShareName => "MQTT-4.8.2-1",
        TopicError::ShareFilter => "MQTT-4.8.2-2",
    }
}

/// Returns the section of 5.0 that defines the allowed values of a property, and that a duplicate is
/// a Protocol Error.
const fn section(id: PropertyId) -> &'static str {
    match id {
        PropertyId::PayloadFormatIndicator => "3.3.2.3.2",
        PropertyId::MessageExpiryInterval => "3.3.2.3.3",
        PropertyId::ContentType => "3.3.2.3.9",
        PropertyId::ResponseTopic => "3.3.2.3.5",
        PropertyId::CorrelationData => "3.3.2.3.6",
        PropertyId::SubscriptionIdentifier => "3.8.2.1.2",
        PropertyId::SessionExpiryInterval => "3.1.2.11.2",
        PropertyId::AssignedClientIdentifier => "3.2.2.3.7",
        PropertyId::ServerKeepAlive => "3.2.2.3.14",
        PropertyId::AuthenticationMethod => "3.1.2.11.9",
        PropertyId::AuthenticationData => "3.1.2.11.10",
        PropertyId::RequestProblemInformation => "3.1.2.11.7",
        PropertyId::WillDelayInterval => "3.1.3.2.2",
        PropertyId::RequestResponseInformation => "3.1.2.11.6",
        PropertyId::ResponseInformation => "3.2.2.3.15",
        PropertyId::ServerReference => "3.2.2.3.16",
        PropertyId::ReasonString => "3.2.2.3.9",
        PropertyId::ReceiveMaximum => "3.1.2.11.3",
        PropertyId::TopicAliasMaximum => "3.1.2.11.5",
        PropertyId::TopicAlias => "3.3.2.3.4",
        PropertyId::MaximumQos => "3.2.2.3.4",
        PropertyId::RetainAvailable => "3.2.2.3.5",
        PropertyId::UserProperty => "3.1.2.11.8",
        PropertyId::MaximumPacketSize => "3.1.2.11.4",
        PropertyId::WildcardSubscriptionAvailable => "3.2.2.3.11",
        PropertyId::SubscriptionIdentifierAvailable => "3.2.2.3.12",
        PropertyId::SharedSubscriptionAvailable => "3.2.2.3.13",
    }
}

//! Properties: 5.0, 2.2.2 and table 2-4. `section.rs` defines the packets that each is allowed in.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use super::list::{Element, List};
use super::reader::{Read, Reader, fault};
use super::value::Value;
use super::writer::{self, Written};
use super::{Fault, MaximumQos, PayloadFormat, SubscriptionId, TopicName, UserProperty};

/// The properties of a packet or a will, in the order of the packet. Empty before 5.0.
pub type Properties<'a> = List<'a, Property<'a>>;

macro_rules! properties {
    ($life:lifetime; $($(#[$doc:meta])* $property:ident $accessor:ident: $value:ty = $id:literal, $name:literal;)+) => {
        /// "The Identifier [...] defines its usage and data type" (2.2.2.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum PropertyId {
            $($(#[$doc])* $property = $id,)+
        }

        /// A property with its value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Property<$life> {
            $($(#[$doc])* $property($value),)+
        }

        impl PropertyId {
            /// All identifiers in ascending order.
            pub const ALL: &[Self] = &[$(Self::$property),+];

            #[inline]
            pub(super) const fn of(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$property),)+
                    _ => None,
                }
            }

            /// Returns the name as in the specification.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$property => $name,)+
                }
            }
        }

        impl<$life> Property<$life> {
            /// Returns the identifier of the property.
            #[inline]
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$property(_) => PropertyId::$property,)+
                }
            }

            /// Decodes the value of a property whose identifier has been decoded.
            #[inline]
            pub(super) fn value(id: PropertyId, reader: &mut Reader<$life>) -> Read<Self> {
                Ok(match id {
                    $(PropertyId::$property => Self::$property(Value::read(id, reader)?),)+
                })
            }
        }

        impl<$life> Element<$life> for Property<$life> {
            #[inline]
            fn read(reader: &mut Reader<$life>) -> Read<Self> {
                let id = PropertyId::read(reader)?;
                Self::value(id, reader)
            }

            #[inline]
            fn write(&self, out: &mut Vec<u8>) -> Written {
                writer::variable(self.id() as u32, out);
                match self {
                    $(Self::$property(value) => value.write(out),)+
                }
            }
        }

        impl<$life> Properties<$life> {
            $($(#[$doc])*
            /// If the property is repeated, the first one is returned.
            pub fn $accessor(&self) -> Option<$value> {
                self.iter().find_map(|property| match property {
                    Property::$property(value) => Some(value),
                    _ => None,
                })
            })+
        }
    };
}

properties! { 'a;
    /// The declared format of the payload: UTF-8 or unspecified.
    PayloadFormatIndicator payload_format: PayloadFormat = 1, "Payload Format Indicator";
    /// Lifetime of a message in seconds.
    MessageExpiryInterval message_expiry_interval: u32 = 2, "Message Expiry Interval";
    /// The media type of the payload.
    ContentType content_type: &'a str = 3, "Content Type";
    /// The topic for responses ([MQTT-3.3.2-13], [MQTT-3.3.2-14]).
    ResponseTopic response_topic: TopicName<'a> = 8, "Response Topic";
    /// Data that relates a response to its request.
    CorrelationData correlation_data: &'a [u8] = 9, "Correlation Data";
    /// In a PUBLISH of a server, one for each matching subscription that has an identifier.
    SubscriptionIdentifier subscription_identifier: SubscriptionId = 11, "Subscription Identifier";
    /// Lifetime of the session after the connection in seconds; `u32::MAX` is unlimited.
    SessionExpiryInterval session_expiry_interval: u32 = 17, "Session Expiry Interval";
    /// The client identifier that the server assigned.
    AssignedClientIdentifier assigned_client_identifier: &'a str = 18, "Assigned Client Identifier";
    /// Keep alive in seconds, which replaces the one in CONNECT.
    ServerKeepAlive server_keep_alive: u16 = 19, "Server Keep Alive";
    /// The name of the authentication method.
    AuthenticationMethod authentication_method: &'a str = 21, "Authentication Method";
    /// Data of the authentication method.
    AuthenticationData authentication_data: &'a [u8] = 22, "Authentication Data";
    /// True if reason strings and user properties are requested; absent means true.
    RequestProblemInformation request_problem_information: bool = 23, "Request Problem Information";
    /// Delay of the will message in seconds.
    WillDelayInterval will_delay_interval: u32 = 24, "Will Delay Interval";
    /// True if response information is requested; absent means false.
    RequestResponseInformation request_response_information: bool = 25, "Request Response Information";
    /// A basis for creating response topics.
    ResponseInformation response_information: &'a str = 26, "Response Information";
    /// Another server that the client can use.
    ServerReference server_reference: &'a str = 28, "Server Reference";
    /// A text that describes the reason, for diagnostics.
    ReasonString reason_string: &'a str = 31, "Reason String";
    /// Maximum number of unacknowledged publications of QoS 1 and 2; absent means 65,535.
    ReceiveMaximum receive_maximum: NonZeroU16 = 33, "Receive Maximum";
    /// The highest topic alias that is accepted; absent means 0, no aliases.
    TopicAliasMaximum topic_alias_maximum: u16 = 34, "Topic Alias Maximum";
    /// "A Topic Alias of 0 is not permitted" ([MQTT-3.3.2-8]).
    TopicAlias topic_alias: NonZeroU16 = 35, "Topic Alias";
    /// The maximum QoS that the server supports; absent means 2.
    MaximumQos maximum_qos: MaximumQos = 36, "Maximum QoS";
    /// True if the server supports retained messages; absent means true.
    RetainAvailable retain_available: bool = 37, "Retain Available";
    /// A name and a value. May be repeated in every packet; the order is kept ([MQTT-3.3.2-18],
    /// [MQTT-3.1.3-10]).
    UserProperty user_property: UserProperty<'a> = 38, "User Property";
    /// Maximum bytes of a whole packet.
    MaximumPacketSize maximum_packet_size: NonZeroU32 = 39, "Maximum Packet Size";
    /// True if the server supports wildcard subscriptions; absent means true.
    WildcardSubscriptionAvailable wildcard_subscription_available: bool = 40, "Wildcard Subscription Available";
    /// True if the server supports subscription identifiers; absent means true.
    SubscriptionIdentifierAvailable subscription_identifier_available: bool = 41, "Subscription Identifier Available";
    /// True if the server supports shared subscriptions; absent means true.
    SharedSubscriptionAvailable shared_subscription_available: bool = 42, "Shared Subscription Available";
}

impl<'a> Properties<'a> {
    /// Iterates over all user properties in order.
    pub fn user_properties(&self) -> impl Iterator<Item = UserProperty<'a>> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(pair) => Some(pair),
            _ => None,
        })
    }
}

impl PropertyId {
    /// "The Identifier is encoded as a Variable Byte Integer"; all identifiers have one byte.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        let id = reader.variable()?;
        match Self::of(id) {
            Some(id) => Ok(id),
            None => fault(Fault::UnknownProperty(id), offset),
        }
    }
}

impl fmt::Display for PropertyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Properties: 5.0, 2.2.2 and table 2-4. Where each may appear is in `section.rs`.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use super::list::{Element, List};
use super::reader::{Read, Reader, fault};
use super::value::Value;
use super::writer::{self, Written};
use super::{Fault, MaximumQos, PayloadFormat, SubscriptionId, TopicName, UserProperty};

/// The properties of a packet or a will, in the order of the wire. Empty before 5.0.
pub type Properties<'a> = List<'a, Property<'a>>;

macro_rules! properties {
    ($life:lifetime; $($(#[$doc:meta])* $property:ident $accessor:ident: $value:ty = $id:literal, $name:literal, $section:literal;)+) => {
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
            pub const ALL: &[Self] = &[$(Self::$property),+];

            #[inline]
            pub(super) const fn of(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$property),)+
                    _ => None,
                }
            }

            /// As the specification writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$property => $name,)+
                }
            }

            /// Where the specification says what values it may have, and that it is a Protocol Error
            /// to include it more than once.
            pub(super) const fn section(self) -> &'static str {
                match self {
                    $(Self::$property => $section,)+
                }
            }
        }

        impl<$life> Property<$life> {
            #[inline]
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$property(_) => PropertyId::$property,)+
                }
            }

            /// The value of a property whose identifier was read.
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
            /// The first of it, where it may be repeated.
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
    /// Whether the payload is said to be UTF-8.
    PayloadFormatIndicator payload_format: PayloadFormat = 1, "Payload Format Indicator", "3.3.2.3.2";
    /// Seconds that a message lives.
    MessageExpiryInterval message_expiry_interval: u32 = 2, "Message Expiry Interval", "3.3.2.3.3";
    ContentType content_type: &'a str = 3, "Content Type", "3.3.2.3.9";
    /// Where a response is to be published ([MQTT-3.3.2-13], [MQTT-3.3.2-14]).
    ResponseTopic response_topic: TopicName<'a> = 8, "Response Topic", "3.3.2.3.5";
    CorrelationData correlation_data: &'a [u8] = 9, "Correlation Data", "3.3.2.3.6";
    /// A PUBLISH of a server has one for each matching subscription that has one.
    SubscriptionIdentifier subscription_identifier: SubscriptionId = 11, "Subscription Identifier", "3.8.2.1.2";
    /// Seconds; `u32::MAX` is for ever.
    SessionExpiryInterval session_expiry_interval: u32 = 17, "Session Expiry Interval", "3.1.2.11.2";
    AssignedClientIdentifier assigned_client_identifier: &'a str = 18, "Assigned Client Identifier", "3.2.2.3.7";
    /// Seconds, instead of those of CONNECT.
    ServerKeepAlive server_keep_alive: u16 = 19, "Server Keep Alive", "3.2.2.3.14";
    AuthenticationMethod authentication_method: &'a str = 21, "Authentication Method", "3.1.2.11.9";
    AuthenticationData authentication_data: &'a [u8] = 22, "Authentication Data", "3.1.2.11.10";
    /// Whether reason strings and user properties are wanted; absent means yes.
    RequestProblemInformation request_problem_information: bool = 23, "Request Problem Information", "3.1.2.11.7";
    /// Seconds.
    WillDelayInterval will_delay_interval: u32 = 24, "Will Delay Interval", "3.1.3.2.2";
    /// Whether response information is wanted; absent means no.
    RequestResponseInformation request_response_information: bool = 25, "Request Response Information", "3.1.2.11.6";
    ResponseInformation response_information: &'a str = 26, "Response Information", "3.2.2.3.15";
    ServerReference server_reference: &'a str = 28, "Server Reference", "3.2.2.3.16";
    ReasonString reason_string: &'a str = 31, "Reason String", "3.2.2.3.9";
    /// Publications of QoS 1 and 2 at once; absent means 65,535.
    ReceiveMaximum receive_maximum: NonZeroU16 = 33, "Receive Maximum", "3.1.2.11.3";
    /// The highest alias that is taken; absent means none.
    TopicAliasMaximum topic_alias_maximum: u16 = 34, "Topic Alias Maximum", "3.1.2.11.5";
    /// "A Topic Alias of 0 is not permitted" ([MQTT-3.3.2-8]).
    TopicAlias topic_alias: NonZeroU16 = 35, "Topic Alias", "3.3.2.3.4";
    /// Absent means 2.
    MaximumQos maximum_qos: MaximumQos = 36, "Maximum QoS", "3.2.2.3.4";
    /// Absent means yes.
    RetainAvailable retain_available: bool = 37, "Retain Available", "3.2.2.3.5";
    /// May be repeated everywhere, in an order that is kept ([MQTT-3.3.2-18], [MQTT-3.1.3-10]).
    UserProperty user_property: UserProperty<'a> = 38, "User Property", "3.1.2.11.8";
    /// Bytes of a whole packet.
    MaximumPacketSize maximum_packet_size: NonZeroU32 = 39, "Maximum Packet Size", "3.1.2.11.4";
    /// Absent means yes.
    WildcardSubscriptionAvailable wildcard_subscription_available: bool = 40, "Wildcard Subscription Available", "3.2.2.3.11";
    /// Absent means yes.
    SubscriptionIdentifierAvailable subscription_identifier_available: bool = 41, "Subscription Identifier Available", "3.2.2.3.12";
    /// Absent means yes.
    SharedSubscriptionAvailable shared_subscription_available: bool = 42, "Shared Subscription Available", "3.2.2.3.13";
}

impl<'a> Properties<'a> {
    /// All of the user's, in their order.
    pub fn user_properties(&self) -> impl Iterator<Item = UserProperty<'a>> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(pair) => Some(pair),
            _ => None,
        })
    }

    /// All identifiers of a PUBLISH.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = SubscriptionId> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }
}

impl PropertyId {
    /// "The Identifier is encoded as a Variable Byte Integer", of which all have one byte.
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

//! The packets that each property is allowed in, and how often: the last column of table 2-4 of
//! 5.0.

use super::PropertyId::{self, *};
use super::{EncodeError, PacketType, Properties};

/// A part of a packet that has its own set of allowed properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Packet(PacketType),
    /// The will properties in CONNECT.
    Will,
}

/// A set of property identifiers, as bits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PropertySet(u64);

impl PropertySet {
    const fn of(ids: &[PropertyId]) -> Self {
        let mut set = 0;
        let mut index = 0;
        while index < ids.len() {
            set |= 1 << ids[index] as u8;
            index += 1;
        }
        Self(set)
    }

    #[inline]
    pub(super) const fn contains(self, id: PropertyId) -> bool {
        self.0 & (1 << id as u8) != 0
    }

    #[inline]
    pub(super) const fn insert(&mut self, id: PropertyId) {
        self.0 |= 1 << id as u8;
    }
}

impl Section {
    #[inline]
    pub(super) const fn allowed(self) -> PropertySet {
        match self {
            Self::Will => WILL,
            Self::Packet(PacketType::Connect) => CONNECT,
            Self::Packet(PacketType::Connack) => CONNACK,
            Self::Packet(PacketType::Publish) => PUBLISH,
            Self::Packet(PacketType::Subscribe) => SUBSCRIBE,
            Self::Packet(PacketType::Unsubscribe) => UNSUBSCRIBE,
            Self::Packet(PacketType::Disconnect) => DISCONNECT,
            Self::Packet(PacketType::Auth) => AUTH,
            Self::Packet(
                PacketType::Puback
                | PacketType::Pubrec
                | PacketType::Pubrel
                | PacketType::Pubcomp
                | PacketType::Suback
                | PacketType::Unsuback,
            ) => ACKNOWLEDGEMENT,
            Self::Packet(PacketType::Pingreq | PacketType::Pingresp) => NONE,
        }
    }

    /// Returns true for the exceptions to the rule: "It is a Protocol Error to include" it "more
    /// than once".
    #[inline]
    pub(super) const fn may_repeat(self, id: PropertyId) -> bool {
        match id {
            UserProperty => true,
            SubscriptionIdentifier => matches!(self, Self::Packet(PacketType::Publish)),
            _ => false,
        }
    }

    /// Checks properties that are about to be sent with the rules for received ones.
    pub(super) fn check(self, properties: &Properties<'_>) -> Result<(), EncodeError> {
        let mut seen = PropertySet::default();
        for property in properties.iter() {
            let id = property.id();
            if !self.allowed().contains(id) || (seen.contains(id) && !self.may_repeat(id)) {
                return Err(EncodeError::Property(id));
            }
            seen.insert(id);
        }
        // 3.1.2.11.10.
        match seen.contains(AuthenticationData) && !seen.contains(AuthenticationMethod) {
            true => Err(EncodeError::NoProperty(AuthenticationMethod)),
            false => Ok(()),
        }
    }
}

const NONE: PropertySet = PropertySet::of(&[]);

const CONNECT: PropertySet = PropertySet::of(&[
    SessionExpiryInterval,
    AuthenticationMethod,
    AuthenticationData,
    RequestProblemInformation,
    RequestResponseInformation,
    ReceiveMaximum,
    TopicAliasMaximum,
    UserProperty,
    MaximumPacketSize,
]);

const WILL: PropertySet = PropertySet::of(&[
    PayloadFormatIndicator,
    MessageExpiryInterval,
    ContentType,
    ResponseTopic,
    CorrelationData,
    WillDelayInterval,
    UserProperty,
]);

const CONNACK: PropertySet = PropertySet::of(&[
    SessionExpiryInterval,
    AssignedClientIdentifier,
    ServerKeepAlive,
    AuthenticationMethod,
    AuthenticationData,
    ResponseInformation,
    ServerReference,
    ReasonString,
    ReceiveMaximum,
    TopicAliasMaximum,
    MaximumQos,
    RetainAvailable,
    UserProperty,
    MaximumPacketSize,
    WildcardSubscriptionAvailable,
    SubscriptionIdentifierAvailable,
    SharedSubscriptionAvailable,
]);

const PUBLISH: PropertySet = PropertySet::of(&[
    PayloadFormatIndicator,
    MessageExpiryInterval,
    ContentType,
    ResponseTopic,
    CorrelationData,
    SubscriptionIdentifier,
    TopicAlias,
    UserProperty,
]);

const ACKNOWLEDGEMENT: PropertySet = PropertySet::of(&[ReasonString, UserProperty]);

const SUBSCRIBE: PropertySet = PropertySet::of(&[SubscriptionIdentifier, UserProperty]);

const UNSUBSCRIBE: PropertySet = PropertySet::of(&[UserProperty]);

const DISCONNECT: PropertySet = PropertySet::of(&[
    SessionExpiryInterval,
    ServerReference,
    ReasonString,
    UserProperty,
]);

const AUTH: PropertySet = PropertySet::of(&[
    AuthenticationMethod,
    AuthenticationData,
    ReasonString,
    UserProperty,
]);

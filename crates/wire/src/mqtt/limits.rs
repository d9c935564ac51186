//! Bounds on the packets of a peer.

/// Bounds on one packet. Each bound that is exceeded has an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum bytes of a whole packet, including the fixed header. Sent to a peer of 5.0 as the
    /// property Maximum Packet Size.
    pub packet_bytes: u32,
    /// Maximum number of properties in one section, including user properties.
    pub properties: u32,
    /// Maximum bytes of a topic name or filter.
    pub topic_bytes: u16,
    /// Maximum number of topic filters of a SUBSCRIBE or UNSUBSCRIBE, and of reason codes of its
    /// acknowledgement.
    pub filters: u32,
}

impl Limits {
    /// The default of `packet_bytes`: a payload of 1 MiB, a topic and properties.
    pub const PACKET_BYTES: u32 = (1 << 20) + (64 << 10);
    /// The default of `properties`.
    pub const PROPERTIES: u32 = 128;
    /// The default of `topic_bytes`.
    pub const TOPIC_BYTES: u16 = 8 << 10;
    /// The default of `filters`.
    pub const FILTERS: u32 = 1000;

    /// The default limits of a server.
    pub const DEFAULT: Self = Self {
        packet_bytes: Self::PACKET_BYTES,
        properties: Self::PROPERTIES,
        topic_bytes: Self::TOPIC_BYTES,
        filters: Self::FILTERS,
    };

    /// The limits of a client whose server has the limits above: a PUBLISH contains the properties
    /// of a received PUBLISH plus a subscription identifier for each matching filter. The server
    /// bounds the payload.
    pub const FROM_SERVER: Self = Self {
        packet_bytes: 64 << 20,
        properties: Self::PROPERTIES + 8 * Self::FILTERS,
        topic_bytes: u16::MAX,
        filters: 8 * Self::FILTERS,
    };

    /// The limits of the protocol itself.
    pub const NONE: Self = Self {
        packet_bytes: u32::MAX,
        properties: u32::MAX,
        topic_bytes: u16::MAX,
        filters: u32::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

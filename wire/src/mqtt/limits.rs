//! What a peer may make us hold.

/// Bounds on one packet. Past any of them the decoder answers with that bound's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a whole packet, the fixed header included: what the property Maximum Packet Size
    /// tells a peer of 5.0.
    pub packet_bytes: u32,
    /// Properties in one place, the user's included.
    pub properties: u32,
    /// Bytes of a topic name or filter.
    pub topic_bytes: u16,
    /// Topic filters of one SUBSCRIBE or UNSUBSCRIBE, and so reason codes of its answer.
    pub filters: u32,
}

impl Limits {
    /// A payload of 1 MiB, a topic and properties.
    pub const PACKET_BYTES: u32 = (1 << 20) + (64 << 10);
    pub const PROPERTIES: u32 = 128;
    pub const TOPIC_BYTES: u16 = 4 << 10;
    pub const FILTERS: u32 = 1000;

    pub const DEFAULT: Self = Self {
        packet_bytes: Self::PACKET_BYTES,
        properties: Self::PROPERTIES,
        topic_bytes: Self::TOPIC_BYTES,
        filters: Self::FILTERS,
    };

    /// What a client should take from a server that has the limits above: a PUBLISH holds what came
    /// in one, with a subscription identifier for each matching filter. The payload is the server's
    /// to bound.
    pub const FROM_SERVER: Self = Self {
        packet_bytes: 64 << 20,
        properties: Self::PROPERTIES + 8 * Self::FILTERS,
        topic_bytes: u16::MAX,
        filters: 8 * Self::FILTERS,
    };

    /// What the protocol itself allows.
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

//! The packets of chapter 3 of 5.0 and 3.1.1. One type for all kinds of packets: fields that a
//! packet does not have are empty.

use super::Version;
use super::bytes::{Input, put_binary, put_properties, put_variable, variable};
use super::property::{Properties, Value};

/// "MQTT Control Packet type" (table 2-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Connect = 1,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth,
}

const KINDS: [Kind; 15] = [
    Kind::Connect,
    Kind::Connack,
    Kind::Publish,
    Kind::Puback,
    Kind::Pubrec,
    Kind::Pubrel,
    Kind::Pubcomp,
    Kind::Subscribe,
    Kind::Suback,
    Kind::Unsubscribe,
    Kind::Unsuback,
    Kind::Pingreq,
    Kind::Pingresp,
    Kind::Disconnect,
    Kind::Auth,
];

/// The DUP bit in the first byte of PUBLISH.
pub const DUP: u8 = 8;
/// The RETAIN bit in the first byte of PUBLISH.
pub const RETAIN: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub kind: Kind,
    /// The lower half of the first byte.
    pub flags: u8,
    /// 0 if the packet has none.
    pub id: u16,
    pub session_present: bool,
    pub topic: String,
    /// Filters with their options, in SUBSCRIBE and UNSUBSCRIBE; UNSUBSCRIBE ignores the options.
    pub filters: Vec<(String, u8)>,
    pub reasons: Vec<u8>,
    pub properties: Properties,
    pub body: Vec<u8>,
}

impl Packet {
    pub fn new(kind: Kind) -> Self {
        let flags = match kind {
            Kind::Pubrel | Kind::Subscribe | Kind::Unsubscribe => 2,
            _ => 0,
        };
        Self {
            kind,
            flags,
            id: 0,
            session_present: false,
            topic: String::new(),
            filters: Vec::new(),
            reasons: Vec::new(),
            properties: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns a PUBLISH; `id` is used only if `qos` is not 0.
    pub fn publication(topic: &str, body: impl Into<Vec<u8>>, qos: u8) -> Self {
        Self {
            flags: qos << 1,
            topic: topic.to_owned(),
            body: body.into(),
            ..Self::new(Kind::Publish)
        }
    }

    /// Returns a PUBACK, PUBREC, PUBREL or PUBCOMP of success.
    pub fn acknowledgement(kind: Kind, id: u16) -> Self {
        Self::new(kind).numbered(id)
    }

    /// Returns a SUBSCRIBE with these filters and their options.
    pub fn subscription(filters: &[(&str, u8)]) -> Self {
        let filters = filters.iter();
        let filters = filters.map(|(filter, options)| ((*filter).to_owned(), *options));
        Self {
            filters: filters.collect(),
            ..Self::new(Kind::Subscribe)
        }
    }

    pub fn unsubscription(filters: &[&str]) -> Self {
        let filters = filters.iter().map(|filter| ((*filter).to_owned(), 0));
        Self {
            filters: filters.collect(),
            ..Self::new(Kind::Unsubscribe)
        }
    }

    pub fn disconnect(reason: u8) -> Self {
        Self {
            reasons: vec![reason],
            ..Self::new(Kind::Disconnect)
        }
    }

    pub fn numbered(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// Adds flags.
    pub fn flagged(mut self, flags: u8) -> Self {
        self.flags |= flags;
        self
    }

    pub fn with(mut self, property: u8, value: impl Into<Value>) -> Self {
        self.properties.push((property, value.into()));
        self
    }

    /// Returns the QoS of a PUBLISH.
    pub fn qos(&self) -> u8 {
        self.flags >> 1 & 3
    }

    pub fn is_retained(&self) -> bool {
        self.flags & RETAIN != 0
    }

    pub fn is_duplicate(&self) -> bool {
        self.flags & DUP != 0
    }

    /// Returns the only reason code.
    pub fn reason(&self) -> u8 {
        let [reason] = self.reasons[..] else {
            panic!("not one reason: {self:?}");
        };
        reason
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }

    /// Returns the first property with this identifier.
    pub fn property(&self, id: u8) -> Option<&Value> {
        let mut found = self.properties.iter().filter(|(other, _)| *other == id);
        found.next().map(|(_, value)| value)
    }

    pub fn number(&self, id: u8) -> Option<u32> {
        let Value::Number(number) = self.property(id)? else {
            panic!("{id:#04x} is no number: {self:?}");
        };
        Some(*number)
    }

    /// Returns the text of a property; empty if the property is absent.
    pub fn text_of(&self, id: u8) -> &str {
        match self.property(id) {
            None => "",
            Some(Value::Text(text)) => text,
            Some(value) => panic!("{id:#04x} is no text: {value:?}"),
        }
    }

    /// Returns the user properties in their order.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.properties.iter().filter_map(|(_, value)| match value {
            Value::Pair(name, value) => Some((name.as_str(), value.as_str())),
            _ => None,
        });
        pairs.collect()
    }

    /// Returns all numbers of a property that may be repeated.
    pub fn numbers(&self, id: u8) -> Vec<u32> {
        let all = self.properties.iter().filter(|(other, _)| *other == id);
        all.map(|(_, value)| match value {
            Value::Number(number) => *number,
            value => panic!("no number: {value:?}"),
        })
        .collect()
    }

    pub fn encode(&self, version: Version) -> Vec<u8> {
        let mut rest = Vec::new();
        if self.kind == Kind::Publish {
            put_binary(self.topic.as_bytes(), &mut rest);
        }
        if self.has_id() {
            rest.extend_from_slice(&self.id.to_be_bytes());
        }
        if version == Version::V5 {
            self.put_fifth(&mut rest);
        }
        for (filter, options) in &self.filters {
            put_binary(filter.as_bytes(), &mut rest);
            if self.kind == Kind::Subscribe {
                rest.push(*options);
            }
        }
        rest.extend_from_slice(&self.body);
        sealed((self.kind as u8) << 4 | self.flags, &rest)
    }

    /// Encodes the additional fields of 5.0.
    fn put_fifth(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Pingreq => {}
            Kind::Publish | Kind::Subscribe | Kind::Unsubscribe => {
                put_properties(&self.properties, out);
            }
            _ if self.reasons.is_empty() => {}
            _ => {
                out.extend_from_slice(&self.reasons);
                put_properties(&self.properties, out);
            }
        }
    }

    fn has_id(&self) -> bool {
        match self.kind {
            Kind::Publish => self.qos() > 0,
            Kind::Connect | Kind::Connack | Kind::Pingreq => false,
            Kind::Pingresp | Kind::Disconnect | Kind::Auth => false,
            _ => true,
        }
    }

    /// Takes one complete packet of a server from the front.
    pub fn take(unread: &mut Vec<u8>, version: Version) -> Option<Self> {
        let (length, length_bytes) = variable(unread.get(1..)?)?;
        let start = 1 + length_bytes;
        let end = start + length as usize;
        let packet = Self::decode(unread[0], unread.get(start..end)?, version);
        unread.drain(..end);
        Some(packet)
    }

    fn decode(first: u8, rest: &[u8], version: Version) -> Self {
        let mut input = Input(rest);
        let kind = KINDS[usize::from(first >> 4) - 1];
        let mut packet = Self::new(kind);
        packet.flags = first & 0x0F;
        if kind == Kind::Publish {
            packet.topic = input.text();
        }
        if packet.has_id() {
            packet.id = input.two_bytes();
        }
        let is_5 = version == Version::V5;
        match kind {
            Kind::Publish => {
                packet.properties = if is_5 { input.properties() } else { Vec::new() };
                packet.body = input.rest().to_owned();
            }
            Kind::Connack => {
                packet.session_present = input.byte() == 1;
                packet.reasons = vec![input.byte()];
                packet.properties = if is_5 { input.properties() } else { Vec::new() };
            }
            Kind::Suback | Kind::Unsuback => {
                packet.properties = if is_5 { input.properties() } else { Vec::new() };
                packet.reasons = input.rest().to_owned();
            }
            Kind::Pingresp => {}
            _ => packet.read_reason(&mut input),
        }
        assert!(input.0.is_empty(), "behind {packet:?}: {:?}", input.0);
        packet
    }

    /// Reads the reason of an acknowledgement, DISCONNECT or AUTH; success may be omitted, and so
    /// may empty properties.
    fn read_reason(&mut self, input: &mut Input<'_>) {
        self.reasons = vec![0];
        if !input.0.is_empty() {
            self.reasons = vec![input.byte()];
        }
        if !input.0.is_empty() {
            self.properties = input.properties();
        }
    }
}

/// Returns a packet with any bytes after its fixed header.
pub fn sealed(first: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    put_variable(rest.len(), &mut packet);
    packet.extend_from_slice(rest);
    packet
}

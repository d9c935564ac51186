//! What a message of MQTT has besides topic and payload, as headers, and back.
//!
//! | MQTT 5.0 | Carillon |
//! |---|---|
//! | Content Type | content type |
//! | Response Topic `a/b` | header `reply-to:/topic/a.b` |
//! | Correlation Data | header `correlation-id`, in base 64 where it is no text |
//! | Message Expiry Interval | when it expires |
//! | User Property | header of that name |
//! | QoS, Payload Format Indicator | [`Marks`] |
//!
//! What came with MQTT goes on with MQTT as it came: the order of user properties, names that come twice, and names
//! that mean something elsewhere ([MQTT-3.3.2-17], [MQTT-3.3.2-18]).

use std::{borrow::Cow, cell::RefCell, sync::Arc};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{Entry, Header, InvalidName, Provenance, Publication};
use destination::{mqtt as names, stomp};
use wire::mqtt::{
    EncodeError, PayloadFormat, Properties, Property, QoS, SharedPublish, TopicName, UserProperty,
    Version,
};

use crate::{content_type, name_cache::WrittenName};

/// What MQTT notes of a message that nobody else cares for; all zero for what came otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    const QOS: u8 = 0b0000_0011;
    /// It came with MQTT.
    const MQTT: u8 = 0b0000_0100;
    /// There was a Payload Format Indicator, and what it was.
    const FORMAT: u8 = 0b0000_1000;
    const UTF8: u8 = 0b0001_0000;
    /// The first header is the Response Topic.
    const RESPONSE_TOPIC: u8 = 0b0010_0000;
    /// The first header behind that is the Correlation Data, as it is or in base 64.
    const CORRELATION: u8 = 0b0100_0000;
    const BASE64: u8 = 0b1000_0000;

    fn of_mqtt(qos: QoS) -> Self {
        Self(Self::MQTT | qos.level())
    }

    fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    fn set(&mut self, mark: u8) {
        self.0 |= mark;
    }

    pub fn of(entry: &Entry) -> Self {
        Self(entry.marks())
    }

    /// With what QoS it was published. Other protocols' messages are as safe in the broker as any: the
    /// subscription alone decides about them.
    pub fn qos(self) -> QoS {
        match self.has(Self::MQTT) {
            true => QoS::from_level(self.0 & Self::QOS).unwrap_or_default(),
            false => QoS::ExactlyOnce,
        }
    }
}

/// Where a message of MQTT comes from.
pub fn source(producer: Arc<str>, timestamp_ms: u64, qos: QoS) -> Provenance {
    Provenance {
        marks: Marks::of_mqtt(qos).0,
        ..Provenance::of(producer, timestamp_ms)
    }
}

/// Puts what a publication, or a will, has besides its topic and payload into a message of such an [`source`] that is
/// published at `now_ms`, in Unix milliseconds.
///
/// # Errors
/// The response topic is no name here.
pub fn apply(
    publication: Publication,
    properties: &Properties<'_>,
    now_ms: u64,
) -> Result<Publication, InvalidName> {
    if properties.is_empty() {
        return Ok(publication);
    }
    let mut marks = Marks(publication.marks());
    let mut headers = Vec::new();
    if let Some(topic) = properties.response_topic() {
        marks.set(Marks::RESPONSE_TOPIC);
        let (kind, name) = names::published_to(topic.as_str())?;
        let value = stomp::written_by_others(kind, name.as_str());
        headers.push(header(REPLY_TO, &value));
    }
    if let Some(data) = properties.correlation_data() {
        marks.set(Marks::CORRELATION);
        headers.push(header(CORRELATION_ID, &correlation_id(data, &mut marks)));
    }
    match properties.payload_format() {
        Some(PayloadFormat::Utf8) => marks.set(Marks::FORMAT | Marks::UTF8),
        Some(PayloadFormat::Unspecified) => marks.set(Marks::FORMAT),
        None => {}
    }
    let own = properties.user_properties();
    headers.extend(own.map(|own| header(own.name, own.value)));
    let content_type = properties.content_type().map(content_type::interned);
    let publication = publication
        .with_headers(content_type, headers.into())
        .with_marks(marks.0);
    Ok(match properties.message_expiry_interval() {
        Some(seconds) => publication.expiring(now_ms + u64::from(seconds) * 1_000),
        None => publication,
    })
}

/// Appends an entry's PUBLISH, as far as all subscribers get it alike, and what the one missed who is to be told
/// so.
///
/// # Errors
/// It is too large for MQTT. Nothing is appended then.
pub fn shared(
    version: Version,
    entry: &Entry,
    missed: Option<&str>,
    packet: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    TOPIC.with_borrow_mut(|topic| {
        let topic = topic.of(entry.kind(), entry.topic());
        // There is no name here that MQTT cannot write.
        let topic = TopicName::parse(topic).map_err(|_| EncodeError::NoTopic)?;
        append(version, entry, (topic, missed), packet)
    })
}

fn append(
    version: Version,
    entry: &Entry,
    (topic, missed): (TopicName<'_>, Option<&str>),
    packet: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let found = Found::new(entry);
    let missed = missed.map(|value| {
        Property::UserProperty(UserProperty {
            name: "missed",
            value,
        })
    });
    let properties = found.properties(entry).chain(missed);
    SharedPublish::append(version, topic, entry.body(), properties, packet)
}

thread_local! {
    static TOPIC: RefCell<WrittenName> = const { RefCell::new(WrittenName::new(names::write)) };
}

/// What an entry's headers and marks are in MQTT.
#[derive(Default)]
struct Found<'a> {
    format: Option<PayloadFormat>,
    response_topic: Option<String>,
    correlation: Option<Cow<'a, [u8]>>,
    /// Where user properties begin.
    own: usize,
}

impl<'a> Found<'a> {
    fn new(entry: &'a Entry) -> Self {
        let marks = Marks::of(entry);
        if !marks.has(Marks::MQTT) {
            return Self {
                response_topic: entry.header(REPLY_TO).and_then(response_topic),
                correlation: entry.header(CORRELATION_ID).map(|id| id.as_bytes().into()),
                ..Self::default()
            };
        }
        let mut found = Self::default();
        if marks.has(Marks::FORMAT) {
            found.format = Some(match marks.has(Marks::UTF8) {
                true => PayloadFormat::Utf8,
                false => PayloadFormat::Unspecified,
            });
        }
        let mut headers = entry.headers().iter();
        if marks.has(Marks::RESPONSE_TOPIC) {
            found.own += 1;
            let first = headers.next();
            found.response_topic = first.and_then(|first| response_topic(&first.value));
        }
        if marks.has(Marks::CORRELATION) {
            found.own += 1;
            let first = headers.next();
            found.correlation = first.map(|first| correlation_data(&first.value, marks));
        }
        found
    }

    fn properties(&'a self, entry: &'a Entry) -> impl Iterator<Item = Property<'a>> {
        let topic = self.response_topic.as_deref();
        let topic = topic.and_then(|topic| TopicName::parse(topic).ok());
        let is_mqtt = Marks::of(entry).has(Marks::MQTT);
        let is_own = move |header: &&Header| {
            is_mqtt || (*header.name != *REPLY_TO && *header.name != *CORRELATION_ID)
        };
        let own = entry.headers()[self.own..].iter().filter(is_own);
        let format = self.format.map(Property::PayloadFormatIndicator);
        let data = self.correlation.as_deref();
        format
            .into_iter()
            .chain(entry.content_type().map(Property::ContentType))
            .chain(topic.map(Property::ResponseTopic))
            .chain(data.map(Property::CorrelationData))
            .chain(own.filter_map(user_property))
    }
}

/// None where STOMP allows what MQTT cannot say: U+0000 ([MQTT-1.5.4-2]), and more than a length can tell.
fn user_property(header: &Header) -> Option<Property<'_>> {
    let is_text = |text: &str| text.len() <= usize::from(u16::MAX) && !text.contains('\0');
    (is_text(&header.name) && is_text(&header.value)).then_some(Property::UserProperty(
        UserProperty {
            name: &header.name,
            value: &header.value,
        },
    ))
}

/// The topic of a `reply-to`, if it is one destination of Carillon's.
fn response_topic(reply_to: &str) -> Option<String> {
    match &*stomp::sent_to(reply_to, "").ok()? {
        [one] => Some(names::written(
            one.destination.kind,
            one.destination.name.as_str(),
        )),
        _ => None,
    }
}

fn correlation_id<'a>(data: &'a [u8], marks: &mut Marks) -> Cow<'a, str> {
    match std::str::from_utf8(data) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => {
            marks.set(Marks::BASE64);
            BASE64_STANDARD.encode(data).into()
        }
    }
}

fn correlation_data(id: &str, marks: Marks) -> Cow<'_, [u8]> {
    match marks.has(Marks::BASE64) {
        true => BASE64_STANDARD.decode(id).unwrap_or_default().into(),
        false => id.as_bytes().into(),
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

const REPLY_TO: &str = "reply-to";
const CORRELATION_ID: &str = "correlation-id";

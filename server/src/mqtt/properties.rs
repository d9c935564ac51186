//! The properties of a message of MQTT, translated to headers and back.
//!
//! | MQTT 5.0 | Carillon |
//! |---|---|
//! | Content Type | content type |
//! | Response Topic `a/b` | header `reply-to:/topic/a.b` |
//! | Correlation Data | header `correlation-id`, in base 64 if it is not text |
//! | Message Expiry Interval | time of expiry |
//! | User Property | header with the same name; a schedule is taken out of them ([`crate::scheduling`]) |
//! | QoS, Payload Format Indicator | [`MqttMarks`] |
//!
//! A message from MQTT is delivered unchanged over MQTT: the order of user properties, repeated names, and names with a
//! meaning in other protocols are kept ([MQTT-3.3.2-17], [MQTT-3.3.2-18]).

use std::{borrow::Cow, cell::RefCell, sync::Arc};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{Entry, Header, InvalidName, Provenance, Publication};
use destination::{mqtt as names, stomp};
use wire::mqtt::{
    EncodeError, PayloadFormat, Properties, Property, QoS, SharedPublish, TopicName, UserProperty,
    Version,
};

use crate::{
    content_type,
    name_cache::NameCache,
    scheduling::{InvalidRequest, ScheduleRequest},
    shared_headers::{self, CORRELATION_ID, REPLY_TO},
};

/// The properties of a message that only MQTT uses; all zero for a message of another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MqttMarks(u8);

impl MqttMarks {
    const QOS: u8 = 0b0000_0011;
    /// The message came over MQTT.
    const MQTT: u8 = 0b0000_0100;
    /// The message had a Payload Format Indicator, and its value.
    const FORMAT: u8 = 0b0000_1000;
    const UTF8: u8 = 0b0001_0000;
    /// The first header is the Response Topic.
    const RESPONSE_TOPIC: u8 = 0b0010_0000;
    /// The next header is the Correlation Data, as text or in base 64.
    const CORRELATION: u8 = 0b0100_0000;
    const BASE64: u8 = 0b1000_0000;

    fn from_qos(qos: QoS) -> Self {
        Self(Self::MQTT | qos.level())
    }

    fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    fn set(&mut self, mark: u8) {
        self.0 |= mark;
    }

    /// Returns the marks of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self(entry.marks())
    }

    /// Returns the QoS of the publication. A message of another protocol counts as QoS 2, so that the subscription
    /// alone decides.
    pub fn qos(self) -> QoS {
        match self.has(Self::MQTT) {
            true => QoS::from_level(self.0 & Self::QOS).unwrap_or_default(),
            false => QoS::ExactlyOnce,
        }
    }
}

/// The reason why the properties of a message are not valid.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProperties {
    /// The response topic is not a valid name.
    #[error("{0}")]
    ResponseTopic(#[from] InvalidName),
    /// The user properties of a schedule are not valid.
    #[error("{0}")]
    Schedule(#[from] InvalidRequest),
}

/// Returns the provenance of a message of MQTT.
pub fn provenance(producer: Arc<str>, timestamp_ms: u64, qos: QoS) -> Provenance {
    Provenance {
        marks: MqttMarks::from_qos(qos).0,
        ..Provenance::of(producer, timestamp_ms)
    }
}

/// Adds the properties of a publication or will to a message with such a [`provenance`], published at `now_ms`, in Unix
/// milliseconds.
///
/// # Errors
///
/// The response topic is not a valid name, or the schedule is not valid.
pub fn add_properties(
    publication: Publication,
    properties: &Properties<'_>,
    now_ms: u64,
) -> Result<Publication, InvalidProperties> {
    if properties.is_empty() {
        return Ok(publication);
    }
    let mut marks = MqttMarks(publication.marks());
    let mut headers = Vec::new();
    if let Some(topic) = properties.response_topic() {
        marks.set(MqttMarks::RESPONSE_TOPIC);
        let (kind, name) = names::published_to(topic.as_str())?;
        let value = stomp::written_by_others(kind, name.as_str());
        headers.push(header(REPLY_TO, &value));
    }
    if let Some(data) = properties.correlation_data() {
        marks.set(MqttMarks::CORRELATION);
        headers.push(header(CORRELATION_ID, &correlation_id(data, &mut marks)));
    }
    match properties.payload_format() {
        Some(PayloadFormat::Utf8) => marks.set(MqttMarks::FORMAT | MqttMarks::UTF8),
        Some(PayloadFormat::Unspecified) => marks.set(MqttMarks::FORMAT),
        None => {}
    }
    let user_properties = properties.user_properties();
    headers.extend(user_properties.map(|one| header(one.name, one.value)));
    let schedule = ScheduleRequest::take(&mut headers)?;
    let content_type = properties.content_type().map(content_type::interned);
    let publication =
        shared_headers::set(publication, content_type, headers.into()).with_marks(marks.0);
    let publication = match properties.message_expiry_interval() {
        Some(seconds) => publication.expiring(now_ms + u64::from(seconds) * 1_000),
        None => publication,
    };
    Ok(schedule.apply(publication, now_ms)?)
}

/// Appends the part of an entry's PUBLISH that is the same for all subscribers, with the gap if the subscriber must be
/// informed of one.
///
/// # Errors
///
/// It is too large for MQTT. Nothing is appended then.
pub fn append_shared(
    version: Version,
    entry: &Entry,
    missed: Option<&str>,
    packet: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    TOPIC.with_borrow_mut(|topic| {
        let topic = topic.get(entry.kind(), entry.topic());
        // MQTT can write every name of the broker.
        let topic = TopicName::parse(topic).map_err(|_| EncodeError::NoTopic)?;
        append(version, entry, topic, missed, packet)
    })
}

fn append(
    version: Version,
    entry: &Entry,
    topic: TopicName<'_>,
    missed: Option<&str>,
    packet: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let found = EntryProperties::new(entry);
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
    static TOPIC: RefCell<NameCache> = const { RefCell::new(NameCache::new(names::write)) };
}

/// An entry's headers and marks as properties.
#[derive(Default)]
struct EntryProperties<'a> {
    format: Option<PayloadFormat>,
    response_topic: Option<String>,
    correlation: Option<Cow<'a, [u8]>>,
    /// The index of the first user property.
    first_user_property: usize,
}

impl<'a> EntryProperties<'a> {
    fn new(entry: &'a Entry) -> Self {
        let marks = MqttMarks::of(entry);
        if !marks.has(MqttMarks::MQTT) {
            return Self {
                response_topic: entry.reply_to().and_then(response_topic),
                correlation: entry.correlation_id().map(|id| id.as_bytes().into()),
                ..Self::default()
            };
        }
        let mut found = Self::default();
        if marks.has(MqttMarks::FORMAT) {
            found.format = Some(match marks.has(MqttMarks::UTF8) {
                true => PayloadFormat::Utf8,
                false => PayloadFormat::Unspecified,
            });
        }
        let mut headers = entry.headers().iter();
        if marks.has(MqttMarks::RESPONSE_TOPIC) {
            found.first_user_property += 1;
            let first = headers.next();
            found.response_topic = first.and_then(|first| response_topic(&first.value));
        }
        if marks.has(MqttMarks::CORRELATION) {
            found.first_user_property += 1;
            let first = headers.next();
            found.correlation = first.map(|first| correlation_data(&first.value, marks));
        }
        found
    }

    fn properties(&'a self, entry: &'a Entry) -> impl Iterator<Item = Property<'a>> {
        let topic = self.response_topic.as_deref();
        let topic = topic.and_then(|topic| TopicName::parse(topic).ok());
        let is_mqtt = MqttMarks::of(entry).has(MqttMarks::MQTT);
        let is_user_property = move |header: &&Header| {
            is_mqtt || (*header.name != *REPLY_TO && *header.name != *CORRELATION_ID)
        };
        let user_properties = entry.headers()[self.first_user_property..]
            .iter()
            .filter(is_user_property);
        let format = self.format.map(Property::PayloadFormatIndicator);
        let content_type = entry.content_type().filter(|text| is_mqtt_text(text));
        let data = self.correlation.as_deref().filter(|data| fits(data));
        format
            .into_iter()
            .chain(content_type.map(Property::ContentType))
            .chain(topic.map(Property::ResponseTopic))
            .chain(data.map(Property::CorrelationData))
            .chain(user_properties.filter_map(user_property))
    }
}

/// Returns `None` for a header that MQTT cannot encode.
fn user_property(header: &Header) -> Option<Property<'_>> {
    let can_be_encoded = is_mqtt_text(&header.name) && is_mqtt_text(&header.value);
    can_be_encoded.then_some(Property::UserProperty(UserProperty {
        name: &header.name,
        value: &header.value,
    }))
}

/// Returns false for a text that MQTT cannot encode: with U+0000 ([MQTT-1.5.4-2]), or too long. A message of another
/// protocol is sent without it.
fn is_mqtt_text(text: &str) -> bool {
    fits(text.as_bytes()) && !text.contains('\0')
}

/// Returns false for bytes that are longer than a length field allows (1.5.4, 1.5.6).
fn fits(bytes: &[u8]) -> bool {
    bytes.len() <= usize::from(u16::MAX)
}

/// Returns the topic of a `reply-to`, if it is one destination of Carillon.
fn response_topic(reply_to: &str) -> Option<String> {
    match &*stomp::sent_to(reply_to, "").ok()? {
        [one] => Some(names::written(
            one.destination.kind,
            one.destination.name.as_str(),
        )),
        _ => None,
    }
}

fn correlation_id<'a>(data: &'a [u8], marks: &mut MqttMarks) -> Cow<'a, str> {
    match std::str::from_utf8(data) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => {
            marks.set(MqttMarks::BASE64);
            BASE64_STANDARD.encode(data).into()
        }
    }
}

fn correlation_data(id: &str, marks: MqttMarks) -> Cow<'_, [u8]> {
    match marks.has(MqttMarks::BASE64) {
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

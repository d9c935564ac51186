//! Renders MQTT messages as lines.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Serialize;
use wire::mqtt::{PayloadFormat, client::Message};

use crate::render::{Body, Format, json, text};

/// Appends the message as one line.
pub(super) fn message(format: Format, message: &Message<'_>, out: &mut Vec<u8>) {
    match format {
        Format::Body => text(None, message.payload, out),
        Format::DestinationAndBody => text(Some(message.topic.as_str()), message.payload, out),
        Format::Json => json(&Record::of(message), out),
    }
}

/// A message as a JSON object. Absent properties are omitted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'m> {
    topic: &'m str,
    qos: u8,
    retain: bool,
    /// The DUP flag: the server may have sent the message before.
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_format: Option<&'static str>,
    /// Message expiry interval in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_topic: Option<&'m str>,
    #[serde(flatten)]
    correlation: Option<Correlation<'m>>,
    /// User properties. A name may occur more than once, and the order is significant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_properties: Vec<Pair<'m>>,
    #[serde(flatten)]
    body: Body<'m>,
}

#[derive(Serialize)]
enum Correlation<'m> {
    #[serde(rename = "correlationData")]
    Text(&'m str),
    #[serde(rename = "correlationDataBase64")]
    Bytes(String),
}

#[derive(Serialize)]
struct Pair<'m> {
    name: &'m str,
    value: &'m str,
}

impl<'m> Record<'m> {
    fn of(message: &'m Message<'_>) -> Self {
        let properties = &message.properties;
        let pairs = properties.user_properties();
        Self {
            topic: message.topic.as_str(),
            qos: message.delivery.qos().level(),
            retain: message.retain,
            duplicate: message.is_duplicate(),
            content_type: properties.content_type(),
            payload_format: properties.payload_format().map(|format| match format {
                PayloadFormat::Unspecified => "unspecified",
                PayloadFormat::Utf8 => "utf-8",
            }),
            expiry: properties.message_expiry_interval(),
            response_topic: properties.response_topic().map(|topic| topic.as_str()),
            correlation: properties.correlation_data().map(Correlation::of),
            user_properties: pairs
                .map(|pair| Pair {
                    name: pair.name,
                    value: pair.value,
                })
                .collect(),
            body: Body::of(message.payload),
        }
    }
}

impl<'m> Correlation<'m> {
    fn of(bytes: &'m [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Bytes(BASE64.encode(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::mqtt::{
        Attempt, PacketId, Properties, Property, QosDelivery, TopicName, UserProperty,
        server::Topic,
    };

    use super::*;

    fn line(format: Format, properties: &[Property<'_>], payload: &[u8]) -> String {
        let mut scratch = Vec::new();
        let id = PacketId::new(1).unwrap();
        let found = Message {
            topic: Topic::Said("a/b"),
            delivery: QosDelivery::AtLeastOnce(id, Attempt::Again),
            retain: true,
            properties: Properties::encode(properties.iter().copied(), &mut scratch).unwrap(),
            payload,
            ticket: None,
        };
        let mut out = Vec::new();
        message(format, &found, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_of_text_is_the_body_or_topic_and_body() {
        assert_eq!(line(Format::Body, &[], b"hi\n"), "hi\\n\n");
        assert_eq!(line(Format::DestinationAndBody, &[], b"hi"), "a/b\thi\n");
    }

    #[test]
    fn a_line_of_json_has_all_properties() {
        let pair = |name, value| Property::UserProperty(UserProperty { name, value });
        let properties = [
            Property::ContentType("text/plain"),
            Property::PayloadFormatIndicator(PayloadFormat::Utf8),
            Property::MessageExpiryInterval(60),
            Property::ResponseTopic(TopicName::parse("answers").unwrap()),
            Property::CorrelationData(b"\xff"),
            pair("colour", "red"),
            pair("colour", "blue"),
        ];
        let wanted = concat!(
            r#"{"topic":"a/b","qos":1,"retain":true,"duplicate":true,"contentType":"text/plain","#,
            r#""payloadFormat":"utf-8","expiry":60,"responseTopic":"answers","#,
            r#""correlationDataBase64":"/w==","userProperties":[{"name":"colour","value":"red"},"#,
            r#"{"name":"colour","value":"blue"}],"body":"hi"}"#,
            "\n"
        );
        assert_eq!(line(Format::Json, &properties, b"hi"), wanted);
    }

    #[test]
    fn absent_properties_are_omitted_and_a_binary_body_is_base64() {
        let wanted = concat!(
            r#"{"topic":"a/b","qos":1,"retain":true,"duplicate":true,"bodyBase64":"/w=="}"#,
            "\n"
        );
        assert_eq!(line(Format::Json, &[], b"\xff"), wanted);
    }
}

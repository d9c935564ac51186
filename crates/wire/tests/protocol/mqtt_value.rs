//! Generates any property of MQTT 5.0, with any value.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::mqtt::*;

use crate::mqtt_sections::TABLE;

/// Random values that any property can be built from.
#[derive(Clone, Debug)]
pub struct Value {
    pub id: PropertyId,
    text: String,
    name: String,
    data: Vec<u8>,
    number: u32,
}

pub fn topic() -> impl Strategy<Value = String> {
    "[^\0+#]{1,12}"
}

pub fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

pub fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![9 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 100..400)]
}

/// Generates properties of a column of table 2-4 in any order: each once, the user property up to
/// three times.
pub fn properties(column: &'static str, without: Option<PropertyId>) -> BoxedStrategy<Vec<Value>> {
    let mut ids: Vec<_> = TABLE
        .iter()
        .filter(|(_, _, columns)| columns.split(' ').any(|name| name == column))
        .map(|&(id, ..)| id)
        .filter(|&id| Some(id) != without)
        .collect();
    if !ids.is_empty() {
        ids.extend([PropertyId::UserProperty; 2]);
    }
    let count = ids.len();
    prop::sample::subsequence(ids, 0..=count)
        .prop_shuffle()
        .prop_flat_map(|ids| ids.into_iter().map(value).collect::<Vec<_>>())
        .boxed()
}

fn value(id: PropertyId) -> impl Strategy<Value = Value> {
    let text = match id {
        PropertyId::ResponseTopic => topic().boxed(),
        _ => text().boxed(),
    };
    let number = prop_oneof![1u32..300, any::<u32>()];
    (text, self::text(), data(), number).prop_map(move |(text, name, data, number)| Value {
        id,
        text,
        name,
        data,
        number,
    })
}

impl Value {
    pub fn property(&self) -> Property<'_> {
        let text = self.text.as_str();
        let bit = self.number.is_multiple_of(2);
        let short = self.number as u16;
        let not_zero = short.max(1).try_into().expect("valid");
        match self.id {
            PropertyId::PayloadFormatIndicator => Property::PayloadFormatIndicator(match bit {
                true => PayloadFormat::Utf8,
                false => PayloadFormat::Unspecified,
            }),
            PropertyId::MessageExpiryInterval => Property::MessageExpiryInterval(self.number),
            PropertyId::ContentType => Property::ContentType(text),
            PropertyId::ResponseTopic => {
                Property::ResponseTopic(TopicName::parse(text).expect("valid"))
            }
            PropertyId::CorrelationData => Property::CorrelationData(&self.data),
            PropertyId::SubscriptionIdentifier => {
                let number = (self.number & 0xFFF_FFFF).max(1);
                Property::SubscriptionIdentifier(SubscriptionId::new(number).expect("valid"))
            }
            PropertyId::SessionExpiryInterval => Property::SessionExpiryInterval(self.number),
            PropertyId::AssignedClientIdentifier => Property::AssignedClientIdentifier(text),
            PropertyId::ServerKeepAlive => Property::ServerKeepAlive(short),
            PropertyId::AuthenticationMethod => Property::AuthenticationMethod(text),
            PropertyId::AuthenticationData => Property::AuthenticationData(&self.data),
            PropertyId::RequestProblemInformation => Property::RequestProblemInformation(bit),
            PropertyId::WillDelayInterval => Property::WillDelayInterval(self.number),
            PropertyId::RequestResponseInformation => Property::RequestResponseInformation(bit),
            PropertyId::ResponseInformation => Property::ResponseInformation(text),
            PropertyId::ServerReference => Property::ServerReference(text),
            PropertyId::ReasonString => Property::ReasonString(text),
            PropertyId::ReceiveMaximum => Property::ReceiveMaximum(not_zero),
            PropertyId::TopicAliasMaximum => Property::TopicAliasMaximum(short),
            PropertyId::TopicAlias => Property::TopicAlias(not_zero),
            PropertyId::MaximumQos => Property::MaximumQos(match bit {
                true => MaximumQos::AtMostOnce,
                false => MaximumQos::AtLeastOnce,
            }),
            PropertyId::RetainAvailable => Property::RetainAvailable(bit),
            PropertyId::UserProperty => {
                let name = self.name.as_str();
                Property::UserProperty(UserProperty { name, value: text })
            }
            PropertyId::MaximumPacketSize => {
                Property::MaximumPacketSize(self.number.max(1).try_into().expect("valid"))
            }
            PropertyId::WildcardSubscriptionAvailable => {
                Property::WildcardSubscriptionAvailable(bit)
            }
            PropertyId::SubscriptionIdentifierAvailable => {
                Property::SubscriptionIdentifierAvailable(bit)
            }
            PropertyId::SharedSubscriptionAvailable => Property::SharedSubscriptionAvailable(bit),
        }
    }
}

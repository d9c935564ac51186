//! Conversion of the other library's values to plain types.

use std::sync::Arc;

use mqtt_proto::v5::VarByteInt;
use mqtt_proto::{QoS, QosPid, TopicName};
use wire::mqtt::PropertyId;

use super::content::Section;

/// The value of a property.
pub trait PlainValue {
    fn add(&self, id: PropertyId, section: &mut Section);
}

macro_rules! plain {
    ($($value:ty),*) => {$(
        impl PlainValue for $value {
            fn add(&self, id: PropertyId, section: &mut Section) {
                section.add(id, self);
            }
        }
    )*};
}

plain!(bool, u16, u32, Arc<str>);

impl PlainValue for VarByteInt {
    fn add(&self, id: PropertyId, section: &mut Section) {
        section.add(id, self.value());
    }
}

impl PlainValue for TopicName {
    fn add(&self, id: PropertyId, section: &mut Section) {
        section.add(id, &**self);
    }
}

impl PlainValue for bytes::Bytes {
    fn add(&self, id: PropertyId, section: &mut Section) {
        section.add(id, &**self);
    }
}

impl PlainValue for QoS {
    fn add(&self, id: PropertyId, section: &mut Section) {
        section.add(id, level(*self));
    }
}

pub fn level(qos: QoS) -> u8 {
    qos as u8
}

/// Returns the QoS of a PUBLISH, and the packet identifier if there is one.
pub fn identifier(qos: QosPid) -> (u8, Option<u16>) {
    match qos {
        QosPid::Level0 => (0, None),
        QosPid::Level1(id) => (1, Some(id.value())),
        QosPid::Level2(id) => (2, Some(id.value())),
    }
}

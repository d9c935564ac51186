//! The values of properties: their types and the allowed values.

use std::num::{NonZeroU16, NonZeroU32};

use super::reader::{Read, Reader, fault};
use super::writer::{self, VARIABLE_MAX, Written};
use super::{Fault, PropertyId, TopicName};

/// The format of a payload: 5.0, 3.3.2.3.2. Payloads are not checked against it here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PayloadFormat {
    /// Unspecified bytes.
    #[default]
    Unspecified,
    /// UTF-8 text.
    Utf8,
}

/// The value of Maximum QoS, "a Byte with a value of either 0 or 1": 5.0, 3.2.2.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaximumQos {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
}

/// A subscription identifier, "the value of 1 to 268,435,455": 5.0, 3.8.2.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(NonZeroU32);

/// A name and a value, "UTF-8 String Pair" ([MQTT-1.5.7-1]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserProperty<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
}

impl SubscriptionId {
    /// Returns the identifier with this number, or None if it is out of range.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) if number.get() <= VARIABLE_MAX => Some(Self(number)),
            _ => None,
        }
    }

    /// Returns the number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns the bytes of the encoded property, including the property identifier.
    #[inline]
    pub(super) const fn property_bytes(self) -> usize {
        1 + writer::variable_bytes(self.get())
    }
}

pub(super) trait Value<'a>: Sized {
    fn read(id: PropertyId, reader: &mut Reader<'a>) -> Read<Self>;
    fn write(&self, out: &mut Vec<u8>) -> Written;
}

/// Returns the value, or a fault at the offset if it is None.
#[inline]
fn checked<T>(value: Option<T>, id: PropertyId, offset: usize) -> Read<T> {
    match value {
        Some(value) => Ok(value),
        None => fault(Fault::PropertyValue(id), offset),
    }
}

impl Value<'_> for bool {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        let value = match reader.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        checked(value, id, offset)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        out.push(u8::from(*self));
        Ok(())
    }
}

impl Value<'_> for PayloadFormat {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        bool::read(id, reader).map(|utf8| match utf8 {
            false => Self::Unspecified,
            true => Self::Utf8,
        })
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        (*self == Self::Utf8).write(out)
    }
}

impl Value<'_> for MaximumQos {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        bool::read(id, reader).map(|one| match one {
            false => Self::AtMostOnce,
            true => Self::AtLeastOnce,
        })
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        (*self == Self::AtLeastOnce).write(out)
    }
}

impl Value<'_> for u16 {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        reader.two_bytes()
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        out.extend_from_slice(&self.to_be_bytes());
        Ok(())
    }
}

impl Value<'_> for NonZeroU16 {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        checked(Self::new(reader.two_bytes()?), id, offset)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        self.get().write(out)
    }
}

impl Value<'_> for u32 {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        reader.four_bytes()
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        out.extend_from_slice(&self.to_be_bytes());
        Ok(())
    }
}

impl Value<'_> for NonZeroU32 {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        checked(Self::new(reader.four_bytes()?), id, offset)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        self.get().write(out)
    }
}

impl Value<'_> for SubscriptionId {
    #[inline]
    fn read(id: PropertyId, reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        checked(Self::new(reader.variable()?), id, offset)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::variable(self.get(), out);
        Ok(())
    }
}

impl<'a> Value<'a> for &'a str {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'a>) -> Read<Self> {
        reader.string()
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::string(self, out)
    }
}

impl<'a> Value<'a> for &'a [u8] {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'a>) -> Read<Self> {
        reader.binary()
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::binary(self, out)
    }
}

impl<'a> Value<'a> for TopicName<'a> {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'a>) -> Read<Self> {
        let offset = reader.offset();
        let text = reader.string()?;
        Self::of_string(text).or_else(|error| fault(Fault::ResponseTopic(error), offset))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::binary(self.as_str().as_bytes(), out)
    }
}

impl<'a> Value<'a> for UserProperty<'a> {
    #[inline]
    fn read(_: PropertyId, reader: &mut Reader<'a>) -> Read<Self> {
        Ok(Self {
            name: reader.string()?,
            value: reader.string()?,
        })
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::string(self.name, out)?;
        writer::string(self.value, out)
    }
}

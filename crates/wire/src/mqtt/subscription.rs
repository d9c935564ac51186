//! The elements of SUBSCRIBE, UNSUBSCRIBE and their acknowledgements: 5.0, 3.8.3, 3.9.3, 3.10.3 and
//! 3.11.3.

use super::list::Element;
use super::reader::{Read, Reader, fault};
use super::writer::{self, Written};
use super::{Fault, QoS, SubscribeReason, TopicFilter, UnsubscribeReason};

/// A topic filter of SUBSCRIBE with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// The topic filter.
    pub filter: TopicFilter<'a>,
    /// The options of the filter.
    pub options: SubscriptionOptions,
}

/// The "Subscription Options": 5.0, 3.8.3.1. Before 5.0 only the QoS exists; the other options have
/// the values that correspond to the behaviour of those versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SubscriptionOptions {
    /// The maximum QoS of messages sent for this subscription.
    pub maximum_qos: QoS,
    /// True if messages of the same client are not sent to it ([MQTT-3.8.3-3]).
    pub no_local: bool,
    /// True if the RETAIN flag of forwarded messages is kept ([MQTT-3.3.1-12], [MQTT-3.3.1-13]).
    pub retain_as_published: bool,
    /// The treatment of retained messages when subscribing.
    pub retain_handling: RetainHandling,
}

/// The condition for sending retained messages at SUBSCRIBE ([MQTT-3.3.1-9] to [MQTT-3.3.1-11]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RetainHandling {
    /// At each SUBSCRIBE.
    #[default]
    Send = 0,
    /// Only if the subscription did not exist.
    SendIfNew = 1,
    /// Never.
    DoNotSend = 2,
}

impl SubscriptionOptions {
    /// Decodes the options byte after a filter.
    #[inline]
    pub(super) const fn of(byte: u8) -> Result<Self, Fault> {
        if byte & RESERVED != 0 {
            return Err(Fault::ReservedOptions(byte));
        }
        let Some(maximum_qos) = QoS::from_level(byte & QOS) else {
            return Err(Fault::SubscriptionQos);
        };
        let retain_handling = match byte >> RETAIN_HANDLING {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(Fault::RetainHandling),
        };
        Ok(Self {
            maximum_qos,
            no_local: byte & NO_LOCAL != 0,
            retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
            retain_handling,
        })
    }

    pub(super) const fn byte(self) -> u8 {
        let mut byte = self.maximum_qos.level() | (self.retain_handling as u8) << RETAIN_HANDLING;
        if self.no_local {
            byte |= NO_LOCAL;
        }
        if self.retain_as_published {
            byte |= RETAIN_AS_PUBLISHED;
        }
        byte
    }
}

impl<'a> Element<'a> for Subscription<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Read<Self> {
        let filter = TopicFilter::read(reader)?;
        let offset = reader.offset();
        let options = SubscriptionOptions::of(reader.byte()?);
        match options {
            Ok(options) => Ok(Self { filter, options }),
            Err(wrong) => fault(wrong, offset),
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> Written {
        self.filter.write(out)?;
        out.push(self.options.byte());
        Ok(())
    }
}

impl<'a> Element<'a> for TopicFilter<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Read<Self> {
        let offset = reader.offset();
        let text = reader.string()?;
        Self::of_string(text).or_else(|error| fault(Fault::Topic(error), offset))
    }

    fn write(&self, out: &mut Vec<u8>) -> Written {
        writer::binary(self.as_str().as_bytes(), out)
    }
}

impl Element<'_> for SubscribeReason {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        let code = reader.byte()?;
        Self::from_code(code).map_or_else(|| fault(Fault::ReasonCode(code), offset), Ok)
    }

    fn write(&self, out: &mut Vec<u8>) -> Written {
        out.push(self.code());
        Ok(())
    }
}

impl Element<'_> for UnsubscribeReason {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let offset = reader.offset();
        let code = reader.byte()?;
        Self::from_code(code).map_or_else(|| fault(Fault::ReasonCode(code), offset), Ok)
    }

    fn write(&self, out: &mut Vec<u8>) -> Written {
        out.push(self.code());
        Ok(())
    }
}

const QOS: u8 = 0b0000_0011;
const NO_LOCAL: u8 = 0b0000_0100;
const RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;
const RETAIN_HANDLING: u32 = 4;
const RESERVED: u8 = 0b1100_0000;

/// Bits reserved before 5.0: all except the QoS ([MQTT-3-8.3-4] of 3.1.1).
pub(super) const RESERVED_BEFORE_5: u8 = !QOS;

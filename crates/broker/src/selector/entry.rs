//! The properties of the broker's entries: the JMS header fields, and headers by name.

use crate::Entry;

use super::{Properties, Value, number::Number};

/// Maps JMS names to fields and STOMP headers of an entry. All other names are names of headers;
/// the first header with a name counts.
///
/// | identifier | value |
/// |---|---|
/// | `JMSDestination` | name of the topic, without the prefix of any protocol |
/// | `JMSTimestamp` | time of publication, in Unix milliseconds |
/// | `JMSPriority` | header `priority`, 0 to 9; 4 if the header is missing or invalid |
/// | `JMSDeliveryMode` | `'PERSISTENT'` if the entry must survive a restart, else `'NON_PERSISTENT'` |
/// | `JMSExpiration` | time of expiry, in Unix milliseconds; 0 if the entry never expires |
/// | `JMSType`, `JMSCorrelationID`, `JMSReplyTo` | headers `type`, `correlation-id`, `reply-to` |
/// | `"content-type"` | media type of the body |
///
/// `JMSMessageID`, `JMSRedelivered` and `JMSXDeliveryCount` belong to the broker or to a delivery,
/// not to an entry. They are unknown here, and a header of the same name is ignored.
impl Properties for Entry {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "JMSDestination" => Some(Value::Text(self.topic().as_str())),
            "JMSTimestamp" => Some(Value::Exact(self.timestamp_ms().try_into().ok()?)),
            "JMSPriority" => Some(Value::Exact(priority(self.header("priority")))),
            "JMSDeliveryMode" => Some(Value::Text(delivery_mode(self))),
            "JMSExpiration" => Some(Value::Exact(expiration(self.expires_ms()))),
            "JMSType" => self.header("type").map(Value::Text),
            "JMSCorrelationID" => self.header("correlation-id").map(Value::Text),
            "JMSReplyTo" => self.header("reply-to").map(Value::Text),
            "JMSMessageID" | "JMSRedelivered" | "JMSXDeliveryCount" => None,
            "content-type" => self.content_type().map(Value::Text),
            _ => self.header(name).map(Value::Text),
        }
    }
}

fn priority(header: Option<&str>) -> i64 {
    const DEFAULT: i64 = 4;
    match header.and_then(Number::read) {
        Some(Number::Exact(priority @ 0..=9)) => priority,
        _ => DEFAULT,
    }
}

fn delivery_mode(entry: &Entry) -> &'static str {
    match entry.is_persistent() {
        true => "PERSISTENT",
        false => "NON_PERSISTENT",
    }
}

/// JMS: 0 means that the message never expires.
fn expiration(expires_ms: Option<u64>) -> i64 {
    expires_ms.unwrap_or(0).try_into().unwrap_or(i64::MAX)
}

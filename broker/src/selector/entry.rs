//! The properties of the broker's entries: JMS's header fields, and headers.

use crate::Entry;

use super::{Properties, Value, number::Number};

/// JMS's names for what an entry or its STOMP headers say, and headers by their own names, of which the
/// first counts.
///
/// | identifier | value |
/// |---|---|
/// | `JMSDestination` | the topic's name, without any protocol's prefix |
/// | `JMSTimestamp` | when it was published, in Unix milliseconds |
/// | `JMSPriority` | header `priority`, 0 to 9; 4 without or with anything else |
/// | `JMSDeliveryMode` | `'PERSISTENT'` with the header `persistent:true`, else `'NON_PERSISTENT'` |
/// | `JMSExpiration` | when it expires, in Unix milliseconds; 0 for never |
/// | `JMSType`, `JMSCorrelationID`, `JMSReplyTo` | headers `type`, `correlation-id`, `reply-to` |
/// | `"content-type"` | the media type of the body |
///
/// `JMSMessageID`, `JMSRedelivered` and `JMSXDeliveryCount` belong to the broker or to a delivery and not to
/// an entry: they are unknown here, and no header can stand in for them.
impl Properties for Entry {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "JMSDestination" => Some(Value::Text(self.topic().as_str())),
            "JMSTimestamp" => Some(Value::Exact(self.timestamp_ms().try_into().ok()?)),
            "JMSPriority" => Some(Value::Exact(priority(self.header("priority")))),
            "JMSDeliveryMode" => Some(Value::Text(delivery_mode(self.header("persistent")))),
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

fn delivery_mode(header: Option<&str>) -> &'static str {
    match header {
        Some("true") => "PERSISTENT",
        _ => "NON_PERSISTENT",
    }
}

/// JMS: 0 stands for never.
fn expiration(expires_ms: Option<u64>) -> i64 {
    expires_ms.unwrap_or(0).try_into().unwrap_or(i64::MAX)
}

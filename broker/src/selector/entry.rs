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
/// | `JMSExpiration` | header `expires`, in Unix milliseconds; 0 without |
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
            "JMSPriority" => Some(Value::Exact(priority(header(self, "priority")))),
            "JMSDeliveryMode" => Some(Value::Text(delivery_mode(header(self, "persistent")))),
            "JMSExpiration" => Some(expiration(header(self, "expires"))),
            "JMSType" => header(self, "type").map(Value::Text),
            "JMSCorrelationID" => header(self, "correlation-id").map(Value::Text),
            "JMSReplyTo" => header(self, "reply-to").map(Value::Text),
            "JMSMessageID" | "JMSRedelivered" | "JMSXDeliveryCount" => None,
            "content-type" => self.content_type().map(Value::Text),
            _ => header(self, name).map(Value::Text),
        }
    }
}

fn header<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    let mut headers = entry.headers().iter();
    let header = headers.find(|header| &*header.name == name)?;
    Some(&header.value)
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

fn expiration(header: Option<&str>) -> Value<'_> {
    const NEVER: Value<'_> = Value::Exact(0);
    header.and_then(Number::read).map_or(NEVER, Value::from)
}

//! The properties of the broker's entries: the JMS header fields, and headers by name.

use crate::Entry;

use super::{Properties, Value};

/// Maps JMS names to fields of an entry. All other names are names of headers; the first header
/// with a name counts.
///
/// | identifier | value |
/// |---|---|
/// | `JMSDestination` | name of the topic, without the prefix of any protocol |
/// | `JMSTimestamp` | time of publication, in Unix milliseconds |
/// | `JMSPriority` | priority, 0 to 9; 4 if the publisher gave none |
/// | `JMSDeliveryMode` | `'PERSISTENT'` if the entry must survive a restart, else `'NON_PERSISTENT'` |
/// | `JMSExpiration` | time of expiry, in Unix milliseconds; 0 if the entry never expires |
/// | `JMSType`, `JMSCorrelationID`, `JMSReplyTo` | type, correlation id, destination for replies |
/// | `"content-type"` | media type of the body |
///
/// `JMSMessageID`, `JMSRedelivered` and `JMSXDeliveryCount` belong to the broker or to a delivery,
/// not to an entry. They are unknown here, and a header of the same name is ignored.
impl Properties for Entry {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "JMSDestination" => Some(Value::Text(self.topic().as_str())),
            "JMSTimestamp" => Some(Value::Exact(self.timestamp_ms().try_into().ok()?)),
            "JMSPriority" => Some(Value::Exact(self.fields().priority.into())),
            "JMSDeliveryMode" => Some(Value::Text(delivery_mode(self))),
            "JMSExpiration" => Some(Value::Exact(expiration(self.expires_ms()))),
            "JMSType" => self.message_type().map(Value::Text),
            "JMSCorrelationID" => self.correlation_id().map(Value::Text),
            "JMSReplyTo" => self.reply_to().map(Value::Text),
            "JMSMessageID" | "JMSRedelivered" | "JMSXDeliveryCount" => None,
            "content-type" => self.content_type().map(Value::Text),
            _ => self.header(name).map(Value::Text),
        }
    }

    fn body(&self) -> &[u8] {
        self.body()
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

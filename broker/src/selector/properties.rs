//! Where a selector finds the values of its identifiers.

use super::Value;

/// The properties of a message.
pub trait Properties {
    /// The property with this name, if the message has it.
    fn property(&self, name: &str) -> Option<Value<'_>>;
}

/// Names with their values, of which the first counts.
impl Properties for [(&str, Value<'_>)] {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        let found = self.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

//! Source of the values of a selector's identifiers.

use super::Value;

/// The properties of a message.
pub trait Properties {
    /// Returns the property with this name, or None if the message does not have it.
    fn property(&self, name: &str) -> Option<Value<'_>>;

    /// Returns the body of the message.
    fn body(&self) -> &[u8];
}

/// Pairs of name and value; the first pair with a name counts. The body is empty.
impl Properties for [(&str, Value<'_>)] {
    fn property(&self, name: &str) -> Option<Value<'_>> {
        let found = self.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    fn body(&self) -> &[u8] {
        &[]
    }
}

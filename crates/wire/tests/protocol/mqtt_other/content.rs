//! The content of a packet as a list of texts, independent of either library's model.

use std::fmt::Debug;

use wire::mqtt::PropertyId;

/// The content of a packet, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Vec<String>);

/// The properties of a packet, and its user properties in order. The order of the others is
/// irrelevant.
#[derive(Default)]
pub struct Section {
    known: Vec<String>,
    user: Vec<String>,
}

impl Content {
    pub fn new(packet: &str) -> Self {
        Self(vec![packet.to_owned()])
    }

    pub fn with(mut self, field: &str, value: impl Debug) -> Self {
        self.0.push(format!("{field} {value:?}"));
        self
    }

    pub fn section(mut self, section: Section) -> Self {
        let Section { mut known, user } = section;
        known.sort();
        self.0.append(&mut known);
        self.0.extend(user);
        self
    }
}

impl Section {
    pub fn add(&mut self, id: PropertyId, value: impl Debug) {
        self.known.push(format!("{id} {value:?}"));
    }

    pub fn add_user_property(&mut self, name: &str, value: &str) {
        self.user.push(format!("{name:?} {value:?}"));
    }
}

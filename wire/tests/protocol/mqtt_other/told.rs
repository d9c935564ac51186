//! A packet as a list of what it says, in words that do not depend on whose model it came from.

use std::fmt::Debug;

use wire::mqtt::PropertyId;

/// What a packet says, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told(Vec<String>);

/// Properties of a packet, and the user's in their order. The order of the others means nothing.
#[derive(Default)]
pub struct Section {
    known: Vec<String>,
    user: Vec<String>,
}

impl Told {
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
    pub fn say(&mut self, id: PropertyId, value: impl Debug) {
        self.known.push(format!("{id} {value:?}"));
    }

    pub fn say_of_user(&mut self, name: &str, value: &str) {
        self.user.push(format!("{name:?} {value:?}"));
    }
}

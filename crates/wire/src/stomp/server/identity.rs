//! The identity of a subscription on its connection.

use std::borrow::Cow;
use std::fmt;

use super::fault::shown;

/// The identity of a subscription: the header `id`. In STOMP 1.0 the id is optional; then the
/// destination is the identity, which differs from an id with the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity<'a> {
    /// The header `id`.
    Id(Cow<'a, str>),
    /// The header `destination`.
    Destination(Cow<'a, str>),
}

impl Identity<'_> {
    /// Returns the value of the header `subscription` of MESSAGE, or None without an id.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Destination(_) => None,
        }
    }

    /// Returns an identity that borrows nothing.
    pub fn into_owned(self) -> Identity<'static> {
        match self {
            Self::Id(id) => Identity::Id(Cow::Owned(id.into_owned())),
            Self::Destination(name) => Identity::Destination(Cow::Owned(name.into_owned())),
        }
    }
}

/// Formats the identity for error texts.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "with id \"{}\"", shown(id)),
            Self::Destination(name) => write!(f, "to \"{}\" without id", shown(name)),
        }
    }
}

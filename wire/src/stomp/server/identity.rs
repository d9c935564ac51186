//! What tells the subscriptions of one connection apart.

use std::borrow::Cow;
use std::fmt;

use super::fault::shown;

/// The header `id`. In STOMP 1.0, which can do without it, the destination stands in for it; it is
/// no id then, not even an equal one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity<'a> {
    Id(Cow<'a, str>),
    Destination(Cow<'a, str>),
}

impl Identity<'_> {
    /// What goes into the header `subscription` of MESSAGE; without an id there is none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Destination(_) => None,
        }
    }

    pub fn into_owned(self) -> Identity<'static> {
        match self {
            Self::Id(id) => Identity::Id(Cow::Owned(id.into_owned())),
            Self::Destination(name) => Identity::Destination(Cow::Owned(name.into_owned())),
        }
    }
}

/// As errors speak of it.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "with id \"{}\"", shown(id)),
            Self::Destination(name) => write!(f, "to \"{}\" without id", shown(name)),
        }
    }
}

//! The versions of STOMP and their differences.

use std::fmt;

use super::Command;

/// A version of the protocol, an argument of the codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0.
    V1_0,
    /// 1.1.
    V1_1,
    /// 1.2.
    #[default]
    V1_2,
}

/// The supported versions in ascending order.
pub const SUPPORTED: &[Version] = &[Version::V1_0, Version::V1_1, Version::V1_2];

impl Version {
    /// Returns the version as in the headers `version` and `accept-version`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// Parses a version.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.0" => Some(Self::V1_0),
            "1.1" => Some(Self::V1_1),
            "1.2" => Some(Self::V1_2),
            _ => None,
        }
    }

    /// Returns the highest common version. `accept_version` is a comma separated list (STOMP 1.2,
    /// "Protocol Negotiation"); unknown versions are ignored.
    pub fn negotiate(accept_version: &str) -> Option<Self> {
        accept_version
            .split(',')
            .filter_map(Self::parse)
            .filter(|version| SUPPORTED.contains(version))
            .max()
    }

    /// From `1.1` on "clients and servers MUST never trim or pad headers with spaces"; the examples
    /// of `1.0` have a space after the colon.
    pub(crate) const fn trims_values(self) -> bool {
        matches!(self, Self::V1_0)
    }

    /// Returns true for versions with heart-beats: STOMP 1.1, "Heart-beating".
    pub(crate) const fn has_heart_beats(self) -> bool {
        !matches!(self, Self::V1_0)
    }

    /// Returns true if the frame may have a body. From `1.1` on only SEND, MESSAGE and ERROR may.
    /// `1.0` has no such rule: "The body of the SUBSCRIBE command is ignored".
    pub(crate) const fn allows_body(self, command: Command) -> bool {
        matches!(self, Self::V1_0) || command.may_have_body()
    }

    /// Returns true for versions with NACK, new in 1.1.
    pub(crate) const fn has_nack(self) -> bool {
        !matches!(self, Self::V1_0)
    }

    /// Returns true for `1.2`, in which a MESSAGE of an acknowledging subscription has the header
    /// `ack`, and ACK and NACK contain it as `id`; earlier versions use the message id.
    pub(crate) const fn acknowledges_by_id(self) -> bool {
        matches!(self, Self::V1_2)
    }

    /// Returns true if SUBSCRIBE and UNSUBSCRIBE require an `id`, from `1.1` on; in 1.0 the
    /// destination is sufficient.
    pub(crate) const fn needs_subscription_id(self) -> bool {
        !matches!(self, Self::V1_0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! The versions of STOMP, and which of them are spoken.

use std::fmt;

use super::Command;

/// A version of the protocol, an argument of the codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    V1_0,
    V1_1,
    #[default]
    V1_2,
}

/// The versions that may be negotiated, ascending.
pub const SUPPORTED: &[Version] = &[Version::V1_0, Version::V1_1, Version::V1_2];

impl Version {
    /// As in the headers `version` and `accept-version`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.0" => Some(Self::V1_0),
            "1.1" => Some(Self::V1_1),
            "1.2" => Some(Self::V1_2),
            _ => None,
        }
    }

    /// The highest version both sides speak; `accept_version` is a comma separated list
    /// (STOMP 1.2, "Protocol Negotiation"). Versions that are not known are passed over.
    pub fn negotiate(accept_version: &str) -> Option<Self> {
        accept_version
            .split(',')
            .filter_map(Self::parse)
            .filter(|version| SUPPORTED.contains(version))
            .max()
    }

    /// From `1.1` on "clients and servers MUST never trim or pad headers with spaces"; the
    /// examples of `1.0` have a space behind the colon.
    pub(crate) const fn trims_values(self) -> bool {
        matches!(self, Self::V1_0)
    }

    /// STOMP 1.1, "Heart-beating": new in that version.
    pub(crate) const fn has_heart_beats(self) -> bool {
        !matches!(self, Self::V1_0)
    }

    /// From `1.1` on only SEND, MESSAGE and ERROR have one. `1.0` knows no such rule: "The body of
    /// the SUBSCRIBE command is ignored".
    pub(crate) const fn allows_body(self, command: Command) -> bool {
        matches!(self, Self::V1_0) || command.may_have_body()
    }

    /// STOMP 1.1, "NACK": new in that version.
    pub(crate) const fn has_nack(self) -> bool {
        !matches!(self, Self::V1_0)
    }

    /// In `1.2` a MESSAGE that waits for its acknowledgement has the header `ack`, and ACK and NACK
    /// repeat it as `id`; before, they named the message.
    pub(crate) const fn acknowledges_by_id(self) -> bool {
        matches!(self, Self::V1_2)
    }

    /// From `1.1` on SUBSCRIBE and UNSUBSCRIBE need an `id`; before it, the destination would do.
    pub(crate) const fn needs_subscription_id(self) -> bool {
        !matches!(self, Self::V1_0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

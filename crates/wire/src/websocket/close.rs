//! The body of a close frame: RFC 6455, 5.5.1 and 7.4.

use super::Violation;

/// A status code, RFC 6455, 7.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer violated the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The kind of message is not accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// A text message is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer violated a rule of the application.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message exceeds the limit.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// An unexpected condition in the server.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Returns true if a close frame may contain the code: 1004 is reserved, 1005, 1006 and 1015
    /// "MUST NOT be set as a status code in a Close control frame", 1016 to 2999 are reserved for
    /// the protocol, and 3000 to 4999 are for libraries and applications. 1012 to 1014 were
    /// registered with IANA later.
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// The body of a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// `None` if the frame was empty: "no status code was present".
    pub code: Option<CloseCode>,
    /// The reason, for diagnostics.
    pub reason: &'a str,
}

impl<'a> Close<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, Violation> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return match payload {
                [] => Ok(Self {
                    code: None,
                    reason: "",
                }),
                _ => Err(Violation::CloseTooShort),
            };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.may_be_sent() {
            return Err(Violation::InvalidCloseCode(code.0));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
        let code = Some(code);
        Ok(Self { code, reason })
    }
}

//! The close frame's body: RFC 6455, 5.5.1 and 7.4.

use super::Violation;

/// A status code, RFC 6455, 7.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    pub const NORMAL: Self = Self(1000);
    pub const GOING_AWAY: Self = Self(1001);
    pub const PROTOCOL_ERROR: Self = Self(1002);
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    pub const INVALID_PAYLOAD: Self = Self(1007);
    pub const POLICY_VIOLATION: Self = Self(1008);
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    pub const INTERNAL_ERROR: Self = Self(1011);
    pub const SERVICE_RESTART: Self = Self(1012);
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Whether a frame may carry it: 1004 is reserved, 1005, 1006 and 1015 "MUST NOT be set as a
    /// status code in a Close control frame", 1016 to 2999 are reserved for the protocol, and 3000
    /// to 4999 are for libraries and applications. 1012 to 1014 were registered with IANA later.
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// Why a peer closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// `None` when the frame was empty: "no status code was present".
    pub code: Option<CloseCode>,
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

//! Violations of the protocol, and their close codes (RFC 6455, 7.4.1).

use super::CloseCode;

/// A violation by the peer; the text can be the reason of the close frame. The stream cannot be
/// decoded any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// 5.2, RSV1, RSV2, RSV3: no extension was negotiated.
    #[error("reserved bits are set")]
    ReservedBits,
    /// 5.2, Opcode.
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// 5.1: "a client MUST mask all frames that it sends to the server".
    #[error("a frame of a client is not masked")]
    NotMasked,
    /// 5.1: "a server MUST NOT mask any frames that it sends to the client".
    #[error("a frame of a server is masked")]
    Masked,
    /// 5.2: "the minimal number of bytes MUST be used to encode the length".
    #[error("the payload length is not in its shortest form")]
    LengthNotMinimal,
    /// 5.2: "the most significant bit MUST be 0".
    #[error("the payload length has its highest bit set")]
    LengthTooLarge,
    /// 5.5: "All control frames [...] MUST NOT be fragmented".
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// 5.5: "a payload length of 125 bytes or less".
    #[error("a control frame has more than 125 bytes")]
    ControlTooLong,
    /// 5.4: a continuation without a message.
    #[error("a continuation frame without a message")]
    UnexpectedContinuation,
    /// 5.4: fragments of messages are not interleaved.
    #[error("a message begins before the previous one ended")]
    ExpectedContinuation,
    /// 5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned integer".
    #[error("a close frame has one byte")]
    CloseTooShort,
    /// 7.4: codes that are undefined or must not be sent.
    #[error("close code {0} must not be sent")]
    InvalidCloseCode(u16),
    /// 8.1.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// 10.4: implementation-specific limits.
    #[error("the message is larger than {limit} bytes")]
    MessageTooLarge {
        /// The limit.
        limit: u64,
    },
}

impl Violation {
    /// Returns the code for the close frame.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::NotUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::MessageTooLarge { .. } => CloseCode::MESSAGE_TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

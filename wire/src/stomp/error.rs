//! Why bytes are no STOMP. Each of these ends the connection: there is no way to find the next frame.

use super::{Command, Version};

/// What is wrong and where; the text is shown to the peer. Header lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the command line is longer than {limit} bytes")]
    CommandTooLong { limit: u32 },
    #[error("unknown command \"{command}\"")]
    UnknownCommand { command: String },
    #[error("the frame ends within its command line")]
    NulInCommand,

    #[error("header line {line} is longer than {limit} bytes")]
    HeaderTooLong { line: u32, limit: u32 },
    #[error("the frame has more than {limit} headers")]
    TooManyHeaders { limit: u32 },
    #[error("the headers are longer than {limit} bytes together")]
    HeadTooLong { limit: u32 },
    #[error("header line {line} has no colon")]
    HeaderWithoutColon { line: u32 },
    #[error("header line {line} has no name before its colon")]
    HeaderWithoutName { line: u32 },
    #[error("header line {line} holds a NUL")]
    NulInHeader { line: u32 },
    #[error("header line {line} holds a carriage return that ends no line")]
    StrayCarriageReturn { line: u32 },
    #[error("header line {line} is not UTF-8")]
    HeaderNotUtf8 { line: u32 },
    #[error("header line {line} holds the escape sequence \"\\{}\", which STOMP {version} does not define", found.escape_debug())]
    UndefinedEscape {
        line: u32,
        found: char,
        version: Version,
    },
    #[error("header line {line} ends within an escape sequence")]
    UnfinishedEscape { line: u32 },
    #[error("header line {line}: content-length is not a number of bytes")]
    InvalidContentLength { line: u32 },

    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge { limit: u32 },
    #[error("a {command} frame has no body")]
    BodyNotAllowed { command: Command },
    #[error("there is no NUL after the {content_length} bytes of body that content-length names")]
    MissingNul { content_length: u32 },
}

impl DecodeError {
    /// Whether a limit was passed; otherwise the frame is malformed.
    pub const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::CommandTooLong { .. }
                | Self::HeaderTooLong { .. }
                | Self::TooManyHeaders { .. }
                | Self::HeadTooLong { .. }
                | Self::BodyTooLarge { .. }
        )
    }
}

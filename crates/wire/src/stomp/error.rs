//! Decode errors. Each of them ends the connection, since the next frame cannot be found.

use super::{Command, Version};

/// The error and its position; the text is sent to the peer. Header lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A command line over the limit.
    #[error("the command line is longer than {limit} bytes")]
    CommandTooLong {
        /// The limit.
        limit: u32,
    },
    /// An unknown command.
    #[error("unknown command \"{command}\"")]
    UnknownCommand {
        /// The command.
        command: String,
    },
    /// A NUL in the command line.
    #[error("the frame ends within its command line")]
    NulInCommand,

    /// A header line over the limit.
    #[error("header line {line} is longer than {limit} bytes")]
    HeaderTooLong {
        /// The number of the header line, from 1.
        line: u32,
        /// The limit.
        limit: u32,
    },
    /// More headers than the limit.
    #[error("the frame has more than {limit} headers")]
    TooManyHeaders {
        /// The limit.
        limit: u32,
    },
    /// Header lines over the limit in total.
    #[error("the headers are longer than {limit} bytes together")]
    HeadTooLong {
        /// The limit.
        limit: u32,
    },
    /// A header line without a colon.
    #[error("header line {line} has no colon")]
    HeaderWithoutColon {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// A header line with an empty name.
    #[error("header line {line} has no name before its colon")]
    HeaderWithoutName {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// A NUL in a header line.
    #[error("header line {line} contains a NUL")]
    NulInHeader {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// A CR within a header line.
    #[error("header line {line} contains a carriage return that does not end the line")]
    StrayCarriageReturn {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// A header line that is not UTF-8.
    #[error("header line {line} is not UTF-8")]
    HeaderNotUtf8 {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// An undefined escape sequence.
    #[error("header line {line} contains the escape sequence \"\\{}\", which STOMP {version} does not define", found.escape_debug())]
    UndefinedEscape {
        /// The number of the header line, from 1.
        line: u32,
        /// The character after the backslash.
        found: char,
        /// The version.
        version: Version,
    },
    /// An incomplete escape sequence at the end of a name or value.
    #[error("header line {line} ends within an escape sequence")]
    UnfinishedEscape {
        /// The number of the header line, from 1.
        line: u32,
    },
    /// A `content-length` that is not a number.
    #[error("header line {line}: content-length is not a number of bytes")]
    InvalidContentLength {
        /// The number of the header line, from 1.
        line: u32,
    },

    /// A body over the limit.
    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge {
        /// The limit.
        limit: u32,
    },
    /// A body in a frame that must not have one.
    #[error("a {command} frame must not have a body")]
    BodyNotAllowed {
        /// The command.
        command: Command,
    },
    /// No NUL after the body.
    #[error("the {content_length} bytes of the body (content-length) are not followed by a NUL")]
    MissingNul {
        /// The value of `content-length`.
        content_length: u32,
    },
}

impl DecodeError {
    /// Returns true if a limit was exceeded, and false if the frame is malformed.
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

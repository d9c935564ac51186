//! Bounds on the frames of a peer: STOMP 1.2, "Size Limits".

/// Bounds on one frame. Each bound that is exceeded has an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum bytes of the command line without its line end.
    pub command_bytes: u32,
    /// Maximum number of header lines of a frame.
    pub header_count: u32,
    /// Maximum bytes of one header line without its line end.
    pub header_bytes: u32,
    /// Maximum bytes of all header lines of a frame, including line ends.
    pub head_bytes: u32,
    /// Maximum bytes of the body.
    pub body_bytes: u32,
}

impl Limits {
    /// The default of `command_bytes`. The longest command, UNSUBSCRIBE, has 11.
    pub const COMMAND_BYTES: u32 = 16;
    /// The default of `header_count`.
    pub const HEADER_COUNT: u32 = 128;
    /// The default of `header_bytes`.
    pub const HEADER_BYTES: u32 = 8 << 10;
    /// The default of `head_bytes`.
    pub const HEAD_BYTES: u32 = 32 << 10;
    /// The default of `body_bytes`.
    pub const BODY_BYTES: u32 = 1 << 20;

    /// The default limits of a server.
    pub const DEFAULT: Self = Self {
        command_bytes: Self::COMMAND_BYTES,
        header_count: Self::HEADER_COUNT,
        header_bytes: Self::HEADER_BYTES,
        head_bytes: Self::HEAD_BYTES,
        body_bytes: Self::BODY_BYTES,
    };

    /// The limits of a client whose server has the limits above: a MESSAGE contains the headers of
    /// a SEND and the server's own headers, and an unescaped colon needs two bytes when it is
    /// forwarded. The server bounds the body.
    pub const FROM_SERVER: Self = Self {
        command_bytes: Self::COMMAND_BYTES,
        header_count: 2 * Self::HEADER_COUNT,
        header_bytes: 2 * Self::HEADER_BYTES + Self::NAME_BYTES,
        head_bytes: 8 * Self::HEAD_BYTES,
        body_bytes: 64 << 20,
    };

    /// Length of the header name if the server sends a value under a longer name.
    const NAME_BYTES: u32 = 32;
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

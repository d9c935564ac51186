//! What a peer may make us hold: STOMP 1.2, "Size Limits".

/// Bounds on one frame. Past any of them the decoder answers with that bound's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the command line without its line end.
    pub command_bytes: u32,
    /// Header lines of one frame.
    pub header_count: u32,
    /// Bytes of one header line without its line end.
    pub header_bytes: u32,
    /// Bytes of all header lines of one frame, line ends included.
    pub head_bytes: u32,
    /// Bytes of the body.
    pub body_bytes: u32,
}

impl Limits {
    /// The longest command, UNSUBSCRIBE, has 11.
    pub const COMMAND_BYTES: u32 = 16;
    pub const HEADER_COUNT: u32 = 128;
    pub const HEADER_BYTES: u32 = 8 << 10;
    pub const HEAD_BYTES: u32 = 32 << 10;
    pub const BODY_BYTES: u32 = 1 << 20;

    pub const DEFAULT: Self = Self {
        command_bytes: Self::COMMAND_BYTES,
        header_count: Self::HEADER_COUNT,
        header_bytes: Self::HEADER_BYTES,
        head_bytes: Self::HEAD_BYTES,
        body_bytes: Self::BODY_BYTES,
    };

    /// What a client should take from a server that has the limits above: a MESSAGE holds what
    /// fitted into a SEND, the server's own headers besides, and a colon that came unescaped takes
    /// two bytes when it is passed on. The body is the server's to bound.
    pub const FROM_SERVER: Self = Self {
        command_bytes: Self::COMMAND_BYTES,
        header_count: 2 * Self::HEADER_COUNT,
        header_bytes: 2 * Self::HEADER_BYTES + Self::NAME_BYTES,
        head_bytes: 8 * Self::HEAD_BYTES,
        body_bytes: 64 << 20,
    };

    /// Room for the name of a header whose value was the value of another.
    const NAME_BYTES: u32 = 32;

    /// The longest frame that can pass, and so the largest buffer a caller needs for one peer.
    pub const fn frame_bytes(&self) -> usize {
        const LINE_ENDS_AND_NUL: usize = 5;
        (self.command_bytes as usize)
            .saturating_add(self.head_bytes as usize)
            .saturating_add(self.body_bytes as usize)
            .saturating_add(LINE_ENDS_AND_NUL)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

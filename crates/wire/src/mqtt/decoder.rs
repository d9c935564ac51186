//! Decodes bytes to packets: 5.0, 2.1. The stream may be cut anywhere.
//!
//! The caller owns the buffer and keeps the bytes that were not consumed. A packet is returned
//! whole. An error is returned as soon as the bytes that show it have arrived.

use super::reader::{Reader, Stop, Variable, fault, variable};
use super::{DecodeError, Fault, Limits, Packet, PacketType, Role, Version, decode};

/// The decoder of one direction of one connection.
#[derive(Clone, Debug)]
pub struct Decoder {
    role: Role,
    limits: Limits,
    /// `None` in a server until CONNECT, which contains the version, has been read.
    version: Option<Version>,
    /// Length of the input at which an unfinished packet is decoded again. It doubles each time, so
    /// a packet that arrives byte by byte costs no more than decoding twice its bytes.
    decode_at: usize,
}

/// The "Fixed Header": 5.0, 2.1.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub packet: PacketType,
    /// The lower four bits of the first byte.
    pub flags: u8,
    /// The length of the fixed header itself.
    pub bytes: usize,
    pub minimal: bool,
    /// The offset of the packet's end.
    pub end: usize,
}

/// The state that decoding a packet depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub role: Role,
    pub limits: Limits,
    pub version: Version,
}

impl Decoder {
    /// Returns a server's decoder for the start of a connection. The first packet must be CONNECT
    /// ([MQTT-3.1.0-1]), which sets the version of all later packets, and a second CONNECT is an
    /// error ([MQTT-3.1.0-2]).
    pub const fn before_connect(limits: Limits) -> Self {
        Self {
            role: Role::Server,
            limits,
            version: None,
            decode_at: 0,
        }
    }

    /// Returns a decoder for a known version: of a client, or of a server after CONNECT.
    pub const fn new(role: Role, version: Version, limits: Limits) -> Self {
        Self {
            role,
            limits,
            version: Some(version),
            decode_at: 0,
        }
    }

    /// Returns the version, or `None` before CONNECT.
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// Returns the first packet of `input` and the number of bytes it used, or `None` if more bytes
    /// are needed. `input` must begin with the first byte not yet consumed.
    ///
    /// # Errors
    ///
    /// The bytes are not valid MQTT, or a limit is exceeded. The stream cannot be decoded any
    /// further.
    #[inline]
    pub fn decode<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<Option<(Packet<'a>, usize)>, DecodeError> {
        let mut context = Context {
            role: self.role,
            limits: self.limits,
            version: self.version.unwrap_or_default(),
        };
        let header = match self.header(&context, input) {
            Ok(header) => header,
            Err(stop) => return context.stopped(stop, packet_type(input, &context)),
        };
        if input.len() < header.end && (ALWAYS_DECODE..self.decode_at).contains(&input.len()) {
            return Ok(None);
        }
        let available = &input[..input.len().min(header.end)];
        let mut reader = Reader::new(available, header.bytes, header.end);
        match decode::packet(&mut context, &header, &mut reader) {
            Ok(packet) => {
                self.version = Some(context.version);
                self.decode_at = 0;
                Ok(Some((packet, header.end)))
            }
            Err(stop) => {
                self.decode_at = 2 * input.len();
                context.stopped(stop, Some(header.packet))
            }
        }
    }

    /// Decodes and checks the fixed header, as far as possible without the bytes that follow.
    #[inline]
    fn header(&self, context: &Context, input: &[u8]) -> Result<Header, Stop> {
        let (&first, rest) = input.split_first().ok_or(Stop::More)?;
        let (code, flags) = (first >> 4, first & FLAGS);
        let Some(packet) = PacketType::of(code, context.version) else {
            return fault(Fault::ReservedType(code), 0);
        };
        self.check_place(packet)?;
        check_flags(context, packet, flags)?;
        let (length, length_bytes, minimal) = match variable(rest) {
            Variable::Unfinished => return Err(Stop::More),
            Variable::TooLong => return fault(Fault::LengthTooLong, 1),
            Variable::Read {
                value,
                bytes,
                minimal,
            } => (value, bytes, minimal),
        };
        // The version of a CONNECT is not known before its body is decoded.
        if !minimal && self.version.is_some_and(Version::wants_minimal_lengths) {
            return fault(Fault::LengthNotMinimal, 1);
        }
        let bytes = 1 + length_bytes;
        let end = bytes + length as usize;
        let limit = self.limits.packet_bytes;
        if end > limit as usize {
            return fault(Fault::PacketTooLarge { limit }, 1);
        }
        Ok(Header {
            packet,
            flags,
            bytes,
            minimal,
            end,
        })
    }

    /// Returns an error if this packet type is not allowed from this peer or at this time.
    #[inline]
    fn check_place(&self, packet: PacketType) -> Result<(), Stop> {
        match (self.version, packet) {
            (None, PacketType::Connect) => Ok(()),
            (None, _) => fault(Fault::NotConnect, 0),
            (Some(_), PacketType::Connect) if self.role == Role::Server => {
                fault(Fault::SecondConnect, 0)
            }
            (Some(version), _) if packet.is_for(self.role, version) => Ok(()),
            (Some(_), _) => fault(Fault::WrongDirection(packet, self.role), 0),
        }
    }
}

impl Context {
    fn stopped<T>(&self, stop: Stop, packet: Option<PacketType>) -> Result<Option<T>, DecodeError> {
        match stop {
            Stop::More => Ok(None),
            Stop::Fault { fault, offset } => Err(DecodeError {
                fault,
                packet,
                offset,
                version: self.version,
                role: self.role,
            }),
        }
    }
}

/// [MQTT-2.1.3-1]. The flags of PUBLISH are decoded with the packet.
#[inline]
fn check_flags(context: &Context, packet: PacketType, flags: u8) -> Result<(), Stop> {
    let wrong = packet != PacketType::Publish
        && flags != packet.reserved_flags()
        && context.version.reserves_flags();
    match wrong {
        true => fault(Fault::Flags(flags), 0),
        false => Ok(()),
    }
}

fn packet_type(input: &[u8], context: &Context) -> Option<PacketType> {
    PacketType::of(input.first()? >> 4, context.version)
}

const FLAGS: u8 = 0x0F;

/// An unfinished packet of up to this length is decoded again whenever bytes arrive.
const ALWAYS_DECODE: usize = 256;

//! Bytes to packets: 5.0, 2.1. A stream may be cut anywhere.
//!
//! The caller owns the buffer and keeps what was not consumed. A packet is handed on whole; what is
//! wrong with it is told as soon as the bytes that show it have arrived.

use super::reader::{Reader, Stop, Variable, fault, variable};
use super::{DecodeError, Fault, Limits, Packet, PacketType, Role, Version, decode};

/// One direction of one connection.
#[derive(Clone, Debug)]
pub struct Decoder {
    role: Role,
    limits: Limits,
    /// `None` until a server has read CONNECT, which tells it.
    version: Option<Version>,
    /// An unfinished packet is looked at again when so much of it is there. Doubling it bounds the
    /// work for a packet that arrives byte by byte by that for twice its bytes.
    look_at: usize,
}

/// "Fixed Header": 5.0, 2.1.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub packet: PacketType,
    /// The lower four bits of the first byte.
    pub flags: u8,
    /// Its own length.
    pub bytes: usize,
    pub minimal: bool,
    /// Where the packet ends.
    pub end: usize,
}

/// What the packets are read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub role: Role,
    pub limits: Limits,
    pub version: Version,
}

impl Decoder {
    /// Of a server, at the beginning of a connection: the first packet has to be CONNECT
    /// ([MQTT-3.1.0-1]), which says the version of all behind it, and there is no second
    /// ([MQTT-3.1.0-2]).
    pub const fn before_connect(limits: Limits) -> Self {
        Self {
            role: Role::Server,
            limits,
            version: None,
            look_at: 0,
        }
    }

    /// Of a client, which has chosen the version, or of a server behind CONNECT.
    pub const fn new(role: Role, version: Version, limits: Limits) -> Self {
        Self {
            role,
            limits,
            version: Some(version),
            look_at: 0,
        }
    }

    /// `None` before CONNECT.
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// From the next packet on, such as when a connection has been let in.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The first packet of `input` and the number of bytes it took; or `None` when more bytes are
    /// needed. `input` must begin with the first byte not yet consumed.
    ///
    /// # Errors
    ///
    /// The bytes are no MQTT, or a limit is passed. The stream cannot be read any further.
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
        if input.len() < header.end && (ALWAYS_LOOK..self.look_at).contains(&input.len()) {
            return Ok(None);
        }
        let there = &input[..input.len().min(header.end)];
        let mut reader = Reader::new(there, header.bytes, header.end);
        match decode::packet(&mut context, &header, &mut reader) {
            Ok(packet) => {
                self.version = Some(context.version);
                self.look_at = 0;
                Ok(Some((packet, header.end)))
            }
            Err(stop) => {
                self.look_at = 2 * input.len();
                context.stopped(stop, Some(header.packet))
            }
        }
    }

    /// As far as it can be told without the bytes behind it.
    #[inline]
    fn header(&self, context: &Context, input: &[u8]) -> Result<Header, Stop> {
        let (&first, behind) = input.split_first().ok_or(Stop::More)?;
        let (code, flags) = (first >> 4, first & FLAGS);
        let Some(packet) = PacketType::of(code, context.version) else {
            return fault(Fault::ReservedType(code), 0);
        };
        self.check_place(packet)?;
        check_flags(context, packet, flags)?;
        let (length, length_bytes, minimal) = match variable(behind) {
            Variable::Unfinished => return Err(Stop::More),
            Variable::TooLong => return fault(Fault::LengthTooLong, 1),
            Variable::Read {
                value,
                bytes,
                minimal,
            } => (value, bytes, minimal),
        };
        // What CONNECT may do is known when it has said its version.
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

    /// Whether a packet of that type may come here and now.
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

/// [MQTT-2.1.3-1]; those of PUBLISH are read with it.
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

/// Up to here an unfinished packet is looked at whenever some of it arrives.
const ALWAYS_LOOK: usize = 256;

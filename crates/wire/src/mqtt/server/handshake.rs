//! The handshake, from the first byte to CONNECT: 5.0, 3.1.4.

use super::super::{
    Connect, ConnectReason, DecodeError, Decoder, Due, KeepAlive, Packet, PacketType, Version,
};
use super::config::Config;
use super::connect::{self, Opened};
use super::fault::Fault;
use super::peer::Peer;
use super::refusal::Refusal;

/// A connection before CONNECT.
#[derive(Clone, Debug)]
pub struct Handshake {
    decoder: Decoder,
    config: Config,
    time: KeepAlive,
}

impl Handshake {
    /// Creates the state of a new connection.
    pub const fn new(config: &Config, now_ms: u64) -> Self {
        Self {
            decoder: Decoder::before_connect(config.limits),
            config: *config,
            time: KeepAlive::awaiting_handshake(now_ms, config.handshake_ms),
        }
    }

    /// Returns the CONNECT and the number of bytes it used, or `None` if more bytes are needed.
    /// `input` must begin with the first byte of the connection.
    ///
    /// # Errors
    ///
    /// The first packet is not a valid CONNECT, or the CONNECT is not accepted.
    pub fn connect(&mut self, input: &[u8]) -> Result<Option<(Opened, usize)>, Refusal> {
        match self.decoder.decode(input) {
            Ok(None) => Ok(None),
            Ok(Some((Packet::Connect(connect), taken))) => {
                check(&connect)?;
                Ok(Some((Opened::of(&connect, &self.config), taken)))
            }
            // The decoder accepts only CONNECT as the first packet.
            Ok(Some(_)) => Ok(None),
            Err(error) => Err(malformed(error, input)),
        }
    }

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline). The timeout also
    /// covers the time that the caller takes for its decision.
    pub fn deadline(&self) -> Option<u64> {
        self.time.deadline()
    }

    /// Returns the action due.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        self.time.on_deadline(now_ms)
    }
}

/// Checks a CONNECT that is valid as a packet.
fn check(connect: &Connect<'_>) -> Result<(), Refusal> {
    let reason = if connect.properties.authentication_method().is_some() {
        // "If the Server does not support the Authentication Method supplied by the Client"
        // ([MQTT-4.12.0-1]).
        ConnectReason::BadAuthenticationMethod
    } else if connect.client_id.is_empty() && !may_be_anonymous(connect) {
        ConnectReason::ClientIdentifierNotValid
    } else {
        return Ok(());
    };
    Err(Refusal::with_connack(
        &connect::peer(connect),
        reason,
        Fault::NotAccepted { reason },
    ))
}

/// Returns true if the client identifier may be empty: [MQTT-3.1.3-6]; in 3.1.1 only with a clean
/// session ([MQTT-3.1.3-7], [MQTT-3.1.3-8] there); in 3.1 never: its identifiers have "between 1
/// and 23 characters". Longer identifiers are accepted in all versions ([MQTT-3.1.3-5]).
const fn may_be_anonymous(connect: &Connect<'_>) -> bool {
    match connect.version {
        Version::V3_1 => false,
        Version::V3_1_1 => connect.clean_start,
        Version::V5_0 => true,
    }
}

/// [MQTT-3.1.4-1]: "the Server MUST validate that the CONNECT packet matches the format" and close
/// the connection otherwise. It may send a CONNACK first; this is done if the client is known to
/// speak MQTT.
fn malformed(error: DecodeError, input: &[u8]) -> Refusal {
    let fault = Fault::Malformed(error);
    let reason = error.connect_reason();
    let version = match error.packet {
        Some(PacketType::Connect) => reply_version(input),
        _ => None,
    };
    let Some(version) = version else {
        return Refusal::silent(fault);
    };
    let peer = Peer {
        version,
        maximum_packet_size: u32::MAX,
        problem_information: true,
    };
    Refusal::with_connack(&peer, reason, fault)
}

/// Returns the version of the CONNACK for a client whose CONNECT is not accepted: "MAY send a
/// CONNACK packet with Reason Code 0x84" ([MQTT-3.1.2-2]), or return code 1 of 3.1.1. Unknown
/// levels above 5 are treated as successors of 5.0; bridges set the highest bit
/// ([`Version::BRIDGE`]).
fn reply_version(input: &[u8]) -> Option<Version> {
    const LEVEL_BEYOND_5: std::ops::RangeInclusive<u8> = 6..=0x7F;
    let length_end = input.iter().skip(1).position(|&byte| byte < 0x80)?;
    let body = input.get(length_end + 2..)?;
    let named = |name: &[u8]| body.strip_prefix(name).and_then(<[u8]>::first).copied();
    if named(b"\x00\x06MQIsdp").is_some() {
        return Some(Version::V3_1);
    }
    match named(b"\x00\x04MQTT")? {
        5 => Some(Version::V5_0),
        level if LEVEL_BEYOND_5.contains(&level) => Some(Version::V5_0),
        _ => Some(Version::V3_1_1),
    }
}

//! Refusal of a connection.

use super::super::{Connack, ConnectReason, Packet, Version};
use super::fault::Fault;
use super::peer::Peer;

/// The fault and the CONNACK for the client, which is empty if none may be sent. Close the
/// connection after sending it ([MQTT-3.1.4-2], [MQTT-3.2.2-7]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The fault.
    pub fault: Fault,
    /// The encoded CONNACK, or empty.
    pub connack: Vec<u8>,
}

impl Refusal {
    /// Creates a refusal without a CONNACK.
    pub(super) const fn silent(fault: Fault) -> Self {
        Self {
            fault,
            connack: Vec::new(),
        }
    }

    pub(super) fn with_connack(peer: &Peer, reason: ConnectReason, fault: Fault) -> Self {
        let mut out = Vec::new();
        connack(peer, reason, &fault.to_string(), &mut out);
        Self {
            fault,
            connack: out,
        }
    }
}

/// Writes a CONNACK that refuses the connection. Session Present is false ([MQTT-3.2.2-6]). Before
/// 5.0 most reasons have no return code, and then "the Server MUST close the Network Connection
/// without sending a CONNACK" ([MQTT-3.2.2-6] of 3.1.1).
pub(super) fn connack(peer: &Peer, reason: ConnectReason, text: &str, out: &mut Vec<u8>) {
    if reason.return_code().is_none() && peer.version < Version::V5_0 {
        return;
    }
    let mut scratch = Vec::new();
    let problem = peer.problem(text, &mut scratch);
    // If the packet is too large, the connection is closed without it.
    let _ = peer.write(problem, out, |properties| {
        Packet::Connack(Connack {
            session_present: false,
            reason,
            properties,
        })
    });
}

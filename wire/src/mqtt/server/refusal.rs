//! A connection that does not come about.

use super::super::{Connack, ConnectReason, Packet, Version};
use super::fault::Fault;
use super::peer::Peer;

/// Why, and what the client is told: a CONNACK, or nothing where there may be none. Close the
/// connection when it is sent ([MQTT-3.1.4-2], [MQTT-3.2.2-7]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub fault: Fault,
    pub connack: Vec<u8>,
}

impl Refusal {
    /// Without a word.
    pub(super) const fn silent(fault: Fault) -> Self {
        Self {
            fault,
            connack: Vec::new(),
        }
    }

    pub(super) fn told(peer: &Peer, reason: ConnectReason, fault: Fault) -> Self {
        let mut out = Vec::new();
        connack(peer, reason, &fault.to_string(), &mut out);
        Self {
            fault,
            connack: out,
        }
    }
}

/// [MQTT-3.2.2-6]: no session is present. Before 5.0 most reasons have no return code, and then "the
/// Server MUST close the Network Connection without sending a CONNACK" ([MQTT-3.2.2-6] of 3.1.1).
pub(super) fn connack(peer: &Peer, reason: ConnectReason, text: &str, out: &mut Vec<u8>) {
    if reason.return_code().is_none() && peer.version < Version::V5_0 {
        return;
    }
    let mut scratch = Vec::new();
    let problem = peer.problem(text, &mut scratch);
    // Nothing is left to be done if it does not fit.
    let _ = peer.write(problem, out, |properties| {
        Packet::Connack(Connack {
            session_present: false,
            reason,
            properties,
        })
    });
}

//! CONNACK: 5.0, 3.2. Properties with their default values are omitted.

use super::super::{Connack, ConnectReason, List, Packet, Property};
use super::config::Config;
use super::connect::Opened;
use super::fault::Fault;
use super::session::Session;

/// The values of CONNACK that the caller determines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greeting<'a> {
    /// True if an existing session continues ([MQTT-3.2.2-2], [MQTT-3.2.2-3]).
    pub session_present: bool,
    /// The assigned client identifier, if the client sent none ([MQTT-3.2.2-16]).
    pub assigned_client_id: Option<&'a str>,
    /// Only sent if the client requested it ([MQTT-3.1.2-28]).
    pub response_information: Option<&'a str>,
}

impl Opened {
    /// Accepts the connection: writes CONNACK and starts keep alive.
    ///
    /// # Errors
    ///
    /// CONNACK exceeds the client's Maximum Packet Size. Nothing is written; close the connection.
    pub fn accept(
        &self,
        config: &Config,
        now_ms: u64,
        greeting: &Greeting<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Session, Fault> {
        let (mut scratch, mut least_scratch) = (Vec::new(), Vec::new());
        let needed = self.needed(config, greeting);
        let response_information = greeting.response_information;
        let response_information = response_information.filter(|_| self.response_information);
        let optional = response_information.map(Property::ResponseInformation);
        let all = needed.clone().chain(optional);
        let all = List::encode(all, &mut scratch).unwrap_or_default();
        let least = List::encode(needed, &mut least_scratch).unwrap_or_default();
        self.peer.write(all, out, |properties| {
            let is_least = properties.is_empty();
            Packet::Connack(Connack {
                session_present: greeting.session_present,
                reason: ConnectReason::Success,
                properties: if is_least { least } else { properties },
            })
        })?;
        Ok(Session::new(self, config, now_ms))
    }

    /// Writes a CONNACK that refuses the connection. Before 5.0 some reasons have no return code:
    /// then nothing is written. Close the connection in both cases ([MQTT-3.2.2-7]).
    pub fn refuse(&self, reason: ConnectReason, text: &str, out: &mut Vec<u8>) {
        super::refusal::connack(&self.peer, reason, text, out);
    }

    fn needed<'a>(
        &self,
        config: &Config,
        greeting: &Greeting<'a>,
    ) -> impl Iterator<Item = Property<'a>> + Clone + use<'a> {
        let (wanted, limit) = (self.wanted, config.limits.packet_bytes);
        let maximum_packet_size = limit.try_into().ok().filter(|_| limit != u32::MAX);
        let receive_maximum = config.receive_maximum;
        let aliases = config.topic_alias_maximum;
        let session_expiry_s = self.session_expiry_s;
        let keep_alive_s = self.keep_alive_s;
        let needed = [
            // 3.2.2.3.2: sent if it differs from the client's request.
            (session_expiry_s != wanted.session_expiry_s)
                .then_some(Property::SessionExpiryInterval(session_expiry_s)),
            (receive_maximum.get() != u16::MAX)
                .then_some(Property::ReceiveMaximum(receive_maximum)),
            maximum_packet_size.map(Property::MaximumPacketSize),
            greeting
                .assigned_client_id
                .map(Property::AssignedClientIdentifier),
            (aliases != 0).then_some(Property::TopicAliasMaximum(aliases)),
            (keep_alive_s != wanted.keep_alive_s)
                .then_some(Property::ServerKeepAlive(keep_alive_s)),
        ];
        needed.into_iter().flatten()
    }
}

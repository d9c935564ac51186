//! Decodes one direction of a connection, for traces. The connection decodes its input itself; a trace does it again.

use std::{collections::HashMap, sync::Arc};

use wire::{
    mqtt::{self, Packet, Role},
    stomp::{self, Command, Item},
};

use super::{
    Traces,
    frame::{Direction, Frame, Identity},
    mqtt as of_mqtt, show_to, stomp as of_stomp,
};
use crate::{clock, connection_control::ClientProtocol};

/// The version of the protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolVersion {
    /// A version of MQTT.
    Mqtt(mqtt::Version),
    /// A version of STOMP.
    Stomp(stomp::Version),
}

/// The decoder of one direction, with what it must remember.
#[derive(Debug)]
pub(super) struct Decoding {
    codec: Codec,
    /// The topics of aliases that were set since the trace began.
    aliases: HashMap<u16, String>,
    /// True after bytes that cannot be decoded. Nothing after them is shown.
    is_broken: bool,
}

#[derive(Debug)]
enum Codec {
    Mqtt(mqtt::Decoder),
    Stomp {
        decoder: stomp::Decoder,
        /// `None` before CONNECT.
        version: Option<stomp::Version>,
    },
}

/// The next part of the input.
pub(super) struct Step<'a> {
    /// The number of bytes that it has.
    pub(super) used: usize,
    /// The frame; `None` for a line end after a frame of STOMP.
    pub(super) frame: Option<Frame<'a>>,
}

impl Decoding {
    /// Returns a decoder for the bytes that the client sends, or that it gets, from now on. `version` is `None` before
    /// CONNECT.
    pub(super) fn new(
        protocol: ClientProtocol,
        version: Option<ProtocolVersion>,
        direction: Direction,
    ) -> Self {
        let role = match direction {
            Direction::In => Role::Server,
            Direction::Out => Role::Client,
        };
        let limits = mqtt::Limits::NONE;
        let codec = match (protocol, version) {
            (_, Some(ProtocolVersion::Mqtt(version))) => {
                Codec::Mqtt(mqtt::Decoder::new(role, version, limits))
            }
            (ClientProtocol::Mqtt, _) => Codec::Mqtt(match role {
                Role::Server => mqtt::Decoder::before_connect(limits),
                Role::Client => mqtt::Decoder::new(role, mqtt::Version::V5_0, limits),
            }),
            (ClientProtocol::Stomp | ClientProtocol::Events, version) => {
                let version = match version {
                    Some(ProtocolVersion::Stomp(version)) => Some(version),
                    _ => None,
                };
                let mut decoder = stomp::Decoder::new(STOMP_LIMITS);
                version.iter().for_each(|one| decoder.set_version(*one));
                Codec::Stomp { decoder, version }
            }
        };
        Self {
            codec,
            aliases: HashMap::new(),
            is_broken: false,
        }
    }

    /// Sets the version of STOMP that CONNECT negotiates.
    pub(super) fn set_stomp_version(&mut self, negotiated: stomp::Version) {
        if let Codec::Stomp { decoder, version } = &mut self.codec {
            decoder.set_version(negotiated);
            *version = Some(negotiated);
        }
    }

    /// Returns the version, if it is known.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        match &self.codec {
            Codec::Mqtt(decoder) => decoder.version().map(ProtocolVersion::Mqtt),
            Codec::Stomp { version, .. } => version.map(ProtocolVersion::Stomp),
        }
    }

    /// Decodes the first frame of the input. `None` if its end has not arrived. `topic` is the topic of a delivery, as MQTT
    /// writes it. Bytes that are no frame are shown as one of the type `malformed`, with the error and without the bytes, which
    /// may contain a password.
    pub(super) fn next<'a>(
        &mut self,
        input: &'a [u8],
        topic: Option<&str>,
        session: &str,
    ) -> Option<Step<'a>> {
        if self.is_broken || input.is_empty() {
            return None;
        }
        let decoded = match &mut self.codec {
            Codec::Mqtt(decoder) => {
                let decoded = decoder.decode(input);
                let version = decoder.version().unwrap_or_default();
                match decoded {
                    Ok(None) => return None,
                    Ok(Some((packet, used))) => {
                        let aliased = self.alias(&packet, topic);
                        Ok((
                            used,
                            Some(of_mqtt::describe(&packet, version, aliased.as_deref())),
                        ))
                    }
                    Err(error) => Err((of_mqtt::protocol(version), error.to_string())),
                }
            }
            Codec::Stomp { decoder, version } => match decoder.decode(input) {
                Ok(None) => return None,
                Ok(Some((Item::HeartBeat, used))) => Ok((used, Some(heart_beat(*version)))),
                Ok(Some((Item::Frame(frame), used))) => {
                    if matches!(frame.command, Command::Connect | Command::Stomp) {
                        *version = of_stomp::negotiated(&frame);
                        version.iter().for_each(|one| decoder.set_version(*one));
                    }
                    Ok((used, Some(of_stomp::describe(&frame, *version, session))))
                }
                Err(error) => Err((of_stomp::protocol(*version), error.to_string())),
            },
        };
        let (used, frame) = match decoded {
            Ok(decoded) => decoded,
            Err((protocol, error)) => {
                self.is_broken = true;
                let frame = Frame {
                    protocol: protocol.into(),
                    frame_type: MALFORMED.into(),
                    error: Some(error),
                    bytes: input.len(),
                    ..Frame::default()
                };
                return Some(Step {
                    used: 0,
                    frame: Some(frame),
                });
            }
        };
        let frame = frame.map(|frame| Frame {
            bytes: used,
            ..frame
        });
        Some(Step { used, frame })
    }

    fn for_each_frame(&mut self, bytes: &[u8], mut act: impl FnMut(&Frame<'_>)) {
        let mut at = 0;
        while let Some(step) = self.next(&bytes[at..], None, "") {
            at += step.used;
            step.frame.iter().for_each(&mut act);
        }
    }

    /// Remembers the topic of an alias, or returns the topic that a packet names by its alias.
    fn alias(&mut self, packet: &Packet<'_>, topic: Option<&str>) -> Option<String> {
        let Packet::Publish(publish) = packet else {
            return None;
        };
        let alias = publish.properties.topic_alias().map(|alias| alias.get());
        match (publish.topic, alias) {
            (Some(topic), Some(alias)) => {
                self.remember(alias, topic.as_str());
                None
            }
            (Some(_), None) => None,
            (None, alias) => topic
                .map(ToOwned::to_owned)
                .or_else(|| self.aliases.get(&alias?).cloned()),
        }
    }

    /// Replaces the topic of an alias. A further alias beyond the bound stays unknown.
    fn remember(&mut self, alias: u16, topic: &str) {
        if self.aliases.len() < MAX_ALIASES || self.aliases.contains_key(&alias) {
            self.aliases.insert(alias, topic.to_owned());
        }
    }
}

fn heart_beat(version: Option<stomp::Version>) -> Frame<'static> {
    Frame {
        protocol: of_stomp::protocol(version).into(),
        frame_type: HEART_BEAT.into(),
        ..Frame::default()
    }
}

/// The first message of a client, which is read before the connection has a tap.
#[derive(Debug, Clone, Copy)]
pub struct FirstMessage<'a> {
    /// The time of its arrival, in Unix milliseconds.
    pub at_ms: u64,
    /// The message, or what has arrived of it.
    pub bytes: &'a [u8],
}

/// Shows the CONNECT of a client.
pub fn show_request(
    traces: &Traces,
    protocol: ClientProtocol,
    identity: &Identity,
    connect: FirstMessage<'_>,
) {
    let FirstMessage { at_ms, bytes } = connect;
    let decoding = Decoding::new(protocol, None, Direction::In);
    show_bytes(traces, decoding, Direction::In, identity, at_ms, bytes);
}

/// Shows a client that was refused: what it sent, the answer, and the reason.
pub fn show_refused(
    traces: &Traces,
    protocol: ClientProtocol,
    identity: &Identity,
    first: FirstMessage<'_>,
    answer: &[u8],
    reason: &str,
) {
    if !traces.is_active() {
        return;
    }
    let now_ms = clock::unix_ms();
    let FirstMessage { at_ms, bytes } = first;
    let (claimed, version) = claimed(protocol, identity, bytes);
    let request = Decoding::new(protocol, None, Direction::In);
    show_bytes(traces, request, Direction::In, &claimed, at_ms, bytes);
    let version = match protocol {
        ClientProtocol::Mqtt => version.or_else(|| version_of_connack(answer)),
        ClientProtocol::Stomp | ClientProtocol::Events => version,
    };
    let reply = Decoding::new(protocol, version, Direction::Out);
    show_bytes(traces, reply, Direction::Out, &claimed, now_ms, answer);
    traces.show(Direction::Out, &claimed, || end(protocol, reason));
}

/// Returns the frame for the end of a connection.
pub(super) fn end(protocol: ClientProtocol, reason: &str) -> Frame<'static> {
    Frame {
        protocol: match protocol {
            ClientProtocol::Mqtt => "MQTT",
            ClientProtocol::Stomp => "STOMP",
            ClientProtocol::Events => "HTTP",
        }
        .into(),
        frame_type: END.into(),
        error: Some(reason.to_owned()),
        ..Frame::default()
    }
}

/// Shows the frames before a connection has a tap.
fn show_bytes(
    traces: &Traces,
    mut decoding: Decoding,
    direction: Direction,
    identity: &Identity,
    at_ms: u64,
    bytes: &[u8],
) {
    let matching = traces.matching(identity);
    if matching.is_empty() {
        return;
    }
    decoding.for_each_frame(bytes, |frame| {
        show_to(&matching, direction, identity, at_ms, frame);
    });
}

/// Adds to an identity what the client claims in its CONNECT. Also returns the version that CONNECT has; `None` if it has no
/// valid one.
fn claimed(
    protocol: ClientProtocol,
    identity: &Identity,
    request: &[u8],
) -> (Identity, Option<ProtocolVersion>) {
    let mut claimed = identity.clone();
    let mut decoding = Decoding::new(protocol, None, Direction::In);
    decoding.for_each_frame(request, |frame| {
        claim(&mut claimed.client, frame, CLIENT_ID_FIELDS);
        claim(&mut claimed.user, frame, USER_FIELDS);
    });
    (claimed, decoding.version())
}

/// Returns the version of the answer to a CONNECT that is not valid: before 5.0 a CONNACK has 2 bytes after its fixed header
/// (3.1.1, 3.2.1).
fn version_of_connack(connack: &[u8]) -> Option<ProtocolVersion> {
    (connack.get(1) == Some(&2)).then_some(ProtocolVersion::Mqtt(mqtt::Version::V3_1_1))
}

/// Sets the client id or the user from a CONNECT, if it is not known.
pub(super) fn claim(known: &mut Option<Arc<str>>, frame: &Frame<'_>, names: [&str; 2]) {
    if !frame.is_connect() || known.is_some() {
        return;
    }
    let mut fields = frame.fields.iter();
    let field = fields.find(|field| names.contains(&&*field.name) && !field.is_content());
    let value = field.map(|field| &*field.value);
    *known = value.filter(|text| !text.is_empty()).map(Into::into);
}

/// The names of the fields of CONNECT, in MQTT and in STOMP.
pub(super) const CLIENT_ID_FIELDS: [&str; 2] = ["Client Identifier", stomp::header::CLIENT_ID];
const USER_FIELDS: [&str; 2] = ["User Name", stomp::header::LOGIN];

/// The type of bytes that are no frame.
const MALFORMED: &str = "malformed";
/// The type of a line end between frames of STOMP.
pub(super) const HEART_BEAT: &str = "heart-beat";
/// The type of the end of a connection.
const END: &str = "end";
/// The connection has its own limits, and ends if they are exceeded.
const STOMP_LIMITS: stomp::Limits = stomp::Limits::FROM_SERVER;
/// Maximum number of aliases that a trace remembers of each direction.
const MAX_ALIASES: usize = 1_000;

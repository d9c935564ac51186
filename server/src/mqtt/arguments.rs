//! The command-line options for MQTT.

use std::num::NonZeroU16;

use broker::Overflow;
use clap::Args;
use wire::mqtt::{
    Limits,
    server::{Config, PayloadCheck},
};

use super::MqttOptions;
use crate::port::Port;

/// The options of `carillon serve` for MQTT.
#[derive(Debug, Args)]
pub struct MqttArguments {
    /// Address and port of MQTT over TCP, a Unix socket such as `unix:/run/carillon/mqtt.sock`, or `off`; port 0 takes any free
    /// port
    /// [default: 127.0.0.1:1883; skipped if it is in use]
    #[arg(long, env = "CARILLON_MQTT", value_name = "ADDRESS:PORT|unix:PATH|off")]
    mqtt: Option<Port>,
    /// Address and port of MQTT over TLS, a Unix socket, or `off`; port 0 takes any free port
    /// [default: 127.0.0.1:8883 with a certificate; skipped if it is in use]
    #[arg(
        long,
        env = "CARILLON_MQTT_TLS",
        value_name = "ADDRESS:PORT|unix:PATH|off"
    )]
    mqtt_tls: Option<Port>,
    /// Maximum keep alive of MQTT 5 clients, in seconds; 0 accepts any
    #[arg(
        long,
        env = "CARILLON_KEEP_ALIVE",
        default_value_t = 0,
        value_name = "SECONDS"
    )]
    keep_alive: u16,
    /// Maximum number of publications of QoS 1 and 2 in flight from an MQTT 5 client
    #[arg(long, env = "CARILLON_RECEIVE_MAXIMUM", default_value_t = Config::RECEIVE_MAXIMUM, value_name = "COUNT")]
    receive_maximum: NonZeroU16,
    /// Maximum number of unacknowledged deliveries of QoS 1 and 2 to an MQTT client, if the client allows as many
    #[arg(
        long,
        env = "CARILLON_MAX_INFLIGHT",
        default_value_t = 1_024,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    max_inflight: u16,
    /// Maximum number of topic aliases of an MQTT 5 client
    #[arg(long, env = "CARILLON_TOPIC_ALIASES", default_value_t = Config::TOPIC_ALIAS_MAXIMUM, value_name = "COUNT")]
    topic_aliases: u16,
    /// Maximum lifetime of MQTT sessions without a connection, in seconds
    #[arg(long, env = "CARILLON_SESSION_EXPIRY", default_value_t = Config::SESSION_EXPIRY_MAXIMUM_S,
          value_name = "SECONDS")]
    session_expiry: u32,
    /// Maximum number of MQTT sessions without a connection. One more ends the oldest of them, first those without
    /// subscriptions and last those with waiting messages of QoS 1 or 2. The sessions of one network address are at
    /// most two thirds of them
    #[arg(
        long,
        env = "CARILLON_MAX_SESSIONS",
        default_value_t = 10_000,
        value_name = "COUNT"
    )]
    max_sessions: usize,
    /// Refuse payloads of MQTT 5 that are marked as UTF-8 and are not UTF-8
    #[arg(long, env = "CARILLON_CHECK_PAYLOADS")]
    check_payloads: bool,
}

impl MqttArguments {
    /// Returns the port for MQTT over TCP.
    pub fn port(&self) -> Port {
        self.mqtt.clone().unwrap_or(Port::if_free(MQTT_PORT))
    }

    /// `None` means the default port if there is a certificate.
    pub fn tls_port(&self) -> Option<Port> {
        self.mqtt_tls.clone()
    }

    /// Returns the maximum number of detached sessions.
    pub fn sessions(&self) -> usize {
        self.max_sessions
    }

    /// Returns the options of the handler. `max_body_bytes` is the maximum size of a payload.
    pub fn options(&self, overflow: Overflow, max_body_bytes: u32) -> MqttOptions {
        MqttOptions {
            machine: Config {
                limits: Limits {
                    packet_bytes: max_body_bytes.saturating_add(PACKET_OVERHEAD),
                    ..Limits::DEFAULT
                },
                receive_maximum: self.receive_maximum,
                topic_alias_maximum: self.topic_aliases,
                keep_alive_maximum_s: self.keep_alive,
                session_expiry_maximum_s: self.session_expiry,
                payload_check: match self.check_payloads {
                    true => PayloadCheck::Utf8,
                    false => PayloadCheck::Trust,
                },
                ..Config::DEFAULT
            },
            overflow,
            inflight: self.max_inflight,
            sessions: self.max_sessions,
            body_bytes: max_body_bytes as usize,
        }
    }
}

/// The standard ports.
const MQTT_PORT: u16 = 1883;
/// Bytes of a packet in addition to the payload: topic and properties.
const PACKET_OVERHEAD: u32 = 64 << 10;

//! The options for MQTT only.

use clap::{ValueEnum, builder::BoolishValueParser};
use wire::mqtt::{QoS, RetainHandling, Version};

/// The options that `pub` and `sub` share.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MqttOptions {
    /// Version of MQTT [default: 5]
    #[arg(long, value_name = "VERSION", env = "CARILLON_MQTT_VERSION")]
    mqtt_version: Option<MqttVersion>,

    /// Quality of service: 0 for at most once, 1 for at least once, 2 for exactly once; with 1 and
    /// 2 the server confirms each published message, and `pub` waits for that [default: 1]
    #[arg(
        long,
        value_name = "0|1|2",
        env = "CARILLON_QOS",
        value_parser = qos
    )]
    qos: Option<QoS>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MqttVersion {
    #[value(name = "3.1.1")]
    V3_1_1,
    #[value(name = "5", alias = "5.0")]
    V5_0,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MqttPublishOptions {
    #[command(flatten)]
    pub common: MqttOptions,

    /// Let the server retain the last message for later subscribers; an empty message clears it
    #[arg(long, env = "CARILLON_PUB_RETAIN", value_parser = BoolishValueParser::new())]
    pub retain: bool,

    /// Seconds after which the messages expire
    #[arg(long, value_name = "SECONDS", env = "CARILLON_PUB_EXPIRY")]
    pub expiry: Option<u32>,

    /// Topic for answers
    #[arg(long, value_name = "TOPIC", env = "CARILLON_PUB_RESPONSE_TOPIC")]
    pub response_topic: Option<String>,

    /// Correlation data that answers repeat
    #[arg(long, value_name = "TEXT", env = "CARILLON_PUB_CORRELATION_DATA")]
    pub correlation_data: Option<String>,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MqttSubscribeOptions {
    #[command(flatten)]
    pub common: MqttOptions,

    /// Let the server keep the subscription and its messages for this time after the end of this
    /// command; the next run with the same --client-id continues it
    #[arg(
        long,
        value_name = "SECONDS|never",
        env = "CARILLON_SUB_SESSION_EXPIRY",
        value_parser = session_expiry,
        requires = "client_id"
    )]
    pub session_expiry: Option<u32>,

    /// Discard the session that the server has kept, and start a new one
    #[arg(
        long,
        env = "CARILLON_SUB_CLEAN",
        value_parser = BoolishValueParser::new(),
        requires = "session_expiry"
    )]
    pub clean: bool,

    /// Do not receive messages that were published with the same --client-id
    #[arg(long, env = "CARILLON_SUB_NO_LOCAL", value_parser = BoolishValueParser::new())]
    pub no_local: bool,

    /// Keep the retain flag of messages that are published while subscribed
    #[arg(long, env = "CARILLON_SUB_RETAIN_AS_PUBLISHED", value_parser = BoolishValueParser::new())]
    pub retain_as_published: bool,

    /// When to receive the retained messages on subscribing [default: always]
    #[arg(long, value_name = "WHEN", env = "CARILLON_SUB_RETAIN_HANDLING")]
    pub retain_handling: Option<Retained>,

    /// Topic of the will, a message that the server publishes if this client is lost
    #[arg(long, value_name = "TOPIC", env = "CARILLON_SUB_WILL_TOPIC")]
    pub will_topic: Option<String>,

    /// Payload of the will; empty by default
    #[arg(
        long,
        value_name = "TEXT",
        env = "CARILLON_SUB_WILL_PAYLOAD",
        allow_hyphen_values = true,
        requires = "will_topic"
    )]
    pub will_payload: Option<String>,

    /// Quality of service of the will [default: that of --qos]
    #[arg(
        long,
        value_name = "0|1|2",
        env = "CARILLON_SUB_WILL_QOS",
        value_parser = qos,
        requires = "will_topic"
    )]
    pub will_qos: Option<QoS>,

    /// Retain the will
    #[arg(
        long,
        env = "CARILLON_SUB_WILL_RETAIN",
        value_parser = BoolishValueParser::new(),
        requires = "will_topic"
    )]
    pub will_retain: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Retained {
    /// Each time this client subscribes
    Always,
    /// Only if the server has not kept the subscription
    New,
    /// Never
    Never,
}

impl Retained {
    pub(crate) const fn handling(self) -> RetainHandling {
        match self {
            Self::Always => RetainHandling::Send,
            Self::New => RetainHandling::SendIfNew,
            Self::Never => RetainHandling::DoNotSend,
        }
    }
}

impl MqttOptions {
    pub(crate) const fn version(&self) -> Version {
        match self.mqtt_version {
            Some(MqttVersion::V3_1_1) => Version::V3_1_1,
            Some(MqttVersion::V5_0) | None => Version::V5_0,
        }
    }

    /// Returns the quality of service. At least once by default, so that the server confirms
    /// messages.
    pub(crate) fn qos(&self) -> QoS {
        self.qos.unwrap_or(QoS::AtLeastOnce)
    }

    const fn given(&self) -> [(&'static str, bool); 2] {
        [
            ("--mqtt-version", self.mqtt_version.is_some()),
            ("--qos", self.qos.is_some()),
        ]
    }
}

impl MqttPublishOptions {
    /// Returns an option for MQTT that was given, or None.
    pub(crate) fn given_option(&self) -> Option<&'static str> {
        let retain = [("--retain", self.retain)];
        let given = self.common.given().into_iter().chain(retain);
        first(given).or_else(|| self.mqtt5_property())
    }

    /// Returns an option that was given and needs a property of MQTT 5, or None.
    pub(crate) fn mqtt5_property(&self) -> Option<&'static str> {
        first([
            ("--expiry", self.expiry.is_some()),
            ("--response-topic", self.response_topic.is_some()),
            ("--correlation-data", self.correlation_data.is_some()),
        ])
    }
}

impl MqttSubscribeOptions {
    /// Returns an option for MQTT that was given, or None.
    pub(crate) fn given_option(&self) -> Option<&'static str> {
        let kept = [
            ("--session-expiry", self.session_expiry.is_some()),
            ("--will-topic", self.will_topic.is_some()),
        ];
        let given = self.common.given().into_iter().chain(kept);
        first(given).or_else(|| self.mqtt5_option())
    }

    /// Returns an option that was given and needs MQTT 5, or None.
    pub(crate) fn mqtt5_option(&self) -> Option<&'static str> {
        first([
            ("--clean", self.clean),
            ("--no-local", self.no_local),
            ("--retain-as-published", self.retain_as_published),
            ("--retain-handling", self.retain_handling.is_some()),
        ])
    }
}

fn first(options: impl IntoIterator<Item = (&'static str, bool)>) -> Option<&'static str> {
    let given = options.into_iter().find(|(_, is_given)| *is_given);
    given.map(|(name, _)| name)
}

fn qos(text: &str) -> Result<QoS, &'static str> {
    let level = text.parse().ok();
    let qos = level.and_then(QoS::from_level);
    qos.ok_or("the value must be 0, 1 or 2")
}

/// "If the Session Expiry Interval is 0xFFFFFFFF (UINT_MAX), the Session does not expire"
/// (3.1.2.11.2).
fn session_expiry(text: &str) -> Result<u32, &'static str> {
    match (text, text.parse()) {
        ("never", _) => Ok(NEVER),
        (_, Ok(seconds)) if seconds > 0 => Ok(seconds),
        _ => Err("the value must be a whole number of seconds, more than 0, or never"),
    }
}

pub(super) const NEVER: u32 = u32::MAX;

//! The MQTT subscription that `sub` requests.

use std::num::NonZeroU16;

use anyhow::{anyhow, bail};
use wire::mqtt::{
    Properties, QoS, Subscription, SubscriptionOptions, TopicFilter, TopicName, Version, Will,
    client::Connect,
};

use super::options::{MqttSubscribeOptions, NEVER};
use crate::subscribe::SubscribeOptions;

/// The checked options of a subscription.
#[derive(Debug)]
pub(crate) struct SubscribeRequest<'o> {
    pub filter: TopicFilter<'o>,
    options: &'o MqttSubscribeOptions,
    will: Option<Will<'o>>,
    reconnect: bool,
}

impl<'o> SubscribeRequest<'o> {
    /// # Errors
    ///
    /// The filter is invalid, or an option needs another version of MQTT or another kind of
    /// subscription.
    pub(crate) fn of(options: &'o SubscribeOptions) -> anyhow::Result<Self> {
        let (source, mqtt) = (options.source.as_str(), &options.mqtt);
        let filter = TopicFilter::parse(source);
        let filter = filter.map_err(|error| anyhow!("\"{source}\": {error}"))?;
        let shared = filter.check_shared();
        let shared = shared.map_err(|error| anyhow!("\"{source}\": {error}"))?;
        if shared.is_some() && mqtt.no_local {
            bail!("--no-local cannot be used with a shared subscription");
        }
        let request = Self {
            filter,
            options: mqtt,
            will: will(mqtt)?,
            reconnect: options.reconnect,
        };
        request.check_version()?;
        Ok(request)
    }

    fn check_version(&self) -> anyhow::Result<()> {
        let Self { options, .. } = self;
        if self.version() == Version::V5_0 {
            return Ok(());
        }
        match (options.mqtt5_option(), options.session_expiry) {
            (Some(option), _) => bail!("{option} needs MQTT 5"),
            (None, Some(seconds)) if seconds != NEVER => {
                bail!("MQTT 3.1.1 has no session expiry: use --session-expiry never")
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn version(&self) -> Version {
        self.options.common.version()
    }

    pub(crate) fn subscription(&self) -> Subscription<'o> {
        let handling = self.options.retain_handling;
        Subscription {
            filter: self.filter,
            options: SubscriptionOptions {
                maximum_qos: self.qos(),
                no_local: self.options.no_local,
                retain_as_published: self.options.retain_as_published,
                retain_handling: handling.map_or_else(Default::default, |when| when.handling()),
            },
        }
    }

    pub(crate) fn qos(&self) -> QoS {
        self.options.common.qos()
    }

    /// Returns true if the server keeps the session after the command ends.
    pub(crate) const fn is_kept(&self) -> bool {
        self.options.session_expiry.is_some()
    }

    /// Returns the CONNECT of the first connection. `client_id` may be empty.
    pub(crate) fn connect<'c>(
        &self,
        client_id: &'c str,
        keep_alive_s: u16,
        window: u64,
    ) -> Connect<'c>
    where
        'o: 'c,
    {
        let window = u16::try_from(window).ok().and_then(NonZeroU16::new);
        Connect {
            client_id,
            clean_start: self.options.clean || !self.is_kept(),
            keep_alive_s,
            session_expiry_s: self.session_expiry_s(),
            receive_maximum: window.unwrap_or(NonZeroU16::MAX),
            will: self.will,
            ..Connect::default()
        }
    }

    /// Returns the session expiry of CONNECT. With `--reconnect`, the session outlives a lost
    /// connection even if it is not kept after the command.
    const fn session_expiry_s(&self) -> u32 {
        match (self.options.session_expiry, self.reconnect) {
            (Some(seconds), _) => seconds,
            (None, true) => RECONNECT_S,
            (None, false) => 0,
        }
    }

    /// Returns true if the session outlives a lost connection.
    pub(crate) fn outlives_connection(&self) -> bool {
        match self.version() {
            Version::V5_0 => self.session_expiry_s() > 0,
            Version::V3_1 | Version::V3_1_1 => self.is_kept(),
        }
    }

    /// Returns the session expiry of DISCONNECT, or None if it is that of CONNECT.
    pub(crate) fn disconnect_expiry(&self) -> Option<u32> {
        (self.outlives_connection() && !self.is_kept()).then_some(0)
    }
}

fn will(options: &MqttSubscribeOptions) -> anyhow::Result<Option<Will<'_>>> {
    let Some(topic) = options.will_topic.as_deref() else {
        return Ok(None);
    };
    let payload = options.will_payload.as_deref().unwrap_or_default();
    Ok(Some(Will {
        qos: options.will_qos.unwrap_or(options.common.qos()),
        retain: options.will_retain,
        properties: Properties::EMPTY,
        topic: TopicName::parse(topic)
            .map_err(|error| anyhow!("--will-topic \"{topic}\": {error}"))?,
        payload: payload.as_bytes(),
    }))
}

/// Session expiry with --reconnect, in seconds.
const RECONNECT_S: u32 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<SubscribeOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn the_session_ends_with_the_command_without_session_expiry() {
        // Expected: clean start, session expiry of CONNECT, session expiry of DISCONNECT.
        let kept = ["a", "--client-id", "me", "--session-expiry"];
        let table: [(&[&str], (bool, u32, Option<u32>)); 6] = [
            (&["a"], (true, 0, None)),
            (&["a", "--reconnect"], (true, RECONNECT_S, Some(0))),
            (
                &["a", "--reconnect", "--mqtt-version", "3.1.1"],
                (true, RECONNECT_S, None),
            ),
            (&[&kept[..], &["60"]].concat(), (false, 60, None)),
            (&[&kept[..], &["never"]].concat(), (false, NEVER, None)),
            (&[&kept[..], &["60", "--clean"]].concat(), (true, 60, None)),
        ];
        for (arguments, expected) in table {
            let options = parse(arguments).unwrap();
            let request = SubscribeRequest::of(&options).unwrap();
            let connect = request.connect("", 10, 7);
            let found = (
                connect.clean_start,
                connect.session_expiry_s,
                request.disconnect_expiry(),
            );
            assert_eq!(found, expected, "{arguments:?}");
            assert_eq!(connect.receive_maximum.get(), 7);
        }
    }

    #[test]
    fn conflicting_options_are_refused_before_connecting() {
        let old = ["a", "--mqtt-version", "3.1.1", "--client-id", "me"];
        let table: [(&[&str], &str); 6] = [
            (&["a/#/b"], "a/#/b"),
            (&["$share/g"], "$share/g"),
            (&["$share/g/a", "--no-local"], "shared subscription"),
            (&["a", "--will-topic", "a/+"], "--will-topic"),
            (
                &[&old[..], &["--session-expiry", "60"]].concat(),
                "--session-expiry never",
            ),
            (
                &[&old[..], &["--retain-handling", "new"]].concat(),
                "--retain-handling needs MQTT 5",
            ),
        ];
        for (arguments, wanted) in table {
            let options = parse(arguments).unwrap();
            let error = SubscribeRequest::of(&options).unwrap_err().to_string();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn invalid_options_are_refused_before_connecting() {
        let table: [(&[&str], &str); 6] = [
            (&["a", "--qos", "3"], "0, 1 or 2"),
            (&["a", "--mqtt-version", "4"], "3.1.1, 5"),
            (&["a", "--session-expiry", "60"], "--client-id"),
            (&["a", "--clean"], "--session-expiry"),
            (
                &["a", "--client-id", "me", "--session-expiry", "0"],
                "more than 0",
            ),
            (&["a", "--will-payload", "x"], "--will-topic"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}

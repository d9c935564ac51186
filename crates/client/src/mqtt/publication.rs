//! `carillon pub` over MQTT.

use anyhow::{anyhow, bail};
use wire::mqtt::{
    Properties, Property, QoS, TopicName, UserProperty, Version,
    client::{Client, Config, Connect, Event, Publication as Message, Published},
};

use super::{
    connection::{Connection, Mqtt, keep_alive_s},
    reason::reason_text,
};
use crate::publish::{Publication, PublishError, PublishOptions};

pub(crate) struct MqttPublication<'o> {
    options: &'o PublishOptions,
    topic: TopicName<'o>,
    response_topic: Option<TopicName<'o>>,
    /// Buffer for the encoded properties of a message.
    scratch: Vec<u8>,
    sent: u64,
    confirmed: u64,
    /// True if the connection was closed without an error.
    is_closed: bool,
}

impl<'o> MqttPublication<'o> {
    /// # Errors
    ///
    /// A topic name is invalid, or an option needs another version of MQTT.
    pub(crate) fn of(options: &'o PublishOptions) -> anyhow::Result<Self> {
        let response_topic = options.mqtt.response_topic.as_deref();
        let publication = Self {
            options,
            topic: topic(&options.destination)?,
            response_topic: response_topic.map(topic).transpose()?,
            scratch: Vec::new(),
            sent: 0,
            confirmed: 0,
            is_closed: false,
        };
        match publication.mqtt5_property() {
            Some(option) if publication.version() != Version::V5_0 => {
                bail!("{option} needs MQTT 5")
            }
            _ => Ok(publication),
        }
    }

    const fn version(&self) -> Version {
        self.options.mqtt.common.version()
    }

    fn qos(&self) -> QoS {
        self.options.mqtt.common.qos()
    }

    /// Returns an option that was given and needs a property of MQTT 5, or None.
    fn mqtt5_property(&self) -> Option<&'static str> {
        if self.options.content_type.is_some() {
            return Some("--content-type");
        }
        if !self.options.headers.is_empty() {
            return Some("--header");
        }
        self.options.mqtt.mqtt5_property()
    }

    fn confirm(&mut self, published: &Published<'_>) -> Result<(), PublishError> {
        if published.reason.is_failure() {
            return Err(PublishError::Message {
                number: published.tag,
                reason: reason_text(published.reason, &published.properties),
            });
        }
        self.confirmed += 1;
        Ok(())
    }
}

impl Publication for MqttPublication<'_> {
    type Machine = Mqtt;

    async fn open(&mut self) -> anyhow::Result<Connection> {
        let options = &self.options.connection;
        let connect = Connect {
            client_id: options.client_id.as_deref().unwrap_or_default(),
            keep_alive_s: keep_alive_s(options.heart_beat),
            ..Connect::default()
        };
        let client = Client::new(&Config::of(self.version()));
        let (connection, _) = Connection::open(options, &connect, client).await?;
        Ok(connection)
    }

    fn has_room(&self, connection: &Connection) -> bool {
        self.qos() == QoS::AtMostOnce || connection.has_room()
    }

    fn send(&mut self, body: &[u8], connection: &mut Connection) -> anyhow::Result<()> {
        let properties = properties(self.options, self.response_topic);
        let message = Message {
            topic: self.topic,
            qos: self.options.mqtt.common.qos(),
            retain: self.options.mqtt.retain,
            properties: Properties::encode(properties, &mut self.scratch)?,
            payload: body,
            tag: self.sent + 1,
        };
        connection.publish(&message)?;
        self.sent += 1;
        Ok(())
    }

    fn take_confirmations(&mut self, connection: &mut Connection) -> Result<(), PublishError> {
        loop {
            match connection.next_event() {
                Ok(Some(Event::Published(published))) => self.confirm(&published)?,
                Ok(Some(Event::Disconnected(disconnected))) => {
                    let reason = reason_text(disconnected.reason, &disconnected.properties);
                    let text = format!("the server ended the connection: {reason}");
                    return Err(PublishError::Other(text));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(lost) => {
                    return Err(PublishError::Other(format!(
                        "the connection was lost: {lost}"
                    )));
                }
            }
        }
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn awaits_confirmation(&self) -> bool {
        self.qos() != QoS::AtMostOnce && self.confirmed < self.sent
    }

    fn confirmed(&self) -> Option<u64> {
        match (self.qos(), self.is_closed) {
            (QoS::AtMostOnce, true) => Some(self.sent),
            (QoS::AtMostOnce, false) => None,
            (QoS::AtLeastOnce | QoS::ExactlyOnce, _) => Some(self.confirmed),
        }
    }

    async fn close(&mut self, connection: Connection) -> anyhow::Result<()> {
        let closed = connection.close(None).await;
        self.is_closed = closed.is_ok();
        match self.qos() {
            QoS::AtMostOnce => closed.map_err(anyhow::Error::msg),
            // All messages are confirmed already.
            QoS::AtLeastOnce | QoS::ExactlyOnce => Ok(()),
        }
    }
}

fn properties<'o>(
    options: &'o PublishOptions,
    response_topic: Option<TopicName<'o>>,
) -> impl Iterator<Item = Property<'o>> {
    let content_type = options.content_type.as_deref();
    let correlation_data = options.mqtt.correlation_data.as_deref();
    let given = [
        options.mqtt.expiry.map(Property::MessageExpiryInterval),
        content_type.map(Property::ContentType),
        response_topic.map(Property::ResponseTopic),
        correlation_data.map(|data| Property::CorrelationData(data.as_bytes())),
    ];
    let headers = options.headers.iter().map(|header| {
        let (name, value) = header.as_pair();
        Property::UserProperty(UserProperty { name, value })
    });
    given.into_iter().flatten().chain(headers)
}

fn topic(text: &str) -> anyhow::Result<TopicName<'_>> {
    TopicName::parse(text).map_err(|error| anyhow!("\"{text}\": {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> PublishOptions {
        crate::options::parse(arguments).unwrap()
    }

    #[test]
    fn options_are_sent_as_properties() {
        let options = parse(&[
            "a/b",
            "--content-type",
            "text/plain",
            "--header",
            "colour=red",
            "--expiry",
            "60",
            "--response-topic",
            "answers",
            "--correlation-data",
            "7",
        ]);
        let publication = MqttPublication::of(&options).unwrap();
        let found: Vec<_> = properties(&options, publication.response_topic).collect();
        let colour = UserProperty {
            name: "colour",
            value: "red",
        };
        let wanted = [
            Property::MessageExpiryInterval(60),
            Property::ContentType("text/plain"),
            Property::ResponseTopic(topic("answers").unwrap()),
            Property::CorrelationData(b"7"),
            Property::UserProperty(colour),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_invalid_publication_is_refused_before_connecting() {
        let table: [(&[&str], &str); 5] = [
            (&["a/+"], "a/+"),
            (&["a/#"], "a/#"),
            (&["a", "--response-topic", "#"], "#"),
            (
                &["a", "--mqtt-version", "3.1.1", "--header", "a=b"],
                "--header needs MQTT 5",
            ),
            (
                &["a", "--mqtt-version", "3.1.1", "--expiry", "1"],
                "--expiry needs MQTT 5",
            ),
        ];
        for (arguments, wanted) in table {
            let options = parse(arguments);
            let Err(error) = MqttPublication::of(&options) else {
                panic!("{arguments:?} is taken");
            };
            assert!(error.to_string().contains(wanted), "{arguments:?}: {error}");
        }
    }
}

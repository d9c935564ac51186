//! CONNECT (5.0, 3.1).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Version;
use super::bytes::{put_binary, put_properties};
use super::packet::sealed;
use super::property::{Properties, SESSION_EXPIRY, Value};

#[derive(Clone, Debug)]
pub struct Connect {
    pub version: Version,
    /// True if the protocol level marks the client as a bridge, as mosquitto's bridges do.
    pub is_bridge: bool,
    pub client_id: String,
    /// Clean Start; before 5.0 Clean Session.
    pub clean: bool,
    pub keep_alive_s: u16,
    pub will: Option<Will>,
    pub properties: Properties,
    pub login: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Will {
    pub topic: String,
    pub body: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Properties,
}

impl Will {
    /// Returns a will with QoS 0, not retained.
    pub fn new(topic: &str, body: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            body: body.into(),
            qos: 0,
            retain: false,
            properties: Vec::new(),
        }
    }

    pub fn with(mut self, property: u8, value: impl Into<Value>) -> Self {
        self.properties.push((property, value.into()));
        self
    }
}

impl Connect {
    /// Returns a CONNECT with a clean start and without keep alive.
    pub fn new(version: Version, client_id: &str) -> Self {
        Self {
            version,
            is_bridge: false,
            client_id: client_id.to_owned(),
            clean: true,
            keep_alive_s: 0,
            will: None,
            properties: Vec::new(),
            login: None,
        }
    }

    /// Returns a CONNECT with a clean start and a new client id.
    pub fn anyone(version: Version) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::new(version, &format!("anyone-{count}"))
    }

    /// Returns a CONNECT for a session that outlives its connection.
    pub fn lasting(version: Version, client_id: &str) -> Self {
        let connect = Self {
            clean: false,
            ..Self::new(version, client_id)
        };
        match version {
            Version::V5 => connect.with(SESSION_EXPIRY, 600),
            _ => connect,
        }
    }

    pub fn with(mut self, property: u8, value: impl Into<Value>) -> Self {
        self.properties.push((property, value.into()));
        self
    }

    pub fn willing(self, will: Will) -> Self {
        Self {
            will: Some(will),
            ..self
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        put_binary(self.version.protocol_name().as_bytes(), &mut rest);
        let bridge = if self.is_bridge { 0x80 } else { 0 };
        rest.push(self.version.level() | bridge);
        rest.push(self.flags());
        rest.extend_from_slice(&self.keep_alive_s.to_be_bytes());
        let is_5 = self.version == Version::V5;
        if is_5 {
            put_properties(&self.properties, &mut rest);
        }
        put_binary(self.client_id.as_bytes(), &mut rest);
        if let Some(will) = &self.will {
            if is_5 {
                put_properties(&will.properties, &mut rest);
            }
            put_binary(will.topic.as_bytes(), &mut rest);
            put_binary(&will.body, &mut rest);
        }
        if let Some((user, password)) = &self.login {
            put_binary(user.as_bytes(), &mut rest);
            put_binary(password.as_bytes(), &mut rest);
        }
        sealed(0x10, &rest)
    }

    fn flags(&self) -> u8 {
        let mut flags = u8::from(self.clean) << 1;
        if let Some(will) = &self.will {
            flags |= 4 | will.qos << 3 | u8::from(will.retain) << 5;
        }
        if self.login.is_some() {
            flags |= 0xC0;
        }
        flags
    }
}

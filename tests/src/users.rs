//! A users file for servers with `--users`.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{Method, Request};
use http_body_util::Full;

use crate::Carillon;
use crate::carillon::{run, run_with_input};
use crate::http::request;
use crate::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use crate::stomp::{Frame, StompClient};

/// A users file in a directory of its own, which is removed when the value is dropped.
pub struct UsersFile {
    directory: PathBuf,
    path: String,
}

impl UsersFile {
    /// Writes a file with this text.
    pub fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-users-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let path = directory.join("users.toml");
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        fs::write(&path, text).expect("a file");
        Self { directory, path }
    }

    /// Writes a file with a user `visitor`, who may publish to and subscribe to topics below `open`. Returns its token, too.
    pub async fn for_visitor() -> (Self, String) {
        let rules = "[users.visitor]\npublish = [\"open.>\"]\nsubscribe = [\"open.>\"]\n";
        let file = Self::new(rules);
        let token = file.token("visitor").await;
        (file, token)
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn text(&self) -> String {
        fs::read_to_string(&self.path).expect("the file")
    }

    /// Replaces the text as a whole.
    pub fn replace(&self, text: &str) {
        let next = self.directory.join("next");
        fs::write(&next, text).expect("a file");
        fs::rename(&next, &self.path).expect("the file");
    }

    /// Writes another file beside it, as a whole.
    pub fn write_beside(&self, name: &str, text: &str) {
        let next = self.directory.join("next-beside");
        fs::write(&next, text).expect("a file");
        fs::rename(&next, self.directory.join(name)).expect("the file");
    }

    /// Replaces a part of the text.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.text();
        assert!(text.contains(from), "{from:?} in {text}");
        self.replace(&text.replace(from, to));
    }

    /// Adds a token for a user. Returns it.
    pub async fn token(&self, user: &str) -> String {
        let name = format!("{user}-token");
        let arguments = ["token", "add", "--users", &self.path, &name, "--user", user];
        let added = run(&arguments).await;
        assert!(added.status.success(), "{added:?}");
        let token = String::from_utf8(added.stdout).expect("a text");
        token.trim_end().to_owned()
    }

    /// Adds a user with a password.
    pub async fn add(&self, user: &str, password: &str) {
        let arguments = ["user", "add", "--users", &self.path, user];
        let added = run_with_input(&arguments, &format!("{password}\n")).await;
        assert!(added.status.success(), "{added:?}");
    }

    /// Starts a server with this file and a port for MQTT.
    pub async fn server(&self, options: &[&str]) -> Carillon {
        Carillon::with_mqtt(&[&["--users", &self.path], options].concat()).await
    }
}

impl Drop for UsersFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns a CONNECT of MQTT with a login.
pub fn mqtt_login(version: Version, client: &str, user: &str, password: &str) -> Connect {
    Connect {
        login: Some((user.to_owned(), password.to_owned())),
        ..Connect::new(version, client)
    }
}

/// Returns a CONNECT of STOMP with a login.
pub fn stomp_login(user: &str, password: &str) -> Frame {
    let connect = Frame::connect().with("login", user);
    connect.with("passcode", password)
}

/// Connects a client of MQTT with a token.
pub async fn mqtt_as(server: &Carillon, version: Version, client: &str, token: &str) -> MqttClient {
    let connect = mqtt_login(version, client, "token", token);
    MqttClient::connect_with(server, &connect).await.0
}

/// Returns the CONNACK that refuses a client of MQTT.
pub async fn mqtt_refusal(server: &Carillon, connect: &Connect) -> Packet {
    let mut client = MqttClient::open(server, connect.version).await;
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
    assert_ne!(connack.reason(), 0, "{connack:?}");
    connack
}

/// Connects a client of STOMP with a token.
pub async fn stomp_as(server: &Carillon, token: &str) -> StompClient {
    let client = StompClient::open(server).await;
    client.connected_with(stomp_login("", token)).await
}

/// Returns the ERROR that refuses a client of STOMP.
pub async fn stomp_refusal(server: &Carillon, connect: Frame) -> Frame {
    let mut client = StompClient::open(server).await;
    client.send(&connect).await;
    client.refusal().await
}

/// Returns a request with a bearer token.
pub fn with_token(
    method: Method,
    url: impl AsRef<str>,
    token: &str,
    body: impl Into<bytes::Bytes>,
) -> Request<Full<bytes::Bytes>> {
    let mut request = request(method, url, body);
    let value = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("authorization", value);
    request
}

/// Returns a request with HTTP Basic.
pub fn with_password(
    method: Method,
    url: impl AsRef<str>,
    user: &str,
    password: &str,
) -> Request<Full<bytes::Bytes>> {
    let mut request = request(method, url, "");
    let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let value = format!("Basic {credentials}").parse().expect("a header");
    request.headers_mut().insert("authorization", value);
    request
}

//! A client that uses rights, the same way at each door.

use std::sync::atomic::{AtomicU32, Ordering};

use harness::Carillon;
use harness::http::{Answer, send};
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::users::{mqtt_login, stomp_login, with_token};
use http::{Method, StatusCode};

use Right::{Browse, Manage, Publish, Receive, Send, Subscribe};

pub const NOT_AUTHORIZED: u8 = 0x87;

/// The body of all messages.
pub const BODY: &str = "body";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Mqtt3,
    Mqtt5,
    MqttOverWebSocket,
    Stomp,
    StompOverWebSocket,
    Http,
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Publish,
    Subscribe,
    Send,
    Receive,
    Browse,
    Manage,
}

/// A client that has come in through a door.
pub struct Visitor<'a> {
    server: &'a Carillon,
    token: &'a str,
    pub client: Client,
}

pub enum Client {
    Mqtt(MqttClient),
    Stomp(StompClient),
    Http,
    Events(Option<EventStream>),
}

impl<'a> Visitor<'a> {
    pub async fn enter(server: &'a Carillon, door: Door, token: &'a str) -> Self {
        // No client takes over the session of another one.
        let id = format!("{door:?}-{}", fresh());
        let mqtt = async |client: MqttClient| {
            let connect = mqtt_login(client.version, &id, "token", token);
            Client::Mqtt(client.connected_with(&connect).await.0)
        };
        let stomp = async |client: StompClient| {
            Client::Stomp(client.connected_with(stomp_login("", token)).await)
        };
        let client = match door {
            Door::Mqtt3 => mqtt(MqttClient::open(server, Version::V3_1_1).await).await,
            Door::Mqtt5 => mqtt(MqttClient::open(server, Version::V5).await).await,
            Door::MqttOverWebSocket => {
                mqtt(MqttClient::over_websocket(server, "/mqtt", Version::V5).await).await
            }
            Door::Stomp => stomp(StompClient::over_tcp(server.address()).await).await,
            Door::StompOverWebSocket => stomp(StompClient::open(server).await).await,
            Door::Http => Client::Http,
            Door::Events => Client::Events(None),
        };
        Self {
            server,
            token,
            client,
        }
    }

    /// Makes a request that needs a right. Returns whether the answer says that it was accepted.
    pub async fn request(&mut self, right: Right, name: &str) -> bool {
        match &mut self.client {
            Client::Mqtt(client) => mqtt_request(client, right, name).await,
            Client::Stomp(client) => stomp_request(client, right, name).await,
            Client::Http => {
                let answer = http_request(self.server, self.token, right, name).await;
                assert!(
                    answer.status != StatusCode::FORBIDDEN || answer.text().contains("is missing")
                );
                answer.status != StatusCode::FORBIDDEN
            }
            Client::Events(stream) => {
                let url = self.server.url(&format!("/api/topics/{name}/events"));
                let request = || with_token(Method::GET, &url, self.token, "");
                if !name.starts_with("open") {
                    let answer = send(request()).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
                    return false;
                }
                *stream = Some(EventStream::of(request()).await);
                true
            }
        }
    }

    /// Returns the body of the next message.
    pub async fn body(&mut self) -> String {
        let mut bodies = match &mut self.client {
            Client::Mqtt(client) => client.bodies(1).await,
            Client::Stomp(client) => client.bodies(1).await,
            Client::Events(Some(stream)) => stream.bodies(1).await,
            Client::Http | Client::Events(None) => panic!("no subscription"),
        };
        bodies.remove(0)
    }

    /// Checks that the server has ended the connection because rights are gone, or refuses what it accepted before.
    pub async fn has_lost(self, right: Right, name: &str) {
        match self.client {
            Client::Mqtt(mut client) => {
                let mut last = None;
                while let Some(packet) = client.next().await {
                    last = Some(packet);
                }
                if client.version.is_5() {
                    let last = last.expect("a DISCONNECT");
                    assert_eq!(
                        (last.kind, last.reason()),
                        (Kind::Disconnect, NOT_AUTHORIZED)
                    );
                }
            }
            Client::Stomp(mut client) => loop {
                let frame = client.frame().await;
                if frame.command != "MESSAGE" {
                    assert_eq!(frame.header("message"), "rights changed", "{frame:?}");
                    break;
                }
            },
            Client::Http => {
                let answer = http_request(self.server, self.token, right, name).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
            }
            Client::Events(stream) => {
                let mut stream = stream.expect("a subscription");
                while stream.next().await.is_some() {}
            }
        }
    }
}

async fn mqtt_request(client: &mut MqttClient, right: Right, name: &str) -> bool {
    let topic = name.replace('.', "/");
    match right {
        Publish | Send => {
            let topic = if right == Send {
                format!("$queue/{topic}")
            } else {
                topic
            };
            let publish = Packet::publication(&topic, BODY, 1);
            client.request(publish, Kind::Puback).await.reason() < 0x80
        }
        Subscribe | Receive => {
            let filter = if right == Receive {
                format!("$queue/{topic}")
            } else {
                topic
            };
            let subscribe = Packet::subscription(&[(&filter, 1)]);
            client.request(subscribe, Kind::Suback).await.reasons[0] < 0x80
        }
        Browse | Manage => panic!("MQTT has no request for this right"),
    }
}

async fn stomp_request(client: &mut StompClient, right: Right, name: &str) -> bool {
    let subscribe = |destination: String| {
        let frame = Frame::new("SUBSCRIBE").with("id", "0");
        frame.with("destination", &destination)
    };
    let frame = match right {
        Publish => Frame::publication(name, BODY),
        Send => Frame::message_to(&format!("/queue/{name}"), BODY),
        Subscribe => subscribe(format!("/topic/{name}")),
        Receive => subscribe(format!("/queue/{name}")),
        Browse => subscribe(format!("/queue/{name}")).with("browser", "true"),
        Manage => panic!("STOMP has no request for this right"),
    };
    client.send(&frame.with("receipt", "r")).await;
    let answer = client.frame().await;
    let is_refused = answer.command == "ERROR";
    let expected = if is_refused { "not authorized" } else { "" };
    assert_eq!(answer.header("message"), expected, "{answer:?}");
    assert_eq!(answer.header("receipt-id"), "r", "{answer:?}");
    !is_refused
}

async fn http_request(server: &Carillon, token: &str, right: Right, name: &str) -> Answer {
    let (method, path) = match right {
        Publish => (Method::POST, format!("/api/topics/{name}")),
        Subscribe => (Method::GET, format!("/api/topics/{name}")),
        Send => (Method::POST, format!("/api/queues/{name}")),
        Browse => (Method::GET, format!("/api/queues/{name}/messages")),
        Manage => (Method::DELETE, format!("/api/queues/{name}")),
        Receive => panic!("HTTP has no request for this right"),
    };
    send(with_token(method, server.url(&path), token, BODY)).await
}

/// Returns a number that is used once.
fn fresh() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

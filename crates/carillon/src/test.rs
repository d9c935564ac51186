//! Servers for the tests of other programs.

use std::{net::SocketAddr, ops::Deref};

use crate::server::Server;

/// Starts a server on free ports of the loopback interface, with everything in memory. It stops when the result is dropped.
///
/// Each test can have a server of its own: a start takes some milliseconds. It works in tests with and without a runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let broker = carillon::test::start();
/// let mut readings = broker.subscribe("sensors.>").unwrap();
/// // The program under test connects to `broker.mqtt_address()`; here the test publishes itself.
/// broker.publish("sensors.roof", "21.5").await.unwrap();
/// assert_eq!(readings.next().await.unwrap().text(), Some("21.5"));
/// # });
/// ```
///
/// # Panics
///
/// If the server cannot start.
pub fn start() -> TestServer {
    let free_port = (std::net::Ipv4Addr::LOCALHOST, 0);
    let server = Server::builder()
        .http(free_port)
        .stomp(free_port)
        .mqtt(free_port)
        .threads(2)
        .start_blocking();
    match server {
        Ok(server) => TestServer { server },
        Err(error) => panic!("the broker for the test does not start: {error}"),
    }
}

/// A server with a listener for each protocol. It gives access to its [`Server`].
#[derive(Debug)]
#[must_use = "dropping the server stops it"]
pub struct TestServer {
    server: Server,
}

impl TestServer {
    /// Returns the address for MQTT.
    #[must_use]
    pub fn mqtt_address(&self) -> SocketAddr {
        Self::bound(self.server.mqtt_address())
    }

    /// Returns the address for STOMP.
    #[must_use]
    pub fn stomp_address(&self) -> SocketAddr {
        Self::bound(self.server.stomp_address())
    }

    /// Returns the address for HTTP and WebSockets as a URL without a slash at its end: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", Self::bound(self.server.http_address()))
    }

    fn bound(address: Option<SocketAddr>) -> SocketAddr {
        address.expect("`start` opens all listeners")
    }
}

impl Deref for TestServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

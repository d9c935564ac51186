//! MQTT on connections without HTTP.

use std::sync::Arc;

use crate::{
    connection::{Prelude, Stream},
    handler::{Caller, ConnectionHandler, turn_away},
    server::Server,
    socket::Socket,
};

#[derive(Clone)]
pub struct MqttHandler {
    server: Arc<Server>,
}

impl MqttHandler {
    pub fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
        }
    }
}

impl ConnectionHandler for MqttHandler {
    async fn serve<S: Socket>(self, caller: Caller<S>) {
        let Caller { socket, permit, .. } = caller;
        let (transport, early) = socket.into_transport();
        let prelude = Prelude::new(Stream, early, self.server.share());
        super::serve(&self.server, transport, prelude).await;
        drop(permit);
    }

    /// Closes without a packet: the client's version is unknown, so there is no form for a reason.
    async fn refuse<S: Socket>(self, socket: S) {
        turn_away(socket, Vec::new()).await;
    }

    /// Returns nothing, for the same reason.
    fn without_tls() -> Vec<u8> {
        Vec::new()
    }
}

//! MQTT without HTTP before it.

use std::sync::Arc;

use crate::{
    connection::{Prelude, Stream},
    listener::{Caller, ConnectionHandler, turn_away},
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

    /// Which version the client speaks is not known, so there is nothing to say it in.
    async fn refuse<S: Socket>(self, socket: S) {
        turn_away(socket, Vec::new()).await;
    }

    /// Likewise.
    fn without_tls() -> Vec<u8> {
        Vec::new()
    }
}

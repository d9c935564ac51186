//! STOMP on connections without HTTP.

use std::sync::Arc;

use wire::stomp::server::{Config, Fault, Session};

use super::Stomp;
use crate::{
    connection::{Prelude, Stream},
    handler::{Caller, ConnectionHandler, turn_away},
    server::Server,
    socket::Socket,
};

#[derive(Clone)]
pub struct StompHandler {
    server: Arc<Server>,
}

impl StompHandler {
    pub fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
        }
    }
}

impl ConnectionHandler for StompHandler {
    async fn serve<S: Socket>(self, caller: Caller<S>) {
        let Caller { socket, permit, .. } = caller;
        let (transport, early) = socket.into_transport();
        let prelude = Prelude::new(Stream, early, self.server.share());
        Stomp::serve(&self.server, transport, prelude, S::NAME).await;
        drop(permit);
    }

    async fn refuse<S: Socket>(self, socket: S) {
        let detail = "the limit of connections is reached";
        turn_away(socket, refusal("too many connections", detail)).await;
    }

    fn without_tls() -> Vec<u8> {
        refusal("no TLS", "this port accepts only TLS")
    }
}

fn refusal(message: &'static str, detail: &'static str) -> Vec<u8> {
    let fault = Fault::refused(message, detail, None);
    let mut answer = Vec::new();
    Session::new(&Config::DEFAULT, 0).error(&fault, &mut answer);
    answer
}

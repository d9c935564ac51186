//! STOMP without HTTP before it.

use std::sync::Arc;

use wire::stomp::server::{Config, Fault, Session};

use super::Stomp;
use crate::{
    connection::{Prelude, Stream},
    listener::{Caller, Door},
    server::Server,
    socket::Socket,
};

#[derive(Clone)]
pub struct StompDoor {
    server: Arc<Server>,
}

impl StompDoor {
    pub fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
        }
    }
}

impl Door for StompDoor {
    async fn serve<S: Socket>(self, caller: Caller<S>) {
        let Caller { socket, guest, .. } = caller;
        let (transport, early) = socket.into_transport();
        let prelude = Prelude::new(Stream, early);
        Stomp::serve(&self.server, transport, prelude, S::NAME).await;
        drop(guest);
    }

    fn no_place() -> Vec<u8> {
        let detail = "the limit of connections is reached here";
        let fault = Fault::refused("too many connections", detail, None);
        let mut answer = Vec::new();
        Session::new(&Config::DEFAULT, 0).error(&fault, &mut answer);
        answer
    }
}

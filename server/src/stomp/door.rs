//! STOMP over plain TCP.

use std::sync::Arc;

use wire::stomp::server::{Config, Fault, Session};

use super::Stomp;
use crate::{
    connection::{Received, Stream},
    listener::{Caller, Door},
    server::Server,
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
    async fn serve(self, caller: Caller) {
        let Caller { socket, guest, .. } = caller;
        let server = &self.server;
        let received = Received::default();
        Stomp::serve(server, (socket, Stream), received, "tcp").await;
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

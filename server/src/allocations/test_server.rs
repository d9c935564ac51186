//! A server with one publisher and some subscribers, on one thread.

use std::{net::Ipv4Addr, sync::Arc};

use clap::Parser as _;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::watch,
};

use super::client::{Client, ClientKind};
use crate::{
    cli::Cli,
    connection::{HandshakeInput, Stream, WebSocket, serve_after},
    handler::ConnectingPeer,
    listeners::Handlers,
    net::{SocketPeer, StreamSocket},
};

pub struct TestServer {
    runtime: Runtime,
    publisher: Client,
    subscribers: Vec<Client>,
    /// Dropping it stops the server.
    _running: watch::Sender<bool>,
}

impl TestServer {
    pub fn new(kind: ClientKind, subscribers: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (running, stopping) = watch::channel(false);
        let cli = Cli::parse_from(["carillon"]);
        let handlers = Arc::new(Handlers::new(
            cli.serve.server_options().expect("valid options"),
            stopping,
        ));
        let (publisher, subscribers) = runtime.block_on(async {
            let mut all = Vec::new();
            for number in 0..subscribers {
                let mut client = connect(&handlers, kind, number).await;
                client.subscribe().await;
                all.push(client);
            }
            (connect(&handlers, kind, subscribers).await, all)
        });
        Self {
            runtime,
            publisher,
            subscribers,
            _running: running,
        }
    }

    /// Publishes a batch, and waits until it has reached all subscribers.
    pub fn round(&mut self) {
        let Self {
            runtime,
            publisher,
            subscribers,
            ..
        } = self;
        runtime.block_on(async {
            publisher.publish().await;
            for subscriber in subscribers {
                subscriber.read_batch().await;
            }
            publisher.read_answers().await;
        });
    }
}

async fn connect(handlers: &Arc<Handlers>, kind: ClientKind, number: usize) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let socket = TcpStream::connect(address).await.expect("a connection");
    let (accepted, _) = listener.accept().await.expect("it was made");
    accepted.set_nodelay(true).expect("an open socket");
    tokio::spawn(serve(Arc::clone(handlers), kind, accepted));
    Client::connect(kind, socket, number).await
}

/// Serves a connection like the listeners.
async fn serve(handlers: Arc<Handlers>, kind: ClientKind, socket: TcpStream) {
    let Handlers {
        server,
        stomp,
        mqtt,
        ..
    } = &*handlers;
    let socket = StreamSocket::from(socket);
    let peer = SocketPeer::Inet((Ipv4Addr::LOCALHOST, 1_234).into());
    let peer = ConnectingPeer::new(peer, None);
    match kind {
        ClientKind::Stomp => {
            let handshake_input = HandshakeInput::new(Stream, Vec::new(), server.partial_message());
            serve_after(stomp.connect(socket, handshake_input, "tcp", peer), ()).await;
        }
        ClientKind::StompOverWebSocket => {
            let handshake_input =
                HandshakeInput::new(WebSocket::new(), Vec::new(), server.partial_message());
            serve_after(stomp.connect(socket, handshake_input, "ws", peer), ()).await;
        }
        ClientKind::Mqtt { .. } => {
            let handshake_input = HandshakeInput::new(Stream, Vec::new(), server.partial_message());
            serve_after(mqtt.connect(socket, handshake_input, peer), ()).await;
        }
        ClientKind::MqttOverWebSocket => {
            let handshake_input =
                HandshakeInput::new(WebSocket::new(), Vec::new(), server.partial_message());
            serve_after(mqtt.connect(socket, handshake_input, peer), ()).await;
        }
    }
}

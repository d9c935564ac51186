//! The attacks on the server while the bystander is served.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use harness::Carillon;
use harness::background::{Background, Progress};
use harness::deadline::eventually;
use harness::flood::{FLOODS, Flood, Target, flood};
use harness::http::{get, post};
use harness::mqtt::{MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

#[derive(Clone, Copy)]
pub enum Attack {
    /// The control run.
    None,
    /// Clients that send without pause.
    Flood { flood: Flood, clients: usize },
    /// Clients that request a page or a listing without pause, on a server with many topics.
    Listing { path: &'static str },
    /// Clients that subscribe to all topics and unsubscribe without pause, on a server with this number of topics.
    Wildcards { topics: usize },
    /// Clients with many acknowledging subscriptions to one topic, which all disconnect at once.
    Leaving,
    /// Clients that request large responses and do not read them.
    Unread,
}

/// The state of an attack that is prepared before the measurement.
pub enum Prepared {
    Nothing,
    Clients(Vec<StompClient>),
}

impl Attack {
    pub fn all() -> Vec<Self> {
        let floods = FLOODS.into_iter().flat_map(|flood| {
            let beside = |clients| Self::Flood { flood, clients };
            [1, 2].map(beside)
        });
        let others = [
            Self::Listing {
                path: "/api/topics?limit=1",
            },
            Self::Listing { path: "/" },
            Self::Listing {
                path: "/api/figures",
            },
            Self::Wildcards { topics: 10_000 },
            Self::Wildcards { topics: 99_000 },
            Self::Leaving,
            Self::Unread,
        ];
        std::iter::once(Self::None)
            .chain(floods)
            .chain(others)
            .collect()
    }

    pub fn server_options(&self) -> &'static [&'static str] {
        match self {
            Self::Unread => &["--queue-length", "100000"],
            _ => &[],
        }
    }

    pub async fn prepare(&self, server: &Carillon) -> Prepared {
        match self {
            Self::None | Self::Flood { .. } => Prepared::Nothing,
            Self::Listing { .. } => make_topics(server, MANY_TOPICS).await,
            Self::Wildcards { topics } => make_topics(server, *topics).await,
            Self::Leaving => Prepared::Clients(acknowledging(server).await),
            Self::Unread => fill_queue(server).await,
        }
    }

    pub async fn start(&self, server: &Carillon, prepared: Prepared) -> Vec<Background> {
        let address = server.address();
        match *self {
            Self::None => Vec::new(),
            Self::Flood {
                flood: kind,
                clients,
            } => {
                let target = Target {
                    address,
                    trust: None,
                };
                let mut running = Vec::new();
                for _ in 0..clients {
                    running.push(flood(kind, &target).await);
                }
                running
            }
            Self::Listing { path } => {
                let url = server.url(path);
                repeat(LISTING_CLIENTS, move |progress| ask(url.clone(), progress)).await
            }
            Self::Wildcards { .. } => {
                repeat(WILDCARD_CLIENTS, move |progress| {
                    wildcards(address, progress)
                })
                .await
            }
            Self::Leaving => {
                // Closing the connections is enough; the thread only makes it happen while the bystander is served.
                let Prepared::Clients(clients) = prepared else {
                    unreachable!("it was prepared so")
                };
                let mut clients = Some(clients);
                vec![Background::repeat(move |_| {
                    drop(clients.take());
                    sleep(PAUSE)
                })]
            }
            Self::Unread => repeat(UNREAD_CLIENTS, move |progress| unread(address, progress)).await,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "none (control run)"),
            Self::Flood { flood, clients } => write!(f, "flood of {}, {clients} ×", flood.name),
            Self::Listing { path } => write!(
                f,
                "{LISTING_CLIENTS} clients ask for `{path}`, {MANY_TOPICS} topics"
            ),
            Self::Wildcards { topics } => write!(
                f,
                "{WILDCARD_CLIENTS} clients subscribe to `>` and unsubscribe, {topics} topics"
            ),
            Self::Leaving => write!(
                f,
                "{LEAVING_CLIENTS} × {SUBSCRIPTIONS} subscriptions with `ack:client` end at once"
            ),
            Self::Unread => write!(f, "{UNREAD_CLIENTS} unread answers of a queue's messages"),
        }
    }
}

/// Starts this number of clients and returns once each has completed a round.
async fn repeat<Work, Round>(clients: usize, work: Work) -> Vec<Background>
where
    Work: FnMut(Progress) -> Round + Clone + Send + 'static,
    Round: Future<Output = ()>,
{
    let start = |_| Background::repeat(work.clone());
    let running: Vec<_> = (0..clients).map(start).collect();
    let idle = || async { running.iter().filter(|one| one.done() == 0).count() };
    eventually("the attack", idle, |idle| *idle == 0).await;
    running
}

/// Publishes one message to each of this number of topics, 1,000 topics for each client: a client that creates more gets
/// no more than its share.
async fn make_topics(server: &Carillon, count: usize) -> Prepared {
    let connect = harness::mqtt::Connect::anyone(Version::V3_1_1);
    for first in (0..count).step_by(1_000) {
        let client = MqttClient::over_tcp(server.address(), Version::V3_1_1).await;
        let mut client = client.connected_with(&connect).await.0;
        let publish = |number| Packet::publication(&format!("many/t{number}"), "x", 0);
        let packets = (first..count.min(first + 1_000)).map(publish);
        let bytes = packets.flat_map(|packet| packet.encode(Version::V3_1_1));
        client.send_bytes(bytes.collect::<Vec<_>>()).await;
        client.ping().await;
    }
    Prepared::Nothing
}

async fn acknowledging(server: &Carillon) -> Vec<StompClient> {
    let mut clients = Vec::new();
    for _ in 0..LEAVING_CLIENTS {
        let mut client = StompClient::over_tcp(server.address())
            .await
            .connected()
            .await;
        let subscribe = |number: usize| {
            let subscribe = Frame::new("SUBSCRIBE").with("destination", "/topic/left");
            subscribe
                .with("id", &number.to_string())
                .with("ack", "client")
                .encode()
        };
        client
            .send_bytes((1..=SUBSCRIPTIONS).flat_map(subscribe).collect::<Vec<_>>())
            .await;
        client.request(Frame::message_to("/topic/ready", "x")).await;
        clients.push(client);
    }
    clients
}

/// Fills a queue with messages of which each byte becomes six bytes of JSON.
async fn fill_queue(server: &Carillon) -> Prepared {
    for _ in 0..QUEUE_MESSAGES {
        let body = vec![1; QUEUE_BODY_BYTES];
        let posted = post(server.url("/api/queues/unread"), "text/plain", body).await;
        assert!(posted.status.is_success(), "{posted:?}");
    }
    Prepared::Nothing
}

async fn ask(url: String, progress: Progress) {
    assert_eq!(get(&url).await.status, 200);
    progress.add(1);
}

/// Subscribes to all topics and unsubscribes without pause, as long as the server reads.
async fn wildcards(address: SocketAddr, progress: Progress) {
    let connect = Frame::new("CONNECT")
        .with("accept-version", "1.2")
        .with("host", "localhost");
    let subscribe = Frame::new("SUBSCRIBE")
        .with("destination", "/topic/>")
        .with("id", "0");
    let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", "0");
    let both = [subscribe.encode(), unsubscribe.encode()].concat();
    let mut socket = TcpStream::connect(address)
        .await
        .expect("a listening server");
    let sent = socket.write_all(&connect.encode()).await;
    sent.expect("an open connection");
    while !progress.is_over() {
        let mut sending = pin!(socket.write_all(&both));
        // The server delays such a connection for longer than an attack lasts.
        let sent = loop {
            match timeout(PAUSE, &mut sending).await {
                Ok(sent) => break sent,
                Err(_) if progress.is_over() => return,
                Err(_) => {}
            }
        };
        sent.expect("an open connection");
        progress.add(1);
    }
}

/// Sends one request and leaves the response unread until the attack is over.
async fn unread(address: SocketAddr, progress: Progress) {
    let mut socket = TcpStream::connect(address)
        .await
        .expect("the server listens");
    let request = "GET /api/queues/unread/messages?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let sent = socket.write_all(request.as_bytes()).await;
    sent.expect("an open connection");
    progress.add(1);
    while !progress.is_over() {
        sleep(PAUSE).await;
    }
}

/// The number that clients create in a second. The default of `--max-topics` has no room for more.
const MANY_TOPICS: usize = 99_000;
const LISTING_CLIENTS: usize = 4;
const WILDCARD_CLIENTS: usize = 20;
const LEAVING_CLIENTS: usize = 50;
const SUBSCRIPTIONS: usize = 999;
const UNREAD_CLIENTS: usize = 30;
const QUEUE_MESSAGES: usize = 16;
const QUEUE_BODY_BYTES: usize = 500_000;
const PAUSE: Duration = Duration::from_millis(50);

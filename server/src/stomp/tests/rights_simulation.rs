//! A seeded simulation of users whose rules change while they are connected, against a plain model of the rules: no sequence
//! of requests of a user reaches a message, a name or a figure for which a right is missing, or leaves an effect. What a user
//! may read arrives.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr},
    task::{Context, Waker},
};

use access::{Right, Users};
use broker::{DestinationKind, TopicName};
use futures_util::FutureExt as _;
use simulation::Random;

use super::{
    Client, TestServer,
    rights_model::{FILTERS, KINDS, Model, NAMES, USERS, matches, token},
};
use crate::{
    access_control::{Credentials, LoginAttempt},
    connection::Protocol as _,
    queues::visible_to_page,
};

struct Simulation {
    server: TestServer,
    random: Random,
    model: Model,
    clients: Vec<SimulatedClient>,
    /// The numbers of accepted messages.
    accepted: HashMap<(DestinationKind, &'static str), u64>,
    /// Makes names, ids and bodies that occur once.
    number: u64,
    covered: Covered,
}

/// A connected client.
struct SimulatedClient {
    /// The index of the user.
    user: usize,
    client: Client,
    subscriptions: HashMap<String, Subscription>,
}

struct Subscription {
    /// The right that its messages need.
    right: Right,
    /// For a topic subscription that begins with the next message: its filter, and the bodies that must arrive.
    expected: Option<(&'static str, VecDeque<String>)>,
}

/// The events of a run.
#[derive(Debug, Default)]
struct Covered {
    delivered: u64,
    advised: u64,
    refused: u64,
    revoked: u64,
    kept: u64,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let model = Model::new(&mut random);
        let server = TestServer::with_users(users(&model));
        let mut simulation = Self {
            server,
            random,
            model,
            clients: Vec::new(),
            accepted: HashMap::new(),
            number: 0,
            covered: Covered::default(),
        };
        for index in 0..CLIENTS {
            let client = simulation.connect(index % USERS.len());
            simulation.clients.push(client);
        }
        simulation
    }

    fn step(&mut self) {
        let index = self.random.index(CLIENTS);
        match self.random.below(12) {
            0..=4 => self.publish(index),
            5..=8 => self.subscribe(index),
            9 => self.unsubscribe(index),
            10 => self.settle(index),
            _ => match self.random.below(3) {
                0 => self.reconnect(index),
                _ => self.change_rules(),
            },
        }
        for index in 0..CLIENTS {
            let frames = self.clients[index].client.receive();
            self.check(index, &frames);
            let subscriptions = self.clients[index].subscriptions.values();
            for (_, bodies) in subscriptions.filter_map(|one| one.expected.as_ref()) {
                assert!(bodies.is_empty(), "client {index} did not get {bodies:?}");
            }
        }
        self.check_effects();
    }

    fn connect(&mut self, user: usize) -> SimulatedClient {
        let name = format!("client-{}", self.next());
        let token = token(user);
        let credentials = match USERS[user] {
            Some(_) => Credentials::Token(&token),
            None => Credentials::Nothing,
        };
        let attempt = LoginAttempt {
            credentials,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
            protocol: "stomp",
            client: None,
        };
        let access = &self.server.context.access;
        let login = access.log_in(attempt).now_or_never();
        let login = login.expect("tokens need no time").expect("a user");
        let mut context = self.server.context.clone();
        context.principal = access.principal(login, None);
        let mut client = self.server.open_as(&name, context);
        let answer = client.send("CONNECT; accept-version:1.2; host:h; client-id:same");
        assert!(answer[0].starts_with("CONNECTED"), "{answer:?}");
        SimulatedClient {
            user,
            client,
            subscriptions: HashMap::new(),
        }
    }

    fn reconnect(&mut self, index: usize) {
        let user = self.clients[index].user;
        let client = self.connect(user);
        let old = std::mem::replace(&mut self.clients[index], client);
        old.client.disconnect();
    }

    fn publish(&mut self, index: usize) {
        let (kind, name) = (self.kind(), self.name());
        let (right, place) = match kind {
            DestinationKind::Topic => (Right::Publish, "topic"),
            DestinationKind::Queue => (Right::Send, "queue"),
        };
        let body = self.next().to_string();
        let is_allowed = self.model.allows(self.clients[index].user, right, name);
        if is_allowed {
            *self.accepted.entry((kind, name)).or_default() += 1;
        }
        if is_allowed && kind == DestinationKind::Topic {
            for client in &mut self.clients {
                let may_read = self.model.allows(client.user, Right::Subscribe, name);
                for subscription in client.subscriptions.values_mut() {
                    if let Some((filter, bodies)) = &mut subscription.expected
                        && may_read
                        && matches(filter, name)
                    {
                        bodies.push_back(body.clone());
                    }
                }
            }
        }
        let frame = format!("SEND; destination:/{place}/{name}; receipt:r | {body}");
        let is_accepted = self.request(index, &frame);
        assert_eq!(is_accepted, Some(is_allowed), "{frame}");
    }

    fn subscribe(&mut self, index: usize) {
        let id = self.next().to_string();
        let filter = FILTERS[self.random.index(FILTERS.len())];
        let kind = &KINDS[self.random.index(KINDS.len())];
        let is_exact = !filter.contains(['*', '>']);
        if kind.right == Right::Browse && !is_exact {
            return;
        }
        let place = match kind.right {
            Right::Subscribe => "topic",
            _ => "queue",
        };
        let headers = kind.headers.replace("NAME", filter);
        let frame =
            format!("SUBSCRIBE; id:{id}; destination:/{place}/{filter}; receipt:r{headers}");
        let subscription = Subscription {
            right: kind.right,
            expected: kind.is_exact_model.then(|| (filter, VecDeque::new())),
        };
        // Before the request, because the first messages follow its receipt.
        let user = self.clients[index].user;
        let subscriptions = &mut self.clients[index].subscriptions;
        subscriptions.insert(id.clone(), subscription);
        let names = || NAMES.iter().filter(|name| matches(filter, name));
        let allowed = names().filter(|name| self.model.allows(user, kind.right, name));
        let (allowed, all) = (allowed.count(), names().count());
        match self.request(index, &frame) {
            Some(true) if kind.is_durable => assert_eq!(allowed, all, "{frame}"),
            Some(true) => assert!(allowed > 0 || !is_exact, "{frame}"),
            Some(false) if kind.is_durable => {}
            Some(false) => assert_eq!(allowed, 0, "{frame}"),
            // A durable subscription that is in use.
            None => {}
        }
    }

    /// Subscribes to the advisories, or ends a subscription.
    fn unsubscribe(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let mut ids: Vec<_> = client.subscriptions.keys().cloned().collect();
        ids.sort();
        match ids.get(self.random.index(2 * ids.len())) {
            Some(id) => {
                client.subscriptions.remove(id);
                self.request(index, &format!("UNSUBSCRIBE; id:{id}; receipt:r"));
            }
            None => {
                let id = self.next().to_string();
                let subscription = Subscription {
                    right: Right::Subscribe,
                    expected: None,
                };
                let subscriptions = &mut self.clients[index].subscriptions;
                subscriptions.insert(id.clone(), subscription);
                let destination = "/topic/ActiveMQ.Advisory.>";
                let frame = format!("SUBSCRIBE; id:{id}; destination:{destination}; receipt:r");
                self.request(index, &frame);
            }
        }
    }

    /// Acknowledges or rejects the last message, which may need none.
    fn settle(&mut self, index: usize) {
        let ack = std::mem::take(&mut self.clients[index].client.ack);
        if !ack.is_empty() {
            let command = if self.random.once_in(2) {
                "ACK"
            } else {
                "NACK"
            };
            self.request(index, &format!("{command}; id:{ack}; receipt:r"));
        }
    }

    /// Sends a request. Returns whether it was accepted, `Some(false)` if a right was missing, `None` after another error.
    /// After an error the client connects again.
    fn request(&mut self, index: usize, frame: &str) -> Option<bool> {
        let frames = self.clients[index].client.send(frame);
        self.check(index, &frames);
        let Some(error) = frames.iter().find(|frame| frame.starts_with("ERROR")) else {
            assert!(
                frames.iter().any(|frame| frame.starts_with("RECEIPT")),
                "{frame}"
            );
            return Some(true);
        };
        let is_refused = header(error, "message") == Some("not authorized");
        self.covered.refused += u64::from(is_refused);
        self.reconnect(index);
        is_refused.then_some(false)
    }

    fn change_rules(&mut self) {
        let before = self.model.clone();
        self.model.change(&mut self.random);
        let context = &self.server.context;
        if context.access.replace(users(&self.model)) {
            context.broker.rejoin_wildcards();
        }
        for index in 0..CLIENTS {
            let client = &mut self.clients[index];
            let mut task = Context::from_waker(Waker::noop());
            if client.client.stomp.poll_evicted(&mut task).is_ready() {
                self.covered.revoked += 1;
                self.reconnect(index);
            } else {
                let is_reduced = self.model.is_reduced(client.user, &before);
                assert!(!is_reduced, "client {index} keeps what it lost");
                self.covered.kept += 1;
            }
        }
    }

    /// Checks that a client may have these frames, and that they are the expected ones.
    fn check(&mut self, index: usize, frames: &[String]) {
        let SimulatedClient {
            user,
            subscriptions,
            ..
        } = &mut self.clients[index];
        for frame in frames.iter().filter(|frame| frame.starts_with("MESSAGE")) {
            let destination = header(frame, "destination").expect("a destination");
            let (_, body) = frame.split_once(" | ").unwrap_or_default();
            if let Some(advisory) = destination.strip_prefix("/topic/ActiveMQ.Advisory.") {
                self.covered.advised += 1;
                let mut parts = advisory.splitn(3, '.');
                let about = (parts.next(), parts.next(), parts.next());
                let (kind, name) = match about {
                    (_, Some("Topic"), Some(name)) => (DestinationKind::Topic, name),
                    (_, Some("Queue"), Some(name)) => (DestinationKind::Queue, name),
                    // About no destination.
                    _ => continue,
                };
                assert!(self.model.sees_advisory(*user, kind, name), "{frame}");
                continue;
            }
            self.covered.delivered += 1;
            let id = header(frame, "subscription").expect("a subscription");
            let subscription = subscriptions.get_mut(id);
            let subscription = subscription.unwrap_or_else(|| panic!("{frame}"));
            let (_, name) = destination[1..].split_once('/').expect("a name");
            let is_allowed = self.model.allows(*user, subscription.right, name);
            assert!(is_allowed, "user {:?} got {frame}", USERS[*user]);
            if let Some((_, bodies)) = &mut subscription.expected {
                assert_eq!(bodies.pop_front().as_deref(), Some(body), "{frame}");
            }
        }
    }

    /// Checks what requests have left in the broker, and what each client sees of it.
    fn check_effects(&self) {
        let broker = &self.server.context.broker;
        for text in NAMES {
            let name = TopicName::new(text).expect("a name");
            let published = broker.topic(&name).map_or(0, |topic| topic.sequence);
            let sent = broker.queue(&name).map_or(0, |queue| queue.enqueued);
            let counts = [
                (DestinationKind::Topic, published),
                (DestinationKind::Queue, sent),
            ];
            for (kind, count) in counts {
                let accepted = self.accepted.get(&(kind, text)).copied();
                assert_eq!(count, accepted.unwrap_or_default(), "{kind:?} {text}");
                for client in &self.clients {
                    let principal = &client.client.context.principal;
                    let sees = principal.sees(kind, &name) || principal.check_server().is_ok();
                    assert_eq!(sees, self.model.sees(client.user, kind, text), "{text}");
                }
            }
        }
        for client in &self.clients {
            let principal = &client.client.context.principal;
            let manages = self.model.manages_server(client.user);
            assert_eq!(principal.check_server().is_ok(), manages);
            for queue in visible_to_page(broker, principal).queues {
                let (kind, name) = (DestinationKind::Queue, &queue.name);
                assert!(self.model.sees(client.user, kind, name), "{name}");
            }
        }
    }

    fn kind(&mut self) -> DestinationKind {
        match self.random.once_in(2) {
            true => DestinationKind::Topic,
            false => DestinationKind::Queue,
        }
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.random.index(NAMES.len())]
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

fn users(model: &Model) -> Users {
    let text = model.file();
    Users::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns a header of a frame in the form of the tests.
fn header<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    let head = frame.split(" | ").next()?;
    let mut lines = head.split("; ").filter_map(|line| line.split_once(':'));
    lines.find_map(|(found, value)| (found == name).then_some(value))
}

#[test]
fn a_user_reaches_what_the_rules_allow_and_nothing_else() {
    let seeds = simulation::seeds(SEEDS);
    let is_enough = seeds.count_left() >= simulation::ENOUGH;
    let mut total = Covered::default();
    for seed in seeds {
        let mut simulation = Simulation::new(seed);
        for _ in 0..STEPS {
            simulation.step();
        }
        let covered = simulation.covered;
        total.delivered += covered.delivered;
        total.advised += covered.advised;
        total.refused += covered.refused;
        total.revoked += covered.revoked;
        total.kept += covered.kept;
    }
    let Covered {
        delivered,
        advised,
        refused,
        revoked,
        kept,
    } = total;
    let counts = [delivered, advised, refused, revoked, kept];
    let is_covered = counts.iter().all(|count| *count > 0);
    assert!(is_covered || !is_enough, "{total:?}");
}

/// More than users, so that two clients have the same.
const CLIENTS: usize = 6;
/// Number of runs, and of steps in each.
const SEEDS: u64 = 20;
const STEPS: usize = 200;

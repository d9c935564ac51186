//! Feeds a client's frames to the server's state machine, and formats the results as text for
//! tables.

use std::fmt::{Debug, Write};

use wire::stomp::server::{
    Acknowledge, Config, Fault, Greeting, Request, Send, Session, Subscribe, Transaction,
    Unsubscribe,
};
use wire::stomp::{Decoder, Limits, Version};

pub const GREETING: Greeting<'static> = Greeting {
    server: "Carillon/0.1.0",
    session: "s-1",
};

/// A connection after its CONNECT.
pub struct Conversation {
    pub session: Session,
    decoder: Decoder,
    /// The CONNECTED frame.
    pub greeting: String,
}

impl Conversation {
    /// Creates a connection before its CONNECT.
    pub fn unopened() -> Self {
        Self {
            session: Session::new(&Config::DEFAULT, 0),
            decoder: Decoder::new(Limits::DEFAULT),
            greeting: String::new(),
        }
    }

    #[track_caller]
    pub fn open(connect: &str) -> Self {
        let mut conversation = Self::unopened();
        conversation.heard(connect, |_| {}).expect("a good CONNECT");
        let mut out = Vec::new();
        conversation.session.connected(0, &GREETING, &mut out);
        let version = conversation.session.version();
        conversation.decoder.set_version(version);
        conversation.greeting = String::from_utf8(out).expect("a greeting is text");
        conversation
    }

    pub fn of(version: Version) -> Self {
        Self::open(&format!("CONNECT\naccept-version:{version}\n\n\0"))
    }

    /// Passes the request of a frame to the caller, or returns the fault.
    pub fn heard(&mut self, frame: &str, look: impl FnOnce(&Request<'_>)) -> Result<(), String> {
        let decoded = self.decoder.decode(frame.as_bytes());
        let (item, taken) = decoded
            .map_err(|error| error.to_string())?
            .expect("the tables hold whole frames");
        assert_eq!(taken, frame.len(), "of {frame:?}");
        let request = self.session.request(item);
        look(&request.map_err(|fault| fault.to_string())?);
        Ok(())
    }
}

/// Formats the request or the fault of a frame after a CONNECT of this version.
pub fn asked(version: Version, frame: &str) -> String {
    let mut shown = String::new();
    let heard = Conversation::of(version).heard(frame, |request| shown = show(request));
    match heard {
        Ok(()) => shown,
        Err(fault) => format!("fault: {fault}"),
    }
}

/// Formats a request, without its absent fields.
pub fn show(request: &Request<'_>) -> String {
    match request {
        Request::HeartBeat => "heart-beat".to_owned(),
        Request::Connect(connect) => format!(
            "connect {} host {:?} login {:?} passcode {:?} client-id {:?} heart-beat {}",
            connect.version,
            connect.host,
            connect.login,
            connect.passcode,
            connect.client_id,
            connect.heart_beat
        ),
        Request::Send(send) => show_send(send),
        Request::Subscribe(subscribe) => show_subscribe(subscribe),
        Request::Unsubscribe(unsubscribe) => show_unsubscribe(unsubscribe),
        Request::Ack(acknowledge) => show_acknowledge("ack", acknowledge),
        Request::Nack(acknowledge) => show_acknowledge("nack", acknowledge),
        Request::Begin(transaction) => show_transaction("begin", transaction),
        Request::Commit(transaction) => show_transaction("commit", transaction),
        Request::Abort(transaction) => show_transaction("abort", transaction),
        Request::Disconnect(disconnect) => {
            let mut text = "disconnect".to_owned();
            part(&mut text, "receipt", disconnect.receipt.as_ref());
            text
        }
    }
}

pub fn show_fault(fault: &Fault) -> String {
    let mut text = format!("fault: {fault}");
    part(&mut text, "for receipt", fault.receipt.as_ref());
    text
}

fn show_send(send: &Send<'_>) -> String {
    let mut text = format!("send {}", send.destination);
    part(&mut text, "type", send.content_type.as_ref());
    part(&mut text, "transaction", send.transaction.as_ref());
    part(&mut text, "expires", send.expires);
    if send.retain {
        text += ", retain";
    }
    part(&mut text, "receipt", send.receipt.as_ref());
    for header in send.user_headers() {
        part(&mut text, &header.name(), Some(header.value()));
    }
    text + &format!(" | {}", send.body.escape_ascii())
}

fn show_subscribe(subscribe: &Subscribe<'_>) -> String {
    let mut text = format!(
        "subscribe {:?} {} {}",
        subscribe.identity,
        subscribe.destination,
        subscribe.ack.as_str()
    );
    part(&mut text, "selector", subscribe.selector.as_ref());
    part(&mut text, "prefetch", subscribe.prefetch);
    part(&mut text, "exclusive", subscribe.exclusive.then_some(true));
    part(&mut text, "browser", subscribe.browser.then_some(true));
    let retroactive = subscribe.retroactive.then_some(true);
    part(&mut text, "retroactive", retroactive);
    part(&mut text, "single", subscribe.is_single.then_some(true));
    part(&mut text, "durable", subscribe.durable.as_ref());
    part(&mut text, "since", subscribe.since.as_ref());
    part(&mut text, "overflow", subscribe.overflow);
    part(&mut text, "receipt", subscribe.receipt.as_ref());
    text
}

fn show_unsubscribe(unsubscribe: &Unsubscribe<'_>) -> String {
    let mut text = "unsubscribe".to_owned();
    part(&mut text, "identity", unsubscribe.identity.as_ref());
    part(&mut text, "durable", unsubscribe.durable.as_ref());
    part(&mut text, "receipt", unsubscribe.receipt.as_ref());
    text
}

fn show_acknowledge(command: &str, acknowledge: &Acknowledge<'_>) -> String {
    let mut text = format!("{command} {}", acknowledge.target);
    part(&mut text, "transaction", acknowledge.transaction.as_ref());
    let requeue = (!acknowledge.requeue).then_some(false);
    part(&mut text, "requeue", requeue);
    part(&mut text, "receipt", acknowledge.receipt.as_ref());
    text
}

fn show_transaction(command: &str, transaction: &Transaction<'_>) -> String {
    let mut text = format!("{command} {:?}", transaction.id);
    part(&mut text, "receipt", transaction.receipt.as_ref());
    text
}

fn part(text: &mut String, name: &str, value: Option<impl Debug>) {
    if let Some(value) = value {
        write!(text, ", {name} {value:?}").expect("a string takes everything");
    }
}

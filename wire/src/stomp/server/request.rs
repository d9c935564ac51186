//! What a client may ask for, as typed as the specification makes it.
//!
//! A request borrows from its frame. A frame that does not hold what it must is a [`Cause`].

use std::borrow::Cow;

use super::super::{Command, Frame, Header, HeaderIter, Headers, HeartBeat, Version, header};
use super::fault::{Cause, shown};
use super::identity::Identity;

#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// The peer lives; there is nothing to do.
    HeartBeat,
    /// To be answered with [`Session::connected`](super::Session::connected), or with an error.
    Connect(Connect<'a>),
    Send(Send<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
    /// The last request; close the connection after the receipt.
    Disconnect(Disconnect<'a>),
}

#[derive(Clone, Debug)]
pub struct Connect<'a> {
    /// The highest version that both sides speak.
    pub version: Version,
    /// 1.2 demands it, but the clients most in use leave it out.
    pub host: Option<Cow<'a, str>>,
    pub login: Option<Cow<'a, str>>,
    pub passcode: Option<Cow<'a, str>>,
    pub client_id: Option<Cow<'a, str>>,
    /// What the client offers and wishes; the session has noted it.
    pub heart_beat: HeartBeat,
}

#[derive(Clone, Debug)]
pub struct Send<'a> {
    pub destination: Cow<'a, str>,
    pub content_type: Option<Cow<'a, str>>,
    pub receipt: Option<Cow<'a, str>>,
    pub body: &'a [u8],
    pub headers: Headers<'a>,
}

#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    pub identity: Identity<'a>,
    pub destination: Cow<'a, str>,
    /// `None`: only what is published from now on.
    pub since: Option<Since<'a>>,
    /// `None`: the server's rule.
    pub overflow: Option<Overflow>,
    pub receipt: Option<Cow<'a, str>>,
    pub headers: Headers<'a>,
}

#[derive(Clone, Debug)]
pub struct Unsubscribe<'a> {
    pub identity: Identity<'a>,
    pub receipt: Option<Cow<'a, str>>,
}

#[derive(Clone, Debug)]
pub struct Disconnect<'a> {
    pub receipt: Option<Cow<'a, str>>,
}

/// The header `since`: where in the past a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since<'a> {
    /// The last image of each topic.
    Last,
    /// Behind this sequence of each topic.
    Sequence(u64),
    /// Behind the message of this id. Its form is the caller's to check.
    Message(Cow<'a, str>),
}

/// The header `overflow`: what happens to a reader that lags too far behind. The fourth rule,
/// `block`, is the operator's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    DropOldest,
    Latest,
    Disconnect,
}

impl<'a> Send<'a> {
    /// What is passed on to subscribers, in the order sent.
    pub const fn user_headers(&self) -> UserHeaders<'a> {
        UserHeaders(self.headers.iter())
    }
}

/// See [`header::is_user_defined`].
#[derive(Clone, Debug)]
pub struct UserHeaders<'a>(HeaderIter<'a>);

impl<'a> Iterator for UserHeaders<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        // No escape sequence stands for a letter or a hyphen, so the raw name will do.
        self.0
            .find(|header| header::is_user_defined(header.raw_name))
    }
}

impl<'a> Connect<'a> {
    pub(super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
        let mut connect = Self {
            version: Version::V1_0,
            host: None,
            login: None,
            passcode: None,
            client_id: None,
            heart_beat: HeartBeat::NONE,
        };
        let mut accept_version = None;
        let mut heart_beat = None;
        for header in frame.headers {
            match header.raw_name {
                header::ACCEPT_VERSION => set_first(&mut accept_version, header),
                header::HOST => set_first(&mut connect.host, header),
                header::LOGIN => set_first(&mut connect.login, header),
                header::PASSCODE => set_first(&mut connect.passcode, header),
                header::CLIENT_ID => set_first(&mut connect.client_id, header),
                header::HEART_BEAT => set_first(&mut heart_beat, header),
                _ => {}
            }
        }
        connect.version = negotiated(accept_version)?;
        connect.heart_beat = match heart_beat {
            Some(text) if connect.version.has_heart_beats() => {
                HeartBeat::parse(&text).ok_or_else(|| not_a_heart_beat(&text))?
            }
            _ => HeartBeat::NONE,
        };
        if connect.version.trims_values() {
            connect.trim();
        }
        Ok(connect)
    }

    /// What the decoder could not do: the version was not known before.
    fn trim(&mut self) {
        let values = [
            &mut self.host,
            &mut self.login,
            &mut self.passcode,
            &mut self.client_id,
        ];
        for value in values.into_iter().flatten() {
            *value = match value {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
                Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
            };
        }
    }
}

impl<'a> Send<'a> {
    #[inline]
    pub(super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
        let mut destination = None;
        let mut content_type = None;
        let mut receipt = None;
        for header in frame.headers {
            match header.raw_name {
                header::DESTINATION => set_first(&mut destination, header),
                header::CONTENT_TYPE => set_first(&mut content_type, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::TRANSACTION => return Err(TRANSACTIONS),
                _ => {}
            }
        }
        Ok(Self {
            destination: required(destination, frame, header::DESTINATION)?,
            content_type,
            receipt,
            body: frame.body,
            headers: frame.headers,
        })
    }
}

impl<'a> Subscribe<'a> {
    pub(super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let mut id = None;
        let mut destination = None;
        let mut receipt = None;
        let mut ack = None;
        let mut since = None;
        let mut overflow = None;
        let mut delivery = None;
        for header in frame.headers {
            match header.raw_name {
                header::ID => set_first(&mut id, header),
                header::DESTINATION => set_first(&mut destination, header),
                header::RECEIPT => set_first(&mut receipt, header),
                header::ACK => set_first(&mut ack, header),
                header::SINCE => set_first(&mut since, header),
                header::OVERFLOW => set_first(&mut overflow, header),
                header::DELIVERY => set_first(&mut delivery, header),
                _ => {}
            }
        }
        check_ack(ack.as_deref())?;
        let destination = required(destination, frame, header::DESTINATION)?;
        Ok(Self {
            identity: match id {
                None if !version.needs_subscription_id() => {
                    Identity::Destination(destination.clone())
                }
                id => Identity::Id(required(id, frame, header::ID)?),
            },
            destination,
            since: since.map(Since::read).transpose()?,
            overflow: Overflow::read(overflow.as_deref(), delivery.as_deref())?,
            receipt,
            headers: frame.headers,
        })
    }
}

impl<'a> Unsubscribe<'a> {
    /// 1.0: "It requires either a destination header or an id header (if the previous SUBSCRIBE
    /// operation passed an id value)". From 1.1 on only the id will do.
    pub(super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let id = frame.headers.get(header::ID);
        Ok(Self {
            identity: match id {
                None if !version.needs_subscription_id() => {
                    let destination = frame.headers.get(header::DESTINATION);
                    Identity::Destination(required(destination, frame, header::DESTINATION)?)
                }
                id => Identity::Id(required(id, frame, header::ID)?),
            },
            receipt: frame.headers.get(header::RECEIPT),
        })
    }
}

impl<'a> Disconnect<'a> {
    pub(super) fn read(frame: &Frame<'a>) -> Self {
        Self {
            receipt: frame.headers.get(header::RECEIPT),
        }
    }
}

impl<'a> Since<'a> {
    fn read(value: Cow<'a, str>) -> Result<Self, Cause> {
        if value == "last" {
            return Ok(Self::Last);
        }
        if value.contains('-') {
            return Ok(Self::Message(value));
        }
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(sequence) if is_number => Ok(Self::Sequence(sequence)),
            _ => Err(invalid(
                header::SINCE,
                &value,
                "\"last\", a sequence or a message id",
            )),
        }
    }
}

impl Overflow {
    fn read(overflow: Option<&str>, delivery: Option<&str>) -> Result<Option<Self>, Cause> {
        match (overflow, delivery) {
            (None, None) => Ok(None),
            (None, Some("latest")) => Ok(Some(Self::Latest)),
            (Some(value), None | Some("latest")) => Self::parse(value).map(Some),
            (_, Some(value)) => Err(invalid(header::DELIVERY, value, "\"latest\"")),
        }
    }

    fn parse(value: &str) -> Result<Self, Cause> {
        match value {
            "drop-oldest" => Ok(Self::DropOldest),
            "latest" => Ok(Self::Latest),
            "disconnect" => Ok(Self::Disconnect),
            "block" => Err(invalid(
                header::OVERFLOW,
                value,
                "this rule is the operator's to choose",
            )),
            _ => Err(invalid(
                header::OVERFLOW,
                value,
                "\"drop-oldest\", \"latest\" or \"disconnect\"",
            )),
        }
    }
}

/// What belongs to the acknowledgement of messages and to transactions, refused until they exist.
pub(super) const TRANSACTIONS: Cause = Cause::NotSupported {
    what: "transactions are",
};
pub(super) const ACKNOWLEDGEMENT: Cause = Cause::NotSupported {
    what: "acknowledging messages (ack:client, ack:client-individual, ACK and NACK) is",
};

/// "If the header is not set, it defaults to auto" (STOMP 1.2, "SUBSCRIBE ack Header").
fn check_ack(ack: Option<&str>) -> Result<(), Cause> {
    match ack {
        None | Some("auto") => Ok(()),
        Some("client" | "client-individual") => Err(ACKNOWLEDGEMENT),
        Some(value) => Err(invalid(
            header::ACK,
            value,
            "\"auto\", \"client\" or \"client-individual\"",
        )),
    }
}

/// "If the accept-version header is missing, it means that the client only supports version 1.0"
/// (STOMP 1.2, "Protocol Negotiation").
fn negotiated(accept_version: Option<Cow<'_, str>>) -> Result<Version, Cause> {
    let offered = accept_version.as_deref().unwrap_or("1.0");
    Version::negotiate(offered).ok_or(Cause::UnsupportedVersion)
}

/// "Only the first header entry SHOULD be used" (STOMP 1.2, "Repeated Header Entries").
#[inline]
fn set_first<'a>(slot: &mut Option<Cow<'a, str>>, header: Header<'a>) {
    if slot.is_none() {
        *slot = Some(header.value());
    }
}

#[inline]
fn required<'a>(
    value: Option<Cow<'a, str>>,
    frame: &Frame<'_>,
    name: &'static str,
) -> Result<Cow<'a, str>, Cause> {
    let command = frame.command;
    value.ok_or(Cause::MissingHeader { command, name })
}

fn not_a_heart_beat(text: &str) -> Cause {
    invalid(
        header::HEART_BEAT,
        text,
        "two numbers of milliseconds separated by a comma",
    )
}

fn invalid(name: &'static str, value: &str, expected: &'static str) -> Cause {
    let value = shown(value);
    Cause::InvalidHeader {
        name,
        value,
        expected,
    }
}

/// The frames whose place is kept for later.
pub(super) const fn not_supported(command: Command) -> Option<Cause> {
    match command {
        Command::Ack | Command::Nack => Some(ACKNOWLEDGEMENT),
        Command::Begin | Command::Commit | Command::Abort => Some(TRANSACTIONS),
        _ => None,
    }
}

//! CONNECT, STOMP and DISCONNECT: STOMP 1.2, "Connecting" and "DISCONNECT".

use std::borrow::Cow;

use super::super::super::decoder::is_blank;
use super::super::super::{DecodeError, Frame, HeartBeat, Version, header};
use super::super::fault::Cause;
use super::fields::{invalid, set_first};

/// A CONNECT or STOMP frame.
#[derive(Clone, Debug)]
pub struct Connect<'a> {
    /// The highest common version.
    pub version: Version,
    /// The virtual host. 1.2 requires it, but the most common clients omit it.
    pub host: Option<Cow<'a, str>>,
    /// The user name.
    pub login: Option<Cow<'a, str>>,
    /// The password.
    pub passcode: Option<Cow<'a, str>>,
    /// The name of the client as publisher and as owner of durable subscriptions.
    pub client_id: Option<Cow<'a, str>>,
    /// The client's heart-beat intervals; the session has stored them.
    pub heart_beat: HeartBeat,
}

/// A DISCONNECT.
#[derive(Clone, Debug)]
pub struct Disconnect<'a> {
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
}

impl<'a> Connect<'a> {
    pub(in super::super) fn read(frame: &Frame<'a>) -> Result<Self, Cause> {
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
        check_body(frame, connect.version)?;
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

    /// Trims values in 1.0, which the decoder could not do before the version was known.
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

impl<'a> Disconnect<'a> {
    pub(in super::super) fn read(frame: &Frame<'a>) -> Self {
        Self {
            receipt: frame.headers.get(header::RECEIPT),
        }
    }
}

/// Returns the negotiated version. "If the accept-version header is missing, it means that the
/// client only supports version 1.0" (STOMP 1.2, "Protocol Negotiation").
fn negotiated(accept_version: Option<Cow<'_, str>>) -> Result<Version, Cause> {
    let offered = accept_version.as_deref().unwrap_or("1.0");
    Version::negotiate(offered).ok_or(Cause::UnsupportedVersion)
}

/// The body of CONNECT is ignored in 1.0, which does not say that there is none. From 1.1 on "all
/// other frames MUST NOT have a body" (STOMP 1.2, "Body"); the decoder lets CONNECT pass, because
/// the version is not known before its headers are read.
fn check_body(frame: &Frame<'_>, version: Version) -> Result<(), Cause> {
    let command = frame.command;
    match version.allows_body(command) || is_blank(frame.body) {
        true => Ok(()),
        false => Err(DecodeError::BodyNotAllowed { command }.into()),
    }
}

fn not_a_heart_beat(text: &str) -> Cause {
    invalid(
        header::HEART_BEAT,
        text,
        "two numbers of milliseconds separated by a comma",
    )
}

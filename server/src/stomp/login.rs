//! The login of a STOMP client: its first frame is read before the connection starts, because a password takes long to
//! verify. The connection then reads the frame again.

use std::{borrow::Cow, sync::Arc, time::Duration};

use broker::QuotaCharge;
use tokio::time::{Instant, timeout_at};
use wire::stomp::{
    Decoder,
    server::{self, Connect, Request},
};

use super::handler::{BANNED, StompHandler, refusal};
use crate::{
    access_control::{Credentials, LoginAttempt, LoginError, Principal},
    connection::{CloseReason, EarlyInput, Framing, HandshakeInput},
    connection_control::Visitor,
    handler::ConnectingPeer,
    server::Server,
    stopping::stopped,
    transport::Transport,
};

/// A client that is refused.
pub(super) struct RefusedLogin {
    pub(super) close_reason: CloseReason,
    /// The ERROR that it gets, which may be empty.
    pub(super) answer: Vec<u8>,
}

impl RefusedLogin {
    /// Returns the refusal with an ERROR.
    pub(super) fn new(message: &'static str, detail: String) -> Self {
        Self {
            answer: refusal(message, detail.as_str()),
            close_reason: CloseReason::Fault(detail),
        }
    }
}

impl From<CloseReason> for RefusedLogin {
    fn from(close_reason: CloseReason) -> Self {
        Self {
            close_reason,
            answer: Vec::new(),
        }
    }
}

/// The client's description in its first frame.
struct FirstFrame {
    user: Option<String>,
    password: Option<String>,
    client_id: Option<Arc<str>>,
}

/// A client that may connect.
pub(super) struct Admitted {
    /// The user, with its rights.
    pub(super) principal: Arc<Principal>,
    /// The connection's unit of the user's quota, if there are users.
    pub(super) charge: Option<QuotaCharge>,
}

/// Determines the user of the client, and checks that the client is not banned and that the user may have one more
/// connection.
///
/// # Errors
/// The client is refused, sends no CONNECT in time, or is gone; or the server stops.
pub(super) async fn admit<T: Transport, F: Framing>(
    handler: &StompHandler,
    socket: &T,
    handshake_input: &mut HandshakeInput<F>,
    peer: ConnectingPeer,
) -> Result<Admitted, RefusedLogin> {
    let server = &handler.server;
    let address = peer.address;
    // Before the login, so that a banned address costs no verification of passwords.
    check_ban(server, &Visitor::at(address))?;
    let principal = match server.access.is_open() {
        true => Arc::clone(server.access.open_principal()),
        false => log_in(handler, socket, handshake_input, peer).await?,
    };
    let visitor = Visitor {
        user: principal.user(),
        client: principal.client(),
        address,
    };
    check_ban(server, &visitor)?;
    let charge = principal.account().map(|account| account.connect());
    let charge = charge.transpose();
    let charge = charge.map_err(|error| RefusedLogin::new("quota exceeded", error.to_string()))?;
    Ok(Admitted { principal, charge })
}

fn check_ban(server: &Server, visitor: &Visitor<'_>) -> Result<(), RefusedLogin> {
    let checked = server.connections.check(visitor);
    checked.map_err(|banned| RefusedLogin::new(BANNED, banned.to_string()))
}

/// Reads CONNECT, and determines the user of the client. Credentials of CONNECT have priority over other logins.
///
/// # Errors
/// The client is not accepted, sends no CONNECT in time, or is gone; or the server stops.
async fn log_in<T: Transport, F: Framing>(
    handler: &StompHandler,
    socket: &T,
    handshake_input: &mut HandshakeInput<F>,
    peer: ConnectingPeer,
) -> Result<Arc<Principal>, RefusedLogin> {
    let mut stopping = handler.server.stopping.clone();
    let handshake_time = Duration::from_millis(handler.options.session.handshake_ms.into());
    let until = Instant::now() + handshake_time;
    let logging_in = async {
        let first = read_first_frame(handler, socket, handshake_input).await?;
        let Some(first) = first else {
            // The connection refuses the frame for its own reason.
            return Ok(handler.server.access.without_rights());
        };
        let access = &handler.server.access;
        let login = match (first.credentials(), peer.implicit.signed_in()) {
            (None, Some(login)) => Ok(login.clone()),
            (credentials, _) => {
                let attempt = LoginAttempt {
                    credentials: credentials.unwrap_or(peer.implicit.credentials()),
                    address: peer.address,
                    protocol: "stomp",
                    client: first.client_id.as_deref(),
                };
                access.log_in(attempt).await
            }
        };
        let login = login.map_err(refused)?;
        Ok(access.principal(login, first.client_id))
    };
    tokio::select! {
        done = timeout_at(until, logging_in) => match done {
            Ok(done) => done,
            Err(_) => Err(CloseReason::NoHandshake.into()),
        },
        () = stopped(&mut stopping) => Err(CloseReason::Stopping.into()),
    }
}

/// Returns what CONNECT says; `None` if the first frame is not a valid CONNECT.
async fn read_first_frame<T: Transport, F: Framing>(
    handler: &StompHandler,
    socket: &T,
    handshake_input: &mut HandshakeInput<F>,
) -> Result<Option<FirstFrame>, CloseReason> {
    let mut machine = server::Session::new(&handler.options.session, 0);
    let mut decoder = Decoder::new(handler.options.limits);
    let mut at = 0;
    let find = |input: &EarlyInput| loop {
        match decoder.decode(&input.unread[at..]) {
            Ok(None) => return None,
            Err(_) => return Some(None),
            Ok(Some((item, used))) => match machine.request(item) {
                Ok(Request::HeartBeat) => at += used,
                Ok(Request::Connect(connect)) => return Some(Some(FirstFrame::of(&connect))),
                Ok(_) | Err(_) => return Some(None),
            },
        }
    };
    handshake_input.read_until(socket, find).await
}

impl FirstFrame {
    fn of(connect: &Connect<'_>) -> Self {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let client_id = connect.client_id.as_deref();
        Self {
            user: owned(&connect.login).filter(|user| !user.is_empty()),
            password: owned(&connect.passcode).filter(|password| !password.is_empty()),
            client_id: client_id.filter(|id| !id.is_empty()).map(Into::into),
        }
    }

    /// Returns the credentials. A passcode without a user is a token.
    fn credentials(&self) -> Option<Credentials<'_>> {
        match (self.user.as_deref(), self.password.as_deref()) {
            (None, None) => None,
            (None, Some(token)) => Some(Credentials::Token(token)),
            (Some(user), password) => Some(Credentials::Password {
                user,
                password: password.unwrap_or_default().as_bytes(),
            }),
        }
    }
}

fn refused(error: LoginError) -> RefusedLogin {
    RefusedLogin {
        close_reason: CloseReason::LoginRefused(error.to_string()),
        ..RefusedLogin::new("not authorized", error.to_string())
    }
}

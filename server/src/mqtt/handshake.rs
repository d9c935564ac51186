//! The handshake from the first byte to CONNACK (5.0, 3.1.4): identifies the client, and takes over or creates its
//! session.

use std::sync::Arc;

use broker::{ClientAddress, Pool, PoolError, Quota, QuotaCharge, Reader};
use tokio::time::{Instant, timeout_at};
use wire::mqtt::{
    ConnectReason, Outgoing,
    server::{self, Greeting, Handshake, Opened},
};

use super::{
    Mqtt, MqttParts, SharedState,
    encoder::{ClientOptions, MqttEncoder},
    persistence::Progress,
    properties::InvalidProperties,
    saved_session::{SavedSession, Sent, Subscriptions},
    sessions::ClientIdGuard,
    will::{self, Will, WillError},
};
use crate::{
    access_control::{Credentials, Login, LoginAttempt, LoginError, Principal},
    connection::{
        self, CloseReason, ConnectionParts, Deliverer, EndedConnection, Framing, HandshakeInput,
        MessageType,
    },
    connection_control::{ClientProtocol, NewConnection, Visitor},
    context::ServerContext,
    handler::ConnectingPeer,
    log_rate::LineLimit,
    server::Server,
    stopping::stopped,
    trace::{self, Identity, ProtocolVersion, Tap, Traces},
    transport::Transport,
};

/// Completes the handshake with a peer. Returns the future that serves the connection until one side ends it, or `None` if
/// the peer was refused.
pub async fn connect<T: Transport, F: Framing>(
    server: &Server,
    shared_state: &SharedState,
    socket: T,
    mut handshake_input: HandshakeInput<F>,
    peer: ConnectingPeer,
) -> Option<impl Future<Output = ()> + Send + use<T, F>> {
    let (address, port) = (peer.address, peer.port);
    let principal = Arc::clone(server.access.open_principal());
    let mut context = server.context(server.client_at(address), principal);
    let mut stopping = server.stopping.clone();
    let accepted = tokio::select! {
        accepted = accept_client(shared_state, &mut context, &socket, &mut handshake_input, peer) => accepted,
        () = stopped(&mut stopping) => Err(CloseReason::Stopping.into()),
    };
    let AcceptedClient {
        parts,
        client_options,
        outgoing,
        greeting,
        has_ended_session,
        connection_charge,
    } = match accepted {
        Ok(accepted) => accepted,
        Err(RefusedClient {
            close_reason,
            connack,
        }) => {
            let ended = EndedConnection::unknown(ClientProtocol::Mqtt.name(), address);
            connection::note_end(&server.measurements, ended, &close_reason);
            trace::show_refused(
                &server.traces,
                ClientProtocol::Mqtt,
                &Identity::unknown(address, port),
                handshake_input.first_message(),
                &connack,
                &close_reason.to_string(),
            );
            connection::send_refusal::<T, F>(&socket, &connack, &close_reason).await;
            return None;
        }
    };
    if has_ended_session {
        // CONNACK states that the session is gone, also after a crash.
        context.wait_until_durable().await;
    }
    let client_version = client_options.peer.version;
    let encoder = MqttEncoder::new(&client_options, outgoing);
    let (protocol, reader) = Mqtt::new(&context, parts);
    let listed = context.connections.open(NewConnection {
        session: reader.session(),
        principal: &context.principal,
        protocol: ClientProtocol::Mqtt,
        address,
        port,
        charge: connection_charge,
    });
    let version = ProtocolVersion::Mqtt(client_version);
    let tap = Tap::new(&context.traces, &listed, Some(version));
    if tap.is_active() {
        let identity = Identity::from(&*listed);
        let connect = handshake_input.first_message();
        trace::show_request(&context.traces, ClientProtocol::Mqtt, &identity, connect);
    }
    let connection_parts = ConnectionParts {
        socket,
        framing: handshake_input.framing,
        protocol,
        deliverer: Deliverer { reader, encoder },
        early_input: handshake_input.early_input,
        greeting,
        listed,
        tap,
    };
    Some(connection::serve(context, connection_parts))
}

/// A client that is refused.
#[derive(Debug)]
pub(super) struct RefusedClient {
    close_reason: CloseReason,
    /// The CONNACK that it gets, which may be empty.
    pub connack: Vec<u8>,
}

impl From<CloseReason> for RefusedClient {
    fn from(close_reason: CloseReason) -> Self {
        Self {
            close_reason,
            connack: Vec::new(),
        }
    }
}

/// A client that is accepted.
pub(super) struct AcceptedClient {
    /// The parts of the receiving half.
    pub parts: MqttParts,
    /// The client's options, for the sending half.
    pub client_options: ClientOptions,
    /// Deliveries in flight: those of the continued session, or none.
    pub outgoing: Outgoing<Sent>,
    /// The CONNACK.
    pub greeting: Vec<u8>,
    /// The record of an earlier session was removed.
    pub has_ended_session: bool,
    /// The connection's unit of the user's quota, if there are users.
    pub connection_charge: Option<QuotaCharge>,
}

async fn accept_client<F: Framing>(
    shared_state: &SharedState,
    context: &mut ServerContext,
    socket: &impl Transport,
    handshake_input: &mut HandshakeInput<F>,
    peer: ConnectingPeer,
) -> Result<AcceptedClient, RefusedClient> {
    let config = &shared_state.options.machine;
    let until = Instant::now() + std::time::Duration::from_millis(config.handshake_ms.into());
    let now_ms = context.clock.now_ms();
    let handshake = Handshake::new(config, now_ms);
    let opened = timeout_at(
        until,
        read_connect(handshake, &context.traces, socket, handshake_input),
    )
    .await;
    let opened = opened.map_err(|_| CloseReason::NoHandshake)??;
    let address = peer.address;
    // Before the login, so that a banned address costs no verification of passwords.
    check_ban(context, &opened, &Visitor::at(address))?;
    let logging_in = log_in(context, &opened, peer);
    let login = timeout_at(until, logging_in).await;
    let login = login.map_err(|_| CloseReason::NoHandshake)??;
    let logged_in = LoggedIn { login, address };
    let connecting = ConnectingClient::new(shared_state, context, logged_in, opened)?;
    // The connection that has the client id is woken, and ends at once.
    let owner = connecting.principal.user();
    let Some(id_request) = shared_state.sessions.request(&connecting.client, owner) else {
        let text = "the client id belongs to another user";
        if let Some(unlogged) = FOREIGN_CLIENT_IDS.count() {
            let user = owner.map(|user| &**user);
            tracing::info!(client = %connecting.client, user, unlogged, "{text}");
        }
        return Err(connecting.refused(ConnectReason::ClientIdentifierNotValid, text));
    };
    let Ok(held_client_id) = timeout_at(until, id_request.acquire()).await else {
        return Err(connecting.refused(
            ConnectReason::ServerBusy,
            "the client id is in use by another connection",
        ));
    };
    let id_guard = ClientIdGuard::new(&shared_state.sessions, &connecting.client, held_client_id);
    connecting.begin_session(shared_state, context, id_guard)
}

/// Reads CONNECT.
async fn read_connect<F: Framing>(
    mut handshake: Handshake,
    traces: &Traces,
    socket: &impl Transport,
    handshake_input: &mut HandshakeInput<F>,
) -> Result<Opened, RefusedClient> {
    let found = handshake_input.read_until(socket, |input| {
        if input.message_type == Some(MessageType::Text) {
            return Some(Err(CloseReason::Text.into()));
        }
        match handshake.connect(&input.unread) {
            Ok(found) => found.map(Ok),
            Err(refusal) => Some(Err(RefusedClient {
                close_reason: CloseReason::Fault(refusal.fault.to_string()),
                connack: refusal.connack,
            })),
        }
    });
    let (opened, taken) = found.await??;
    handshake_input.take_first_message(taken, traces);
    Ok(opened)
}

/// Determines the user of the client. Credentials of CONNECT have priority over other logins.
async fn log_in(
    context: &ServerContext,
    opened: &Opened,
    peer: ConnectingPeer,
) -> Result<Login, RefusedClient> {
    let credentials = match (opened.user_name.as_deref(), opened.password.as_deref()) {
        (None, None) => match peer.implicit.signed_in() {
            Some(login) => return Ok(login.clone()),
            None => peer.implicit.credentials(),
        },
        (user, password) => Credentials::Password {
            user: user.unwrap_or_default(),
            password: password.unwrap_or_default(),
        },
    };
    let attempt = LoginAttempt {
        credentials,
        address: peer.address,
        protocol: "mqtt",
        client: Some(&*opened.client_id).filter(|id| !id.is_empty()),
    };
    let login = context.access.log_in(attempt).await;
    login.map_err(|error| {
        let reason = match error {
            LoginError::Required => ConnectReason::NotAuthorized,
            LoginError::Wrong => ConnectReason::BadUserNameOrPassword,
        };
        RefusedClient {
            close_reason: CloseReason::LoginRefused(error.to_string()),
            ..refused(opened, reason, &error.to_string())
        }
    })
}

/// The user of a client, and the client's address.
pub(super) struct LoggedIn {
    /// The user.
    pub login: Login,
    /// The address.
    pub address: ClientAddress,
}

/// A client that is identified and not yet accepted.
pub(super) struct ConnectingClient {
    opened: Opened,
    /// The user, with its rights.
    pub principal: Arc<Principal>,
    /// The client id.
    pub client: Arc<str>,
    /// True if the server has assigned the client id.
    is_assigned: bool,
    will: Option<Will>,
}

impl ConnectingClient {
    /// Creates a client from its CONNECT: assigns a client id if there is none, sets the user of the connection, and checks
    /// the will.
    ///
    /// # Errors
    ///
    /// The client is banned, the will is not valid, or there is no room for it.
    pub fn new(
        shared_state: &SharedState,
        context: &mut ServerContext,
        LoggedIn { login, address }: LoggedIn,
        mut opened: Opened,
    ) -> Result<Self, RefusedClient> {
        let is_assigned = opened.client_id.is_empty();
        let client: Arc<str> = match is_assigned {
            true => shared_state.client_id(),
            false => opened.client_id.clone().into(),
        };
        let principal = context.access.principal(login, Some(Arc::clone(&client)));
        let visitor = Visitor {
            user: principal.user(),
            client: Some(&client),
            address,
        };
        check_ban(context, &opened, &visitor)?;
        context.set_principal(Arc::clone(&principal));
        let will = opened.will.take();
        let will_limits = will::WillLimits {
            client: &context.client,
            principal: &principal,
            body_bytes: shared_state.options.body_bytes,
        };
        let will = will.map(|will| Will::new(will, &client, &will_limits));
        match will.transpose() {
            Ok(will) => Ok(Self {
                opened,
                principal,
                client,
                is_assigned,
                will,
            }),
            Err(error) => {
                let reason = match &error {
                    WillError::Name(_)
                    | WillError::Properties(InvalidProperties::ResponseTopic(_)) => {
                        ConnectReason::TopicNameInvalid
                    }
                    WillError::Properties(InvalidProperties::Schedule(_)) => {
                        ConnectReason::ImplementationSpecificError
                    }
                    WillError::Reserved(_) | WillError::Temporary(_) => {
                        ConnectReason::NotAuthorized
                    }
                    WillError::Forbidden(forbidden) => {
                        context.access.note_forbidden(&principal, forbidden);
                        ConnectReason::NotAuthorized
                    }
                    WillError::TooLarge { .. } | WillError::Pool(_) => ConnectReason::QuotaExceeded,
                };
                Err(refused(&opened, reason, &error.to_string()))
            }
        }
    }

    fn refused(&self, reason: ConnectReason, text: &str) -> RefusedClient {
        refused(&self.opened, reason, text)
    }

    /// Takes over the session, or creates one.
    pub fn begin_session(
        self,
        shared_state: &SharedState,
        context: &ServerContext,
        id_guard: ClientIdGuard,
    ) -> Result<AcceptedClient, RefusedClient> {
        let opened = &self.opened;
        let options = &shared_state.options;
        let own_maximum = options.inflight;
        let now_ms = context.clock.now_ms();
        let keeps_session = opened.session_expiry_s > 0;
        let had_session = id_guard.has_session();
        if keeps_session && !had_session {
            // A session that is continued or replaced needs no more room than before.
            let recorded = context.broker.check_new();
            recorded
                .map_err(|error| self.refused(ConnectReason::QuotaExceeded, &error.to_string()))?;
        }
        let account = self.principal.account();
        let connection_charge = account.map(|account| account.connect()).transpose();
        let connection_charge = connection_charge.map_err(|error| self.quota_used(&error))?;
        let new_charge = match keeps_session && !had_session {
            true => self.take_session_charge()?,
            false => None,
        };
        let mut saved = take_saved_session(context, &id_guard, opened);
        let session_charge = match &mut saved {
            Some(saved) => saved.charge.take(),
            None if keeps_session && had_session => self.take_session_charge()?,
            None => new_charge,
        };
        if saved.is_none()
            && keeps_session
            && let Err(error) = context.client.check_share(Pool::Sessions)
        {
            return Err(self.refused(ConnectReason::QuotaExceeded, &error.to_string()));
        }
        if let Some(saved) = saved.as_ref().filter(|_| !keeps_session) {
            saved.forget(context);
        }
        let mut greeting = Vec::new();
        let machine = match self.accept(shared_state, now_ms, saved.as_ref(), &mut greeting) {
            Ok(machine) => machine,
            Err(refused_client) => {
                if let Some(saved) = &saved {
                    saved.forget(context);
                    saved.end(context);
                }
                return Err(refused_client);
            }
        };
        let is_continued = saved.is_some() && keeps_session;
        let Session {
            reader,
            subscriptions,
            mut outgoing,
            machine,
        } = match saved {
            Some(saved) => Session::resumed(saved, machine, context),
            None => Session::new(&self.client, machine, context),
        };
        outgoing.resume(opened.receive_maximum, own_maximum);
        let session_log = context.session_log.as_ref().filter(|_| keeps_session);
        let progress = session_log.map(|log| {
            Progress::new(
                log.clone(),
                reader.session(),
                self.principal.session_owner(),
                &outgoing,
                machine.unreleased(),
            )
        });
        progress.iter().for_each(|one| id_guard.set_progress(one));
        let client_options = ClientOptions {
            peer: opened.peer,
            topic_alias_maximum: opened.topic_alias_maximum,
            keeps_entries: keeps_session,
            progress: progress.clone(),
        };
        let parts = MqttParts {
            reader,
            id_guard,
            machine,
            subscriptions,
            will: self.will,
            session_expiry_s: opened.session_expiry_s,
            progress,
            session_charge,
            is_bridge: opened.is_bridge,
            max_body_bytes: options.body_bytes,
            overflow: options.overflow,
            prefetch: usize::from(opened.receive_maximum.min(own_maximum)),
        };
        Ok(AcceptedClient {
            parts,
            client_options,
            outgoing,
            greeting,
            has_ended_session: had_session && !is_continued,
            connection_charge,
        })
    }

    /// Takes a session that outlives its connection from the user's quota, if there are users.
    fn take_session_charge(&self) -> Result<Option<QuotaCharge>, RefusedClient> {
        let account = self.principal.account();
        let charge = account.map(|account| account.holder().take(Quota::Sessions));
        charge.transpose().map_err(|error| self.quota_used(&error))
    }

    /// Refuses a client whose user has used up a quota. Before 5.0, "server unavailable" is the closest reason: the client may
    /// try again.
    fn quota_used(&self, error: &PoolError) -> RefusedClient {
        let reason = match self.opened.peer.version.is_5() {
            true => ConnectReason::QuotaExceeded,
            false => ConnectReason::ServerUnavailable,
        };
        self.refused(reason, &error.to_string())
    }

    fn accept(
        &self,
        shared_state: &SharedState,
        now_ms: u64,
        saved: Option<&SavedSession>,
        out: &mut Vec<u8>,
    ) -> Result<server::Session, RefusedClient> {
        let opened = &self.opened;
        let response_information = opened
            .response_information
            .then(|| shared_state.response_information());
        let greeting = Greeting {
            session_present: saved.is_some(),
            assigned_client_id: self.is_assigned.then_some(&*self.client),
            response_information: response_information.as_deref(),
        };
        let config = &shared_state.options.machine;
        opened
            .accept(config, now_ms, &greeting, out)
            .map_err(|fault| CloseReason::Fault(fault.to_string()).into())
    }
}

fn check_ban(
    context: &ServerContext,
    opened: &Opened,
    visitor: &Visitor<'_>,
) -> Result<(), RefusedClient> {
    let checked = context.connections.check(visitor);
    checked.map_err(|banned| refused(opened, ConnectReason::Banned, &banned.to_string()))
}

fn refused(opened: &Opened, reason: ConnectReason, text: &str) -> RefusedClient {
    let mut connack = Vec::new();
    opened.refuse(reason, text, &mut connack);
    RefusedClient {
        close_reason: CloseReason::Fault(text.to_owned()),
        connack,
    }
}

/// Returns the saved session if the client continues it; otherwise ends it ([MQTT-3.1.2-4]).
fn take_saved_session(
    context: &ServerContext,
    id_guard: &ClientIdGuard,
    opened: &Opened,
) -> Option<SavedSession> {
    let detached = *id_guard.take()?;
    if !opened.clean_start && !detached.saved.reader.session().is_ended() {
        // The will is not published ([MQTT-3.1.3-9]).
        return Some(detached.saved);
    }
    detached.saved.forget(context);
    detached.saved.end(context);
    if let Some((_, will)) = detached.will {
        will.publish(context);
    }
    None
}

/// A session and the state that belongs to it.
struct Session {
    reader: Reader,
    subscriptions: Subscriptions,
    outgoing: Outgoing<Sent>,
    machine: server::Session,
}

impl Session {
    fn new(client: &Arc<str>, machine: server::Session, context: &ServerContext) -> Self {
        Self {
            reader: context.create_session(Arc::clone(client)),
            subscriptions: Subscriptions::new(),
            outgoing: Outgoing::new(1, 1),
            machine,
        }
    }

    fn resumed(
        mut saved: SavedSession,
        mut machine: server::Session,
        context: &ServerContext,
    ) -> Self {
        saved.apply_rights(context);
        saved.resume(context);
        machine.resume(saved.incoming);
        Self {
            reader: saved.reader,
            subscriptions: saved.subscriptions,
            outgoing: saved.outgoing,
            machine,
        }
    }
}

/// Limits the lines about client ids that belong to other users.
static FOREIGN_CLIENT_IDS: LineLimit = LineLimit::new();

//! The state of one connection, from its opening to its loss: the socket and the STOMP client state
//! machine.
//!
//! `link` decides what to send and how to act on events.

use wire::stomp::{
    Decoder, Limits,
    client::{Client, Config, Event, Subscribe},
};

use super::{socket::Socket, subscriptions::Request};
use crate::browser::{self, Appointment};

pub struct Talk {
    pub socket: Socket,
    pub client: Client,
    decoder: Decoder,
    /// Bytes of an incomplete frame.
    pub unread: Vec<u8>,
    /// True after the server accepted the WebSocket.
    pub was_open: bool,
    pub live_since_ms: Option<f64>,
    _pulse: Appointment,
}

impl Talk {
    /// `beat` is called often enough for the intervals of heart-beats.
    pub fn new(socket: Socket, beat: impl Fn() + 'static) -> Self {
        Self {
            socket,
            client: Client::new(&Config::DEFAULT, clock()),
            decoder: Decoder::new(Limits::DEFAULT),
            unread: Vec::new(),
            was_open: false,
            live_since_ms: None,
            _pulse: Appointment::every(PULSE_MS, beat),
        }
    }

    /// Returns the first event in `bytes` and the number of bytes it takes; `None` if the event is
    /// not complete yet.
    ///
    /// # Errors
    ///
    /// The bytes violate the protocol.
    pub fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(Event<'a>, usize)>, String> {
        let item = self
            .decoder
            .decode(bytes)
            .map_err(|error| error.to_string())?;
        let Some((item, length)) = item else {
            return Ok(None);
        };
        let event = self
            .client
            .event(clock(), item)
            .map_err(|error| error.to_string())?;
        if matches!(event, Event::Connected(_)) {
            self.live_since_ms = Some(browser::now_ms());
            self.decoder.set_version(self.client.version());
        }
        Ok(Some((event, length)))
    }

    /// Sends the bytes that `write` writes, at once.
    pub fn say(&mut self, write: impl FnOnce(&Client, &mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&self.client, &mut out);
        if !out.is_empty() {
            self.socket.send(&out);
            self.client.sent(clock());
        }
    }
}

pub fn subscribe(client: &Client, request: &Request, out: &mut Vec<u8>) {
    // A topic's name may contain a comma, which otherwise separates destinations.
    let mut headers = vec![("single-destination", "true")];
    headers.extend(request.selector.as_deref().map(|text| ("selector", text)));
    let subscribe = Subscribe {
        id: &request.id,
        destination: &request.destination,
        since: request.since.as_deref(),
        overflow: request.overflow,
        headers: &headers,
        ..Subscribe::default()
    };
    client.subscribe(&subscribe, out);
}

/// Returns the time for the client state machine, in milliseconds.
pub fn clock() -> u64 {
    browser::now_ms() as u64
}

/// Interval of `beat`; heart-beats are seconds apart.
const PULSE_MS: u32 = 1_000;

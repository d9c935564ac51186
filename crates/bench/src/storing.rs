//! The receiver of the messages of the shape `persistent`: a session or a stream for which the
//! server stores them. It exists before the first message, and is removed after the run.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context as _, bail};

use super::{
    dialect::{Arrival, Protocol},
    link::LinkError,
    net::{Handler, Net},
    opening::ConnectionSettings,
};

/// Creates the receiver of the messages of this filter.
///
/// # Errors
///
/// The server refused a request, or does not answer.
pub fn create(settings: &ConnectionSettings, filter: &str) -> anyhow::Result<()> {
    let protocol = settings.route.protocol;
    let frames = protocol.storing(&settings.name, filter, &settings.credentials);
    Conversation::run(settings, frames).context("the server does not prepare to store messages")
}

/// Removes the receiver, with the messages that are stored for it only.
///
/// # Errors
///
/// As [`create`].
pub fn remove(settings: &ConnectionSettings) -> anyhow::Result<()> {
    let protocol = settings.route.protocol;
    let frames = protocol.removal(&settings.name, &settings.credentials);
    Conversation::run(settings, frames).context("the server does not remove what it has stored")
}

/// Requests on a connection of its own. Each is sent after the confirmation of the one before.
struct Conversation {
    frames: VecDeque<Vec<u8>>,
    is_complete: bool,
}

impl Conversation {
    fn run(settings: &ConnectionSettings, frames: Vec<Vec<u8>>) -> anyhow::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        let mut conversation = Self {
            frames: frames.into(),
            is_complete: false,
        };
        let mut net = Net::new()?;
        net.connect(&settings.route, &mut conversation)?;
        while !conversation.is_complete {
            net.poll_once(Duration::from_millis(100), &mut conversation)?;
            if net.now_ns() > TIMEOUT.as_nanos() as u64 {
                bail!("there was no answer within {} s", TIMEOUT.as_secs());
            }
        }
        Ok(())
    }
}

impl Handler for Conversation {
    fn opened(&mut self, _link: usize) -> Vec<u8> {
        self.frames.pop_front().unwrap_or_default()
    }

    fn reading(&mut self, _link: usize, _now_ns: u64) {}

    fn arrived(&mut self, arrival: Arrival<'_>, replies: &mut Vec<u8>) {
        match arrival {
            Arrival::Confirmed => match self.frames.pop_front() {
                Some(frame) => replies.extend_from_slice(&frame),
                None => self.is_complete = true,
            },
            Arrival::Ping => replies.extend_from_slice(Protocol::pong()),
            Arrival::Message { .. } | Arrival::Nothing => {}
        }
    }

    fn lost(&mut self, _link: usize, error: LinkError) -> anyhow::Result<()> {
        Err(error.into())
    }
}

/// Maximum time for all requests. A removal may free many messages.
const TIMEOUT: Duration = Duration::from_secs(30);

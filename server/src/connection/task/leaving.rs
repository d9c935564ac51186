//! The end of a connection's task.

use std::{future::poll_fn, time::Duration};

use tokio::time::timeout;

use super::{Read, Task};
use crate::connection::{
    Ending, Framing, Protocol, Transport,
    farewell::{self, linger},
    framing::Answer,
    inbound::Inbound,
    outlet::Progress,
};

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
    /// Processes what the peer has already sent when the connection ends for another reason, and returns why it ends
    /// finally: the peer's own DISCONNECT takes precedence ([MQTT-3.14.4-3]).
    pub(super) async fn read_remaining(&mut self, ending: Ending) -> Ending {
        match timeout(REMAINING_TIME, self.read_to_the_end()).await {
            Ok(Some(own)) => own,
            // Everything was read, or one of the two bounds is reached.
            Ok(None) | Err(_) => ending,
        }
    }

    /// Reads until the socket is empty. Returns why the peer itself ended the connection, if it did.
    async fn read_to_the_end(&mut self) -> Option<Ending> {
        let mut left = REMAINING_BYTES;
        loop {
            self.yield_to_others().await;
            if !self.blocked.is_empty() {
                let broker = &self.surroundings.broker;
                poll_fn(|context| broker.poll_clear(&mut self.blocked, context.waker())).await;
            }
            let heard = match self.inbound.is_behind() {
                true => self.turn(Inbound::go_on).map(|()| Read::Bytes(0)),
                false => self.read(),
            };
            match heard {
                Ok(Read::Bytes(count)) => left = left.checked_sub(count)?,
                // A broken socket becomes readable: its end, and what arrived before it, are still to be read.
                Ok(Read::Nothing) if self.is_broken => {
                    self.connection.socket.tcp().readable().await.ok()?;
                }
                Ok(Read::Nothing) => return None,
                Err(own) => return Some(own),
            }
        }
    }

    /// Says good-bye and gives the peer time to read it.
    pub(super) async fn dismiss(&mut self, ending: &Ending) {
        self.part(Some(ending));
        let mut farewell = std::mem::take(&mut self.held_replies);
        self.inbound.protocol.dismiss(ending, &mut farewell);
        let mut drained = self.connection.with_outlet(|outlet| {
            outlet.reply(&farewell);
            outlet.answer(Answer::Close(ending.close_code(), &ending.told()));
            outlet.close();
        });
        let connection = &*self.connection;
        let farewell = async {
            while drained.progress == Progress::Full {
                connection.socket.tcp().writable().await?;
                drained = connection.with_outlet(|_| {});
            }
            linger(connection.socket.tcp()).await
        };
        // Late, failed or done: the connection is closed now.
        let _ = timeout(farewell::time(ending), farewell).await;
    }

    /// Delivers nothing more. The first time counts.
    pub(super) fn part(&mut self, ending: Option<&Ending>) {
        // Its lock is released then: others may be told of what the session held.
        let voice = self.connection.outlet().take_voice();
        if let Some(voice) = voice {
            let protocol = &mut self.inbound.protocol;
            protocol.part(&self.surroundings, voice, ending);
        }
    }
}

impl<T: Transport, F: Framing, P: Protocol> Drop for Task<T, F, P> {
    fn drop(&mut self) {
        self.part(None);
    }
}

/// How much of what a peer has already sent is processed when its connection ends for another reason, and for how long. The
/// system's buffers usually hold less.
const REMAINING_BYTES: usize = 8 << 20;
const REMAINING_TIME: Duration = Duration::from_secs(1);

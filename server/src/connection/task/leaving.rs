//! The end of a connection's task.

use tokio::time::timeout;

use super::Task;
use crate::connection::{
    Ending, Framing, Protocol, Transport,
    farewell::{FAREWELL, linger},
    framing::Answer,
    outlet::Progress,
};

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
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
        let _ = timeout(FAREWELL, farewell).await;
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

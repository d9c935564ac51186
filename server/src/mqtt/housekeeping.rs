//! Periodic work for detached sessions, once a second: delayed wills, and the expiry of sessions.

use super::{MqttHandler, sessions::DueWork};

impl MqttHandler {
    /// Publishes the delayed wills that are due, ends the sessions that are due, and records the progress of the connected
    /// ones.
    pub fn run_due_work(&self) {
        self.record_progress();
        let context = self.server.background_context();
        let now_ms = self.server.clock.now_ms();
        for due in self.shared_state.sessions.take_due(now_ms, MAX_AT_ONCE) {
            match due {
                DueWork::Will(client, will) => {
                    will.publish(&context);
                    let sessions = &self.shared_state.sessions;
                    sessions.record_published_will(&client, &context);
                }
                DueWork::End(saved, will) => {
                    saved.end(&context);
                    will.into_iter().for_each(|will| will.publish(&context));
                }
            }
        }
    }
}

/// Maximum number in one run; the rest waits for the next second.
const MAX_AT_ONCE: usize = 10_000;

//! Periodic work for detached sessions, once a second: delayed wills, and the expiry of sessions.

use super::sessions::Due;
use crate::server::Server;

pub fn keep_sessions(server: &Server) {
    let context = server.own_surroundings();
    let now_ms = server.clock.now_ms();
    for due in server.mqtt.sessions.take_due(now_ms, AT_ONCE) {
        let will = match due {
            Due::Will(will) => Some(will),
            Due::End(saved, will) => {
                saved.end(&context);
                will
            }
        };
        will.into_iter().for_each(|will| will.publish(&context));
    }
}

/// Maximum number in one run; the rest waits for the next second.
const AT_ONCE: usize = 10_000;

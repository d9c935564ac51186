//! Temporary topics and queues: created when their connection first names them, and deleted with the connection.

use std::{borrow::Cow, collections::HashSet};

use broker::{DestinationKind, TopicName};
use destination::stomp::{Destination, Place, reply_to, written_by_others};
use wire::stomp::{header, server::Fault};

use super::Stomp;

/// The existing temporary destinations of the connection.
pub(super) type Temporaries = HashSet<(DestinationKind, TopicName)>;

impl Stomp {
    /// Creates a destination if it is a temporary one of this connection and does not exist.
    pub(super) fn create_if_own(
        &mut self,
        destination: &Destination<TopicName>,
        receipt: Option<&str>,
    ) -> Result<(), Fault> {
        if destination.place != Place::Own {
            return Ok(());
        }
        let key = (destination.kind, destination.name.clone());
        if self.temporaries.contains(&key) {
            return Ok(());
        }
        if self.temporaries.len() == MAX_TEMPORARIES {
            let detail = format!(
                "there are {MAX_TEMPORARIES} temporary destinations of this connection; use one for many answers, \
                 distinguished by their correlation-id"
            );
            return Err(Fault::refused("too many destinations", detail, receipt));
        }
        self.broker
            .create_temporary(&self.session, destination.kind, &destination.name)
            .map_err(|error| Fault::refused("no such destination", error.to_string(), receipt))?;
        self.temporaries.insert(key);
        Ok(())
    }

    /// Returns a `reply-to` in the form for other connections. A temporary destination of this connection is created:
    /// the reply may arrive before the SUBSCRIBE.
    pub(super) fn reply_to<'a>(
        &mut self,
        text: Cow<'a, str>,
        receipt: Option<&str>,
    ) -> Result<Cow<'a, str>, Fault> {
        let Some(own) = reply_to(&text, self.session.name()) else {
            return Ok(text);
        };
        let own = own.map_err(|_| {
            Fault::invalid_header(
                header::REPLY_TO,
                &text,
                "/temp-queue/NAME, or another destination",
                receipt,
            )
        })?;
        self.create_if_own(&own, receipt)?;
        Ok(written_by_others(own.kind, own.name.as_str()).into())
    }
}

/// Maximum number of temporary destinations of one connection.
const MAX_TEMPORARIES: usize = 1_000;

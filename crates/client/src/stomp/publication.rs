//! `carillon pub` over STOMP. Requests a receipt for each message.

use std::fmt::Write as _;

use anyhow::anyhow;
use wire::stomp::client::{Event, Send};

use super::{
    Connection,
    connection::{Stomp, error_text},
    destination::Target,
};
use crate::{
    headers::UserHeader,
    publish::{Publication, PublishError, PublishOptions},
};

pub(crate) struct StompPublication<'o> {
    options: &'o PublishOptions,
    target: Target,
    headers: Vec<(&'o str, &'o str)>,
    /// The receipt id of the latest message, which is its number.
    receipt: String,
    sent: u64,
    /// Number of the last confirmed message. All messages before are confirmed, too.
    confirmed: u64,
}

impl<'o> StompPublication<'o> {
    /// # Errors
    ///
    /// The destination is invalid.
    pub(crate) fn of(options: &'o PublishOptions) -> anyhow::Result<Self> {
        let destination = &options.destination;
        let target = destination.parse();
        let headers = options.headers.iter();
        Ok(Self {
            options,
            target: target.map_err(|error| anyhow!("\"{destination}\": {error}"))?,
            headers: headers.map(UserHeader::as_pair).collect(),
            receipt: String::new(),
            sent: 0,
            confirmed: 0,
        })
    }
}

impl Publication for StompPublication<'_> {
    type Machine = Stomp;

    async fn open(&mut self) -> anyhow::Result<Connection> {
        let connection = Connection::open(&self.options.connection).await;
        connection.map_err(anyhow::Error::msg)
    }

    fn has_room(&self, _: &Connection) -> bool {
        self.sent - self.confirmed < WINDOW
    }

    fn send(&mut self, body: &[u8], connection: &mut Connection) -> anyhow::Result<()> {
        self.sent += 1;
        self.receipt.clear();
        // Writing to memory cannot fail.
        let _ = write!(self.receipt, "{}", self.sent);
        connection.send(&Send {
            destination: self.target.as_stomp(),
            content_type: self.options.content_type.as_deref(),
            receipt: Some(&self.receipt),
            headers: &self.headers,
            body,
        });
        Ok(())
    }

    fn take_confirmations(&mut self, connection: &mut Connection) -> Result<(), PublishError> {
        loop {
            match connection.next_event() {
                Ok(Some(Event::Receipt(receipt))) => {
                    self.confirmed = receipt.parse().unwrap_or(self.confirmed);
                }
                Ok(Some(Event::Error(error))) => {
                    // The server processes frames in order: an ERROR without receipt-id is about
                    // the first unconfirmed message.
                    let number = error.receipt_id.as_ref().and_then(|id| id.parse().ok());
                    return Err(PublishError::Message {
                        number: number.unwrap_or(self.confirmed + 1),
                        reason: error_text(&error),
                    });
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(lost) => {
                    return Err(PublishError::Other(format!(
                        "the connection was lost: {lost}"
                    )));
                }
            }
        }
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn awaits_confirmation(&self) -> bool {
        self.confirmed < self.sent
    }

    fn confirmed(&self) -> Option<u64> {
        Some(self.confirmed)
    }

    async fn close(&mut self, connection: Connection) -> anyhow::Result<()> {
        connection.close().await;
        Ok(())
    }
}

/// Maximum number of unconfirmed messages.
const WINDOW: u64 = 4096;

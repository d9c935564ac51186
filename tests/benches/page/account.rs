//! Checks that each published message was received by a page or reported as skipped. With
//! `drop-oldest` the broker skips the oldest messages if a page is too slow, which is expected at
//! high rates. A message that is neither received nor reported is an error.

use std::time::Duration;

use harness::Carillon;
use harness::browser::Browser;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::window;

/// The totals of the messages that were published on a topic while a page was subscribed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Account {
    /// Published messages, as counted by the broker: the publisher's, and on `rect` one per second
    /// of the console's.
    pub published: u64,
    /// Messages that the page has received and shown.
    pub received: u64,
    /// Messages that the broker has reported as skipped.
    pub missed: u64,
}

impl Account {
    pub fn unaccounted(self) -> i64 {
        self.published.cast_signed() - (self.received + self.missed).cast_signed()
    }
}

/// Returns the number of messages published on the topic so far.
pub async fn published(server: &Carillon, topic: &str) -> u64 {
    let figures = harness::http::get(server.url("/api/figures")).await.json();
    let mut topics = figures["topicList"].as_array().into_iter().flatten();
    let found = topics.find(|figures| figures["name"] == topic);
    found
        .and_then(|figures| figures["sequence"].as_u64())
        .unwrap_or_default()
}

/// Reads the page's counts after the load, and waits at most [`MOST_WAIT`] for messages in flight.
pub async fn settle(browser: &Browser, published: u64) -> Account {
    let patience = Instant::now() + MOST_WAIT;
    loop {
        let sample = window::figures(browser).await;
        let account = Account {
            published,
            received: sample.received as u64,
            missed: sample.missed as u64,
        };
        if account.unaccounted() == 0 || Instant::now() > patience {
            return account;
        }
        sleep(PAUSE).await;
    }
}

const MOST_WAIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

//! Whether each message that was published has reached a page or is one that the broker told it to have
//! skipped. The broker skips what a page is too slow for, the oldest first: that is `drop-oldest`, and
//! at high rates expected. What must not be is a message that nobody knows of.

use std::time::Duration;

use harness::Carillon;
use harness::browser::Browser;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::window;

/// What became of the messages of a topic that were published while a page listened.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Account {
    /// By the broker's own count; the publisher's, and one a second of the console's on `rect`.
    pub published: u64,
    /// Read and taken into the page's list and picture.
    pub received: u64,
    /// Skipped, as told.
    pub missed: u64,
}

impl Account {
    pub fn unaccounted(self) -> i64 {
        self.published.cast_signed() - (self.received + self.missed).cast_signed()
    }
}

/// How many messages the topic has had.
pub async fn published(server: &Carillon, topic: &str) -> u64 {
    let figures = harness::http::get(server.url("/api/figures")).await.json();
    let mut topics = figures["topicList"].as_array().into_iter().flatten();
    let found = topics.find(|figures| figures["name"] == topic);
    found
        .and_then(|figures| figures["sequence"].as_u64())
        .unwrap_or_default()
}

/// Reads both counts after the flood, when all that is on its way has had time to arrive.
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

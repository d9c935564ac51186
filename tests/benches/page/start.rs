//! Measures the time from the navigation to a live page, over loopback and over a slow network such
//! as a phone's.

use harness::Carillon;
use harness::browser::Browser;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::publisher::Publisher;
use crate::window;

/// The milestones of loading a page, in milliseconds since the start of the navigation.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Start {
    pub line: String,
    pub cache: String,
    pub paint: f64,
    pub started: f64,
    pub live: f64,
    pub first_message: f64,
    /// Bytes fetched for the page, without the document itself.
    pub bytes: f64,
}

const LINES: [Line; 2] = [
    Line {
        name: "loopback",
        delay_ms: 0,
        bytes_per_second: -1,
    },
    Line {
        name: "1.6 Mbit/s, 150 ms",
        delay_ms: 150,
        bytes_per_second: 200_000,
    },
];

struct Line {
    name: &'static str,
    delay_ms: u32,
    /// Unlimited if negative.
    bytes_per_second: i32,
}

const RATE: u32 = 20;
const ATTEMPTS: usize = 5;

/// Returns the median of several attempts for each network, with an empty and with a filled browser
/// cache.
pub async fn measure(server: &Carillon) -> Vec<Start> {
    let browser = Browser::start().await;
    window::prepare(&browser).await;
    browser.developer_tools("Network.enable", json!({})).await;
    let _publisher = Publisher::start(server.address(), RATE);
    let mut starts = Vec::new();
    for line in LINES {
        let conditions = json!({
            "offline": false,
            "latency": line.delay_ms,
            "downloadThroughput": line.bytes_per_second,
            "uploadThroughput": line.bytes_per_second,
        });
        let method = "Network.emulateNetworkConditions";
        browser.developer_tools(method, conditions).await;
        for cache in ["empty", "filled"] {
            let mut attempts = Vec::new();
            for _ in 0..ATTEMPTS {
                attempts.push(attempt(server, &browser, cache).await);
            }
            attempts.sort_by(|one, other| one.first_message.total_cmp(&other.first_message));
            starts.push(Start {
                line: line.name.into(),
                cache: cache.into(),
                ..attempts.swap_remove(ATTEMPTS / 2)
            });
        }
    }
    starts
}

async fn attempt(server: &Carillon, browser: &Browser, cache: &str) -> Start {
    if cache == "empty" {
        let clear = "Network.clearBrowserCache";
        browser.developer_tools(clear, json!({})).await;
    }
    browser.open(&server.url("/rect")).await;
    let is_complete = "const start = probe.start();
        return start.firstMessage !== null && start.paint !== null;";
    browser.evaluate_until(is_complete, |is| *is == true).await;
    let start = browser.evaluate("return probe.start()").await;
    serde_json::from_value(start).expect("the probe returns the milestones")
}

//! The load: the pages in a window each, and a high rate of messages.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use fantoccini::wd::WindowHandle;
use harness::Carillon;
use harness::browser::Browser;
use harness::http::{request, send};
use http::Method;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::account::{self, Account};
use crate::options::{Options, Pages};
use crate::publisher::Publisher;
use crate::report;
use crate::window::{self, Sample};

/// The measurements of one window.
pub struct Series {
    pub page: &'static str,
    pub samples: Vec<Sample>,
    /// The totals of the page's topic, or None if the page does not show them.
    pub account: Option<Account>,
}

pub struct Load {
    pub series: Vec<Series>,
    /// Number of messages sent on each topic.
    pub sent: u64,
    /// Load average of the last minute, and the number of processors.
    pub machine: String,
}

const DEMO: [&str; 3] = ["/rect", "/chart", "/console"];
const TOOLS: [&str; 2] = ["/topics/rect", "/boards/bench"];
/// The topics of the messages, which the first pages of the demonstration show in the same order.
const TOPICS: [&str; 2] = ["rect", "chart"];
const WARM_UP: Duration = Duration::from_secs(3);
const PERIOD: Duration = Duration::from_secs(10);
/// Time between two mouse movements.
const INPUT_PERIOD: Duration = Duration::from_millis(100);

pub async fn measure(server: &Carillon, browser: &Browser, options: Options) -> Load {
    let before = published(server).await;
    let pages: &[&'static str] = match options.pages {
        Pages::Demo => &DEMO,
        Pages::Tools | Pages::Tree => &TOOLS,
    };
    if options.pages != Pages::Demo {
        save_board(server).await;
    }
    let windows = open(server, browser, pages).await;
    let publisher = Publisher::start(server.address(), options.rate);
    sleep(WARM_UP).await;
    for window in &windows {
        browser.show(window).await;
        window::sample(browser).await;
    }
    let series = pages.iter().map(|page| Series {
        page,
        samples: Vec::new(),
        account: None,
    });
    let mut series: Vec<_> = series.collect();
    let start = Instant::now();
    while start.elapsed() < options.duration {
        for (window, series) in windows.iter().zip(&mut series) {
            browser.show(window).await;
            play(browser, PERIOD.min(options.duration) / pages.len() as u32).await;
            series.samples.push(window::sample(browser).await);
        }
        report::print_progress(start.elapsed(), options, &series);
    }
    let machine = machine();
    let sent = publisher.stop();
    match options.pages {
        Pages::Demo => {
            close_last(browser, &windows).await;
            let after = published(server).await;
            for (index, total) in after.into_iter().enumerate() {
                browser.show(&windows[index]).await;
                let published = total - before[index];
                series[index].account = Some(account::settle(browser, published).await);
            }
        }
        Pages::Tools | Pages::Tree => {
            browser.show(&windows[0]).await;
            wait_for_end_of_tail(server, browser).await;
        }
    }
    Load {
        series,
        sent,
        machine,
    }
}

fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let processors = thread::available_parallelism().map_or(0, NonZero::get);
    format!("load {load} on {processors} processors")
}

async fn published(server: &Carillon) -> [u64; 2] {
    let [rect, chart] = TOPICS.map(|topic| account::published(server, topic));
    [rect.await, chart.await]
}

async fn open(server: &Carillon, browser: &Browser, pages: &[&str]) -> Vec<WindowHandle> {
    let mut windows = vec![browser.window().await];
    for (index, page) in pages.iter().enumerate() {
        if index > 0 {
            let window = browser.client.new_window(false).await.expect("a window");
            windows.push(window.handle);
        }
        browser.show(&windows[index]).await;
        window::prepare(browser).await;
        browser.open(&server.url(page)).await;
    }
    windows
}

/// Closes the last window, the console, which publishes while it is open.
async fn close_last(browser: &Browser, windows: &[WindowHandle]) {
    if let Some(console) = windows.last() {
        browser.show(console).await;
        let closed = browser.client.close_window().await;
        closed.expect("the window was open");
    }
}

/// Waits until the tail shows the newest message of its topic.
async fn wait_for_end_of_tail(server: &Carillon, browser: &Browser) {
    let [newest, _] = published(server).await;
    let last = "return [...document.querySelectorAll('.message-row .number')].at(-1)?.textContent";
    let newest = newest.to_string();
    browser.evaluate_until(last, |last| *last == *newest).await;
    eprintln!("the tail shows message {newest}, the newest");
}

/// Saves the board `bench`, whose tiles show each message of both topics.
async fn save_board(server: &Carillon) {
    let tile = |id: u32, kind: &str, topic: &str| {
        json!({
            "id": id, "kind": kind, "topic": topic, "field": "data",
            "x": (id - 1) % 2 * 6, "y": (id - 1) / 2 * 4, "w": 6, "h": 4,
        })
    };
    let tiles = [
        tile(1, "line", "rect"),
        tile(2, "shape", "rect"),
        tile(3, "bars", "chart"),
        tile(4, "log", "chart"),
    ];
    let board = json!({"version": 1, "title": "Bench", "tiles": tiles});
    let url = server.url("/api/boards/bench");
    let answer = send(request(Method::PUT, url, board.to_string())).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

/// Moves the mouse in the active window.
async fn play(browser: &Browser, duration: Duration) {
    let start = Instant::now();
    let mut step = 0;
    while start.elapsed() < duration {
        window::move_mouse(browser, step).await;
        step += 1;
        sleep(INPUT_PERIOD).await;
    }
}

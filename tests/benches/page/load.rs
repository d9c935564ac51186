//! The load: both demonstration pages and the console in a window each, and a high rate of
//! messages.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use fantoccini::wd::WindowHandle;
use harness::Carillon;
use harness::browser::Browser;
use tokio::time::{Instant, sleep};

use crate::account::{self, Account};
use crate::options::Options;
use crate::publisher::Publisher;
use crate::report;
use crate::window::{self, Sample};

/// The measurements of one window.
pub struct Series {
    pub page: &'static str,
    pub samples: Vec<Sample>,
    /// The totals of the page's topic, or None if it has no topic.
    pub account: Option<Account>,
}

pub struct Load {
    pub series: Vec<Series>,
    /// Number of messages sent on each topic.
    pub sent: u64,
    /// Load average of the last minute, and the number of processors.
    pub machine: String,
}

const PAGES: [&str; 3] = ["/rect", "/chart", "/console"];
/// The topics of the first pages, in the same order.
const TOPICS: [&str; 2] = ["rect", "chart"];
const WARM_UP: Duration = Duration::from_secs(3);
const PERIOD: Duration = Duration::from_secs(10);
/// Time between two mouse movements.
const INPUT_PERIOD: Duration = Duration::from_millis(100);

pub async fn measure(server: &Carillon, browser: &Browser, options: Options) -> Load {
    let before = published(server).await;
    let windows = open(server, browser).await;
    let publisher = Publisher::start(server.address(), options.rate);
    sleep(WARM_UP).await;
    for window in &windows {
        browser.show(window).await;
        window::sample(browser).await;
    }
    let mut series = PAGES.map(|page| Series {
        page,
        samples: Vec::new(),
        account: None,
    });
    let start = Instant::now();
    while start.elapsed() < options.duration {
        for (window, series) in windows.iter().zip(&mut series) {
            browser.show(window).await;
            play(browser, PERIOD.min(options.duration) / PAGES.len() as u32).await;
            series.samples.push(window::sample(browser).await);
        }
        report::print_progress(start.elapsed(), options, &series);
    }
    let machine = machine();
    let sent = publisher.stop();
    close_last(browser, &windows).await;
    let after = published(server).await;
    for (index, (window, series)) in windows.iter().zip(&mut series).enumerate() {
        if let Some(total) = after.get(index) {
            browser.show(window).await;
            series.account = Some(account::settle(browser, total - before[index]).await);
        }
    }
    Load {
        series: series.into(),
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

async fn open(server: &Carillon, browser: &Browser) -> Vec<WindowHandle> {
    let mut windows = vec![browser.window().await];
    for index in 0..PAGES.len() {
        if index > 0 {
            let window = browser.client.new_window(false).await.expect("a window");
            windows.push(window.handle);
        }
        browser.show(&windows[index]).await;
        window::prepare(browser).await;
        browser.open(&server.url(PAGES[index])).await;
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

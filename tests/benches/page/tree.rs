//! Measures the tree of topics with 100,000 topics in one folder and 1,000 in folders: the first HTML, the time until the page is
//! live, opening the folder, scrolling, and memory.

use std::io::{Read, Write};
use std::time::Instant;

use harness::Carillon;
use harness::browser::Browser;
use harness::deadline::set_deadline_s;
use harness::http::get;
use serde_json::Value;

use crate::publisher;
use crate::window::{self, Sample};

/// Number of topics in the folder `flat`.
const TOPICS: u32 = 100_000;
const DEADLINE_S: u64 = 120;
const DOCUMENTS: usize = 5;
const SCROLLS: u32 = 10;

/// Returns the report. Publishes one message on each topic first.
pub async fn measure(server: &Carillon, browser: &Browser) -> String {
    set_deadline_s(DEADLINE_S);
    let published = Instant::now();
    publish(server);
    eprintln!(
        "{TOPICS} topics after {:.1} s",
        published.elapsed().as_secs_f32()
    );

    let mut first = Vec::new();
    for _ in 0..DOCUMENTS {
        let start = Instant::now();
        let page = get(server.url("/topics")).await;
        first.push(start.elapsed().as_secs_f64() * 1000.0);
        assert!(page.text().contains("flat"), "the tree is in the document");
    }
    first.sort_by(f64::total_cmp);

    window::prepare(browser).await;
    browser.open(&server.url("/topics")).await;
    let live = number(
        browser,
        "const live = document.querySelector('.connection[data-state=live]');
         return live && document.querySelector('.grid-row') ? performance.now() : null",
    )
    .await;
    let opened = frames_until(browser, OPEN_FOLDER, 200).await;
    // The page loads the rows of a folder in parts, as one scrolls to them.
    let loaded = frames_until(browser, LOAD_ALL, TOPICS).await;
    window::sample(browser).await;
    let mut scrolled = Vec::new();
    for _ in 0..SCROLLS {
        browser.evaluate_async(SCROLL).await;
        scrolled.push(window::sample(browser).await);
    }
    let middle = frames_until(browser, GO_TO_MIDDLE, TOPICS).await;
    let last = window::sample(browser).await;
    let times = Times {
        live,
        opened,
        loaded,
        middle,
    };
    report(&first, &times, &scrolled, last)
}

/// Durations in milliseconds.
struct Times {
    live: f64,
    opened: f64,
    loaded: f64,
    middle: f64,
}

fn report(first: &[f64], times: &Times, scrolled: &[Sample], last: Sample) -> String {
    let Times {
        live,
        opened,
        loaded,
        middle,
    } = times;
    let total = |figure: fn(&Sample) -> f64| scrolled.iter().map(figure).sum::<f64>();
    let most = |figure: fn(&Sample) -> f64| scrolled.iter().map(figure).fold(0.0, f64::max);
    let lines = [
        format!("{TOPICS} topics in one folder"),
        format!(
            "document with rows: median {:.1} ms, longest {:.1} ms",
            first[first.len() / 2],
            first[first.len() - 1]
        ),
        format!("page live: {live:.0} ms after the start of the navigation"),
        format!("folder opened, rows drawn: {opened:.0} ms"),
        format!(
            "all rows loaded by scrolling down: {:.1} s",
            loaded / 1000.0
        ),
        format!(
            "scrolled for {:.0} s: {:.1} frames/s, longest frame {:.0} ms, {:.0} tasks above 50 ms, longest {:.0} ms",
            total(|one| one.milliseconds) / 1000.0,
            1000.0 * total(|one| one.frames) / total(|one| one.milliseconds),
            most(|one| one.longest_frame),
            total(|one| one.long_tasks),
            most(|one| one.longest_task),
        ),
        format!("to the middle, rows drawn: {middle:.0} ms"),
        format!(
            "heap {:.1} MB, WASM memory {:.1} MB, {:.0} nodes",
            last.heap_bytes / 1e6,
            last.wasm_bytes / 1e6,
            last.nodes
        ),
    ];
    lines.join("\n") + "\n"
}

/// Waits until a script returns a number.
async fn number(browser: &Browser, script: &str) -> f64 {
    let found = browser.evaluate_until(script, Value::is_number).await;
    found.as_f64().unwrap_or_default()
}

/// Runs an action, and returns the milliseconds until a frame in which rows in view have names and the grid has at least this
/// number of rows.
async fn frames_until(browser: &Browser, action: &str, rows: u32) -> f64 {
    let script = format!(
        "const done = arguments[arguments.length - 1];
         const start = performance.now();
         {action}
         const check = () => {{
           const grid = document.querySelector('[role=treegrid]');
           const box = grid.getBoundingClientRect();
           const at = document.elementFromPoint(box.left + 80, Math.min(box.bottom, innerHeight) - 24);
           const name = at?.closest('.grid-row')?.querySelector('.name a')?.textContent ?? '';
           if (isThere(name) && name !== '' && Number(grid.getAttribute('aria-rowcount')) >= {rows}) done(performance.now() - start);
           else requestAnimationFrame(check);
         }};
         requestAnimationFrame(check);"
    );
    let milliseconds = browser.evaluate_async(&script).await;
    milliseconds.as_f64().unwrap_or_default()
}

const OPEN_FOLDER: &str = "const isThere = (name) => name.startsWith('t');
    const row = [...document.querySelectorAll('.grid-row')].find((row) => row.querySelector('.name a').textContent === 'flat');
    row.querySelector('.twist').click();";

const LOAD_ALL: &str = "const isThere = () => {
      grid.scrollTop = grid.scrollHeight;
      return true;
    };
    const grid = document.querySelector('[role=treegrid]');";

const GO_TO_MIDDLE: &str = "const isThere = (name) => name.startsWith('t05');
    const grid = document.querySelector('[role=treegrid]');
    grid.scrollTop = grid.scrollHeight / 2;";

/// Scrolls by a wheel's step in each frame, for a second.
const SCROLL: &str = "const done = arguments[arguments.length - 1];
    const grid = document.querySelector('[role=treegrid]');
    const start = performance.now();
    const step = () => {
      grid.scrollTop += 120;
      if (performance.now() - start < 1000) requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);";

/// Publishes one message on each topic, over one connection.
fn publish(server: &Carillon) {
    let mut socket = publisher::connect(server.address());
    let mut frames = Vec::new();
    let mut send = |topic: &str, more: &str| {
        let frame = format!("SEND\ndestination:/topic/{topic}\n{more}\n{topic}\0");
        frames.extend_from_slice(frame.as_bytes());
    };
    for topic in 0..TOPICS {
        send(&format!("flat.t{topic:06}"), "");
    }
    for topic in 0..1000 {
        send(&format!("plant.{}.{}.sensor", topic / 100, topic % 100), "");
    }
    send("ready", "receipt:all\n");
    let mut reader = socket.try_clone().expect("a second handle");
    let writer = std::thread::spawn(move || socket.write_all(&frames).expect("the server reads"));
    let mut read = Vec::new();
    let mut bytes = [0; 4096];
    while !read.windows(14).any(|part| part == b"receipt-id:all") {
        let count = reader.read(&mut bytes).expect("the server answers");
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&bytes[..count]);
    }
    writer.join().expect("all frames were sent");
}

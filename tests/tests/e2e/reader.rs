//! The reader's view of the live pages, and the reader's actions.

use harness::Carillon;
use harness::browser::Browser;
use harness::deadline::eventually;
use harness::http::{get, post};
use harness::sse::EventStream;
use serde_json::{Value, json};

/// The connection's state in the header.
pub const LIVE: &str = ".connection[data-state=live]";

/// Returns the list's messages, oldest first: producer and data.
pub const ROWS: &str = "
    return [...document.querySelectorAll('.messages li.message')].map((row) => [
        row.querySelector('b').textContent,
        row.querySelector('code').textContent,
    ]);";

/// Returns the square's angle and the rotation at the end of the animation, in degrees from 0 to
/// 360.
pub const SQUARE: &str = "
    const square = document.querySelector('.square');
    const [degrees] = square.style.transform.match(/-?[0-9.]+(?=deg)/);
    const turn = (angle) => ((angle % 360) + 360) % 360;
    return [square.dataset.angle, turn(Number(square.dataset.angle)) === turn(Number(degrees))];";

/// Returns the values in the chart's table, which screen readers use.
pub const VALUES: &str = "
    return [...document.querySelectorAll('.chart td')].map((cell) => Number(cell.textContent));";

/// Returns the chart's picture; null while its canvas is empty.
pub const PICTURE: &str = "
    const canvas = document.querySelector('.chart canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((byte) => byte !== 0) ? canvas.toDataURL() : null;";

pub async fn publish(server: &Carillon, topic: &str, data: &str) -> Value {
    let body = format!(r#"{{"producerId":"e2e","data":{data},"date":"2026-01-01T00:00:00Z"}}"#);
    let url = server.url(&format!("/api/topics/{topic}"));
    post(url, "application/json", body).await.json()
}

pub async fn open_live(browser: &Browser, url: &str) {
    browser.open(url).await;
    browser.element(LIVE).await;
}

pub async fn rows(browser: &Browser) -> Vec<Value> {
    let rows = browser.evaluate(ROWS).await;
    rows.as_array().expect("a list of rows").clone()
}

/// Returns the broker's messages of a topic, oldest first, in the form of the pages.
pub async fn published(server: &Carillon, topic: &str) -> Vec<Value> {
    let url = server.url(&format!("/api/topics/{topic}"));
    let count = get(&url).await.json()["sequence"]
        .as_u64()
        .expect("a sequence");
    let mut events = EventStream::open(format!("{url}/events?since=0")).await;
    let mut rows = Vec::new();
    while (rows.len() as u64) < count {
        let body: Value = serde_json::from_str(&events.message().await.body()).expect("JSON");
        rows.push(json!([body["producerId"], body["data"].to_string()]));
    }
    rows
}

/// Returns the count with this name beside a list.
pub async fn figure(browser: &Browser, name: &str) -> u64 {
    let text = browser.text(&format!("[data-figure={name}]")).await;
    text.replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{name} is {text:?}"))
}

pub async fn figure_until(browser: &Browser, name: &str, is_met: impl Fn(u64) -> bool) -> u64 {
    eventually(name, || figure(browser, name), |count| is_met(*count)).await
}

/// Replaces the content of a field, and presses Enter.
pub async fn enter(browser: &Browser, label: &str, text: &str) {
    const SELECT_ALL: &str = "\u{e009}a\u{e000}";
    const ENTER: &str = "\u{e007}";
    let field = browser.named("textbox", label).await;
    let keys = field.send_keys(&format!("{SELECT_ALL}{text}{ENTER}")).await;
    keys.expect("a field to type into");
}

pub async fn press(browser: &Browser, button: &str) {
    let button = browser.named("button", button).await;
    button.click().await.expect("a button to press");
}

pub async fn choose(browser: &Browser, mode: &str) {
    // The label covers the radio button itself.
    let click = "[...document.querySelectorAll('.segmented label')]
        .find((label) => label.textContent === arguments[0]).click();";
    let chosen = browser.client.execute(click, vec![json!(mode)]).await;
    chosen.expect("a mode to choose");
}

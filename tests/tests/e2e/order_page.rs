//! The page of the order: real producers and subscribers in several browsers, the measurement, and the simulation.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::deadline::eventually;
use harness::http::{get, send};
use harness::sse::EventStream;
use harness::stomp::StompClient;
use harness::users::{UsersFile, with_token};
use http::Method;
use serde_json::{Value, json};

use crate::accessibility::broken_rules;
use crate::reader::{open_live, press};

/// Without slow subscribers, so that a run ends soon.
const SHORT: &str = "/order?seed=7&producers=3&subscribers=3&messages=20&delays=5-8-11&slow=0";

/// Returns the columns that this page drew of the run: for each the messages with their positions.
const COLUMNS: &str = "
    return [...document.querySelectorAll('.order-live .lane')].map((lane) =>
        [...lane.querySelectorAll('.entry')].map((entry) =>
            entry.querySelector('b').textContent + entry.querySelector('small').textContent));";

/// A function that returns all simulated columns of a document.
const SIMULATED_IN: &str = "
    const simulated = (drawn) =>
        [...drawn.querySelectorAll('.order-simulation article')].map((article) =>
            [...article.querySelectorAll('.lane')].map((lane) =>
                [...lane.querySelectorAll('.entry')].map((entry) => entry.textContent)));";

/// Returns the simulated columns that the page shows.
async fn simulated(browser: &Browser) -> Value {
    browser.evaluate(&simulated_script()).await
}

fn simulated_script() -> String {
    format!("{SIMULATED_IN} return simulated(document);")
}

/// Returns the simulated columns that the server draws for the address of the page.
async fn simulated_by_server(browser: &Browser) -> Value {
    let script = format!(
        "{SIMULATED_IN}
        const done = arguments[arguments.length - 1];
        fetch(location.href).then((answer) => answer.text()).then((html) =>
            done(simulated(new DOMParser().parseFromString(html, 'text/html'))));"
    );
    browser.evaluate_async(&script).await
}

const SUBSCRIBERS_LIVE: &str = "
    return [...document.querySelectorAll('.order-live .lane-note')]
        .every((note) => /^0 received$/.test(note.textContent));";

/// Opens the page and waits until its subscribers are connected.
async fn open(browser: &Browser, url: &str) {
    open_live(browser, url).await;
    browser
        .evaluate_until(SUBSCRIBERS_LIVE, |live| *live == true)
        .await;
}

async fn is_equal(browser: &Browser) {
    browser
        .text_until(".order-live .verdict[data-verdict=equal]", |text| {
            text.contains("All 3 columns are equal: 60 messages")
        })
        .await;
}

fn is_one_order(columns: &Value) -> bool {
    let columns = columns.as_array().expect("columns");
    columns.len() == 3
        && columns.iter().all(|column| *column == columns[0])
        && columns[0].as_array().is_some_and(|rows| rows.len() == 12)
}

#[tokio::test]
async fn order_is_equal_in_two_browsers() {
    let server = Carillon::start().await;
    let (starter, viewer) = (Browser::start().await, Browser::start().await);
    open(&viewer, &server.url(SHORT)).await;
    open(&starter, &server.url(SHORT)).await;
    let other = ".order-others li";
    for browser in [&starter, &viewer] {
        browser
            .text_until(other, |text| text.starts_with("Page "))
            .await;
    }
    press(&starter, "Start the producers").await;
    for browser in [&starter, &viewer] {
        is_equal(browser).await;
        browser
            .text_until(&format!("{other}[data-verdict=equal]"), |text| {
                text.contains("3 columns, equal to ours over 60 messages")
            })
            .await;
    }
    starter
        .text_until(".order-run [role=status]", |text| {
            text.contains("All 60 messages were accepted")
        })
        .await;
    let columns = starter.evaluate_until(COLUMNS, is_one_order).await;
    viewer
        .evaluate_until(COLUMNS, |other| *other == columns)
        .await;
    let digest = ".order-live code";
    assert_eq!(starter.text(digest).await, viewer.text(digest).await);
    // The connections of the producers are closed; those of the page, of its subscribers and for the notes stay.
    let connections =
        || async { get(server.url("/api/connections")).await.json()["total"].clone() };
    eventually("closed connections", connections, |total| *total == 10).await;
    starter.close(|_| false).await;
    viewer.close(|_| false).await;
}

#[tokio::test]
async fn a_page_that_received_another_order_is_reported() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open(&browser, &server.url(SHORT)).await;
    let mut notes = EventStream::open(server.url("/api/topics/order.pages/events")).await;
    press(&browser, "Start the producers").await;
    is_equal(&browser).await;
    // Another page has the same messages with another digest.
    let mut note = Value::Null;
    while note["columns"][0]["count"] != 60 {
        note = serde_json::from_str(&notes.message().await.body()).expect("JSON");
    }
    note["page"] = json!("OTHER");
    note["columns"][0]["digest"] = json!("0000000000000000");
    let mut other = StompClient::connect(&server).await;
    other.publish("order.pages", &note.to_string()).await;
    browser
        .text_until(".order-others li[data-verdict=different]", |text| {
            text.contains("Page OTHER") && text.contains("different from ours")
        })
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_seed_in_the_address_replays_the_same_columns() {
    let server = Carillon::start().await;
    let (one, other) = (Browser::start().await, Browser::start().await);
    let address =
        server.url("/order?seed=4711&producers=4&subscribers=5&delays=10-20-30-40&slow=2");
    one.open(&address).await;
    other.open(&address).await;
    let columns = simulated(&one).await;
    let brokers = columns.as_array().expect("four brokers");
    let counts: Vec<_> = brokers
        .iter()
        .map(|own| own.as_array().map(Vec::len))
        .collect();
    assert_eq!(counts, [Some(5); 4]);
    assert_eq!(simulated(&other).await, columns);
    assert_eq!(simulated_by_server(&one).await, columns);
    let ordered = columns[0].as_array().expect("columns");
    assert!(
        ordered.iter().all(|column| *column == ordered[0]),
        "{ordered:?}"
    );
    let unordered = columns[1].as_array().expect("columns");
    assert!(
        unordered.iter().any(|column| *column != unordered[0]),
        "{unordered:?}"
    );
    // A new seed changes the columns and the address, and the new address shows them again.
    press(&one, "New seed").await;
    let changed = one
        .evaluate_until(&simulated_script(), |now| *now != columns)
        .await;
    let address = one.evaluate("return location.href").await;
    let address = address.as_str().expect("an address");
    assert!(address.contains("subscribers=5"), "{address}");
    other.open(address).await;
    assert_eq!(simulated(&other).await, changed);
    one.close(|_| false).await;
    other.close(|_| false).await;
}

#[tokio::test]
async fn the_first_document_has_the_columns_of_the_simulation() {
    let server = Carillon::start().await;
    let page = get(server.url("/order?seed=3")).await.text();
    for part in [
        "A broker without total order",
        "A1",
        "C6",
        "each taken once",
        "data-verdict=\"different\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_ne!(page.matches("class=\"entry\"").count(), 0);
}

#[tokio::test]
async fn the_keyboard_alone_starts_the_producers_on_a_phone() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 844, Screen::Phone).await;
    open(&browser, &server.url(SHORT)).await;
    let is_focused = "return document.activeElement?.id === 'order-start'";
    for _ in 0..60 {
        browser.press(TAB).await;
        if browser.evaluate(is_focused).await == true {
            break;
        }
    }
    assert_eq!(
        browser.evaluate(is_focused).await,
        true,
        "Tab reaches the button"
    );
    browser.press(ENTER).await;
    is_equal(&browser).await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_cost_is_measured() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open(&browser, &server.url("/order?producers=2&subscribers=2")).await;
    press(&browser, "Measure").await;
    browser
        .text_until(".order-cost .rates", |text| {
            text.matches("messages per second").count() == 2
        })
        .await;
    let topic = get(server.url("/api/topics/order.together")).await.json();
    let apart = get(server.url("/api/topics/order.apart.2")).await.json();
    // Three rounds together, two apart, and the probes.
    assert_eq!(topic["sequence"], 18_000);
    assert!(apart["sequence"].as_u64() > Some(6_000), "{apart}");
    browser.close(|_| false).await;
}

const RULES: &str = r#"
[users.admin]
publish = [">"]
subscribe = [">"]
[users.viewer]
subscribe = [">"]
[users.nobody]
"#;

#[tokio::test]
async fn missing_rights_are_said_in_the_first_document() {
    let file = UsersFile::new(RULES);
    let mut pages = Vec::new();
    let tokens = [
        file.token("admin").await,
        file.token("viewer").await,
        file.token("nobody").await,
    ];
    let server = file.server(&[]).await;
    for token in &tokens {
        let answer = send(with_token(Method::GET, server.url("/order"), token, "")).await;
        pages.push(answer.text());
    }
    let says = |what: &str| {
        let says: Vec<_> = pages.iter().map(|page| page.contains(what)).collect();
        says
    };
    assert_eq!(
        says("You do not have the right to publish to"),
        [false, true, true]
    );
    assert_eq!(
        says("You do not have the right to subscribe to “order.&gt;”"),
        [false, false, true]
    );
    assert_eq!(says("each taken once"), [true, true, true]);
}

//! The trace of a connection on the page of connections.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::mqtt::{MqttClient, Version};
use serde_json::Value;

use crate::reader::{enter, open_live, press};

/// Returns the lines of the trace, the newest first.
const LINES: &str =
    "return [...document.querySelectorAll('.frames li')].map((line) => line.textContent)";
/// Chooses an option of the field with this label, as a reader does.
const CHOOSE: &str = "
    const label = [...document.querySelectorAll('.trace label')].find((one) => one.textContent === LABEL);
    const field = document.getElementById(label.htmlFor);
    field.value = VALUE;
    field.dispatchEvent(new Event('change', { bubbles: true }));";

fn has(lines: &Value, text: &str) -> bool {
    let mut lines = lines.as_array().into_iter().flatten();
    lines.any(|line| line.as_str().is_some_and(|line| line.contains(text)))
}

async fn choose(browser: &Browser, label: &str, value: &str) {
    let script = CHOOSE.replace("LABEL", &format!("'{label}'"));
    browser
        .evaluate(&script.replace("VALUE", &format!("'{value}'")))
        .await;
}

#[tokio::test]
async fn a_connection_is_traced_live_filtered_and_paused_on_a_phone() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut meter = MqttClient::connect(&server, Version::V5, "meter-7").await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 844, Screen::Phone).await;
    open_live(&browser, &server.url("/connections")).await;
    enter(&browser, "Contains", "meter").await;
    press(&browser, "Trace").await;
    browser
        .text_until(".trace [role=status]", |text| {
            text.contains("The trace runs")
        })
        .await;
    meter.publish("plant/pump", "21.5", 1).await;
    browser
        .evaluate_until(LINES, |lines| {
            has(lines, "PUBLISH")
                && has(lines, "Topic Name: plant/pump")
                && has(lines, "4 bytes: 21.5")
        })
        .await;
    browser
        .evaluate_until(LINES, |lines| has(lines, "PUBACK"))
        .await;
    choose(&browser, "Direction", "out").await;
    browser
        .evaluate_until(LINES, |lines| {
            has(lines, "PUBACK") && !has(lines, "PUBLISH")
        })
        .await;
    choose(&browser, "Direction", "").await;
    choose(&browser, "Type", "PUBLISH").await;
    browser
        .evaluate_until(LINES, |lines| {
            has(lines, "PUBLISH") && !has(lines, "PUBACK")
        })
        .await;
    choose(&browser, "Type", "").await;
    browser.click(".trace [role=switch]").await;
    meter.ping().await;
    browser.click(".trace [role=switch]").await;
    meter.publish("plant/pump", "21.6", 0).await;
    browser
        .evaluate_until(LINES, |lines| has(lines, "21.6"))
        .await;
    let is_too_wide = "return document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(browser.evaluate(is_too_wide).await, false);
    press(&browser, "End the trace").await;
    browser
        .evaluate_until(LINES, |lines| lines.as_array().is_some_and(Vec::is_empty))
        .await;
    browser.close(|_| false).await;
}

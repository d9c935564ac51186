//! The page of one queue: it shows what waits and who takes it, and acts on the messages, after one question.

use harness::browser::{Browser, Screen};
use harness::http::{get, post, request, send};
use harness::stomp::{INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::Method;
use serde_json::{Value, json};

use crate::accessibility::broken_rules;
use crate::reader::{enter, open_live, press};

const SCREENS: [(u32, u32, Screen); 2] = [(1280, 900, Screen::Desktop), (390, 844, Screen::Phone)];

/// Returns the beginnings of the listed messages.
const LISTED: &str =
    "return [...document.querySelectorAll('.browsed li code')].map((code) => code.textContent)";

async fn enqueue(server: &Carillon, queue: &str, bodies: &[&str]) {
    for body in bodies {
        let url = server.url(&format!("/api/queues/{queue}"));
        let answer = post(url, "text/plain", (*body).to_owned()).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
}

/// Opens the page of a queue, and waits until it lists these messages.
async fn open(browser: &Browser, server: &Carillon, queue: &str, bodies: &[&str]) {
    open_live(browser, &server.url(&format!("/queues/{queue}"))).await;
    listed_until(browser, bodies).await;
}

async fn listed_until(browser: &Browser, bodies: &[&str]) {
    browser
        .evaluate_until(LISTED, |listed| *listed == json!(bodies))
        .await;
}

/// Chooses the message whose body begins with a text.
async fn choose(browser: &Browser, body: &str) {
    let click = "[...document.querySelectorAll('.browsed li')]
        .find((row) => row.querySelector('code').textContent === arguments[0])
        .querySelector('input').click();";
    let chosen = browser.client.execute(click, vec![json!(body)]).await;
    chosen.expect("a message to choose");
}

/// Waits until the open dialog asks this.
async fn asked(browser: &Browser, question: &str) {
    let has_question = |text: &str| text.contains(question);
    browser
        .text_until("dialog[open] [role=status]", has_question)
        .await;
}

async fn reported(browser: &Browser, report: &str) {
    browser
        .text_until(".report", |text| text.contains(report))
        .await;
    let open = "return document.querySelectorAll('dialog[open]').length";
    browser.evaluate_until(open, |count| count == 0).await;
}

#[tokio::test]
async fn the_queue_is_shown_before_any_script_runs() {
    let server = Carillon::start().await;
    enqueue(&server, "orders", &["first order", "second order"]).await;
    let consumer = StompClient::consumer(
        &server,
        "/queue/orders",
        &[INDIVIDUAL, ("selector", "no = 1")],
    )
    .await;
    let page = get(server.url("/queues/orders")).await.text();
    for shown in ["first order", "second order", "The last hour", "no = 1"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    drop(consumer);
}

#[tokio::test]
async fn a_dead_letter_is_sent_back_on_any_screen() {
    for (width, height, screen) in SCREENS {
        let server = Carillon::with(&["--max-redeliveries", "0"]).await;
        let mut consumer = StompClient::consumer(&server, "/queue/orders", &[INDIVIDUAL]).await;
        enqueue(&server, "orders", &["broken"]).await;
        let message = consumer.message().await;
        consumer.nack(&message).await;
        queue::until(&server, "ActiveMQ.DLQ", "waiting", 1).await;
        consumer.leave().await;
        queue::until(&server, "orders", "consumers", 0).await;
        let browser = Browser::start().await;
        browser.emulate_screen(width, height, screen).await;
        open(&browser, &server, "ActiveMQ.DLQ", &["broken"]).await;
        press(&browser, "Retry…").await;
        asked(&browser, "1 message back to where").await;
        assert_eq!(queue::figure(&server, "orders", "waiting").await, 0);
        press(&browser, "Retry 1 message").await;
        reported(&browser, "Sent 1 message back").await;
        queue::until(&server, "orders", "waiting", 1).await;
        listed_until(&browser, &[]).await;
        browser.close(|_| false).await;
    }
}

#[tokio::test]
async fn chosen_messages_are_moved_and_the_others_stay() {
    let server = Carillon::start().await;
    enqueue(&server, "a", &["1", "2", "3"]).await;
    let browser = Browser::start().await;
    open(&browser, &server, "a", &["1", "2", "3"]).await;
    choose(&browser, "1").await;
    choose(&browser, "3").await;
    press(&browser, "Move…").await;
    enter(&browser, "Name", "b").await;
    asked(&browser, "moves 2 messages to queue b").await;
    let focused = "return document.activeElement.textContent.trim()";
    browser
        .evaluate_until(focused, |label| label == "Cancel")
        .await;
    press(&browser, "Move 2 messages").await;
    reported(&browser, "Moved 2 messages to queue b").await;
    listed_until(&browser, &["2"]).await;
    queue::until(&server, "b", "waiting", 2).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn all_that_match_a_selector_are_deleted() {
    let server = Carillon::start().await;
    for (body, kind) in [("old 1", "old"), ("new 1", "new"), ("old 2", "old")] {
        let mut send_one = request(Method::POST, server.url("/api/queues/a"), body);
        let kind = kind.parse().expect("a header");
        send_one.headers_mut().insert("carillon-header-kind", kind);
        assert!(send(send_one).await.status.is_success());
    }
    let browser = Browser::start().await;
    open(&browser, &server, "a", &["old 1", "new 1", "old 2"]).await;
    enter(&browser, "Selector", "kind = 'old'").await;
    listed_until(&browser, &["old 1", "old 2"]).await;
    press(&browser, "Delete…").await;
    asked(&browser, "deletes 2 messages").await;
    press(&browser, "Cancel").await;
    assert_eq!(queue::figure(&server, "a", "waiting").await, 3);
    press(&browser, "Delete…").await;
    asked(&browser, "deletes 2 messages").await;
    press(&browser, "Delete 2 messages").await;
    reported(&browser, "Deleted 2 messages").await;
    queue::until(&server, "a", "waiting", 1).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_paused_queue_delivers_nothing_until_it_is_resumed() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    let browser = Browser::start().await;
    open(&browser, &server, "a", &[]).await;
    press(&browser, "Pause delivery…").await;
    asked(&browser, "1 consumer").await;
    press(&browser, "Pause delivery").await;
    reported(&browser, "Delivery is paused").await;
    enqueue(&server, "a", &["late"]).await;
    listed_until(&browser, &["late"]).await;
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
    press(&browser, "Resume delivery…").await;
    asked(&browser, "1 message").await;
    press(&browser, "Resume delivery").await;
    assert_eq!(consumer.message().await.text(), "late");
    let holds = "return document.querySelector('[data-column=Holds]')?.textContent ?? ''";
    let is_one = |text: &Value| text.as_str().is_some_and(|text| text.starts_with('1'));
    browser.evaluate_until(holds, is_one).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_message_is_sent_with_headers_and_opened() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    enqueue(&server, "a", &["0"]).await;
    open(&browser, &server, "a", &["0"]).await;
    press(&browser, "Send a message…").await;
    let fill = "
        const set = (id, value) => {
            const field = document.getElementById(id);
            field.value = value;
            field.dispatchEvent(new Event('input', { bubbles: true }));
        };
        set('publish-type', 'application/json');
        set('publish-body', arguments[0]);
        set('publish-headers', arguments[1]);";
    let typed = vec![
        json!(r#"{"big": 12345678901234567890}"#),
        json!("kind: order"),
    ];
    browser.client.execute(fill, typed).await.expect("fields");
    press(&browser, "Send").await;
    let is_sent = |text: &str| text.contains("Published as message 2");
    browser
        .text_until("dialog[open] [role=status]", is_sent)
        .await;
    press(&browser, "Close").await;
    listed_until(&browser, &["0", r#"{"big": 12345678901234567890}"#]).await;
    browser.click(".browsed li:nth-child(2) button").await;
    let is_exact = |text: &str| text.contains("12345678901234567890") && text.contains("order");
    browser.text_until("dialog[open]", is_exact).await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.press("\u{e00c}").await;
    let open = "return document.querySelectorAll('dialog[open]').length";
    browser.evaluate_until(open, |count| count == 0).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_queue_that_does_not_exist_says_so() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/queues/nothing")).await;
    let says = |text: &str| text.contains("There is no queue nothing");
    browser.text_until("main .notice", says).await;
    // The browser reports the refused requests itself.
    browser.close(|message| message.contains("404")).await;
}

//! The pages work in documents that browser extensions and translators change, before the page's
//! program starts and afterwards.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::post;
use serde_json::{Value, json};

use crate::reader::{LIVE, SQUARE, VALUES, figure_until, open_live, publish};

/// Calls `change()` when the document is complete and before deferred scripts run, so before the
/// program starts.
const BEFORE_START: &str = "
    document.addEventListener('readystatechange', () => {
        if (document.readyState === 'interactive') change();
    });";

const CHANGES: [(&str, &str); 4] = [
    (
        "an element is put first in the body",
        "function change() { document.body.prepend(document.createElement('div')); }",
    ),
    (
        "a span follows each field",
        "function change() {
            for (const field of document.querySelectorAll('input, textarea, button'))
                field.after(document.createElement('span'));
        }",
    ),
    (
        "the text of headings is in a font",
        "function change() {
            for (const heading of document.querySelectorAll('h1, h2')) {
                const font = document.createElement('font');
                font.append(...heading.childNodes);
                heading.append(font);
            }
        }",
    ),
    ("every text is replaced, as by a translator", TRANSLATE),
];

/// Replaces each text by a new one in two `font` elements, also texts that are added or changed
/// later, except where the page forbids translation.
const TRANSLATE: &str = "
    function change() {
        const translate = (text) => {
            if (!text.data.trim() || !text.parentElement) return;
            if (text.parentElement.closest('font, script, style, svg, [translate=no]')) return;
            const [outer, inner] = [document.createElement('font'), document.createElement('font')];
            inner.append(text.data);
            outer.append(inner);
            text.replaceWith(outer);
        };
        const all = (root) => {
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            const texts = [];
            while (walker.nextNode()) texts.push(walker.currentNode);
            texts.forEach(translate);
        };
        all(document.body);
        new MutationObserver((records) => {
            for (const { target, addedNodes } of records)
                for (const node of [target, ...addedNodes])
                    if (node.nodeType === Node.TEXT_NODE) translate(node); else all(node);
        }).observe(document.body, { childList: true, characterData: true, subtree: true });
    }";

const PAGES: [&str; 5] = ["/rect", "/chart", "/queues", "/console", "/"];

/// Makes each page show a new value, which differs in each `round`.
async fn is_followed(server: &Carillon, browser: &Browser, path: &str, round: u32) {
    browser
        .text_until(".connection", |text| text.contains("Live"))
        .await;
    match path {
        "/rect" => rect_is_followed(server, browser, round).await,
        "/chart" => chart_is_followed(server, browser, round).await,
        "/queues" => queues_are_followed(server, browser, round).await,
        "/console" => console_is_followed(browser).await,
        _ => figures_are_followed(server, browser, round).await,
    }
}

async fn rect_is_followed(server: &Carillon, browser: &Browser, round: u32) {
    let angle = round.to_string();
    publish(server, "rect", &angle).await;
    browser
        .evaluate_until(SQUARE, |turned| turned[0] == angle.as_str())
        .await;
    browser
        .text_until("output.angle", |text| text == format!("{angle}°"))
        .await;
    let newest =
        "return [...document.querySelectorAll('.messages li.message code')].pop().textContent";
    browser.evaluate_until(newest, |text| *text == angle).await;
    figure_until(browser, "received", |count| count >= 1).await;
}

async fn chart_is_followed(server: &Carillon, browser: &Browser, round: u32) {
    publish(server, "chart", &format!("[{round},2]")).await;
    browser
        .evaluate_until(VALUES, |values| *values == json!([round, 2]))
        .await;
    let caption = "return document.querySelector('.chart caption').textContent";
    browser
        .evaluate_until(caption, |text| text == "The chart’s values")
        .await;
}

async fn queues_are_followed(server: &Carillon, browser: &Browser, round: u32) {
    let queue = format!("orders{round}");
    for waiting in ["1", "2"] {
        post(
            server.url(&format!("/api/queues/{queue}")),
            "text/plain",
            "1",
        )
        .await;
        let row = format!(
            "const row = [...document.querySelectorAll('.queues tbody tr')]
                .find((row) => row.querySelector('th span').textContent === '{queue}');
            return row?.querySelector('td[data-column=Waiting] span').textContent;"
        );
        browser.evaluate_until(&row, |text| *text == waiting).await;
    }
}

async fn console_is_followed(browser: &Browser) {
    let press = "document.querySelector('button.primary').click()";
    for (label, state) in [("Resume", "Paused"), ("Pause", "Publishing")] {
        browser.evaluate(press).await;
        browser
            .text_until("button.primary", |text| text == label)
            .await;
        browser
            .text_until(".announcement", |text| text.contains(state))
            .await;
    }
    let accepted = figure_until(browser, "accepted", |count| count >= 1).await;
    figure_until(browser, "accepted", |count| count > accepted).await;
}

async fn figures_are_followed(server: &Carillon, browser: &Browser, round: u32) {
    let topic = format!("weather{round}");
    for messages in ["1", "2"] {
        publish(server, &topic, "1").await;
        let row = format!(
            "const row = [...document.querySelectorAll('.topics tbody tr')]
                .find((row) => row.querySelector('th span').textContent === '{topic}');
            return row?.querySelector('td span').textContent;"
        );
        browser.evaluate_until(&row, |text| *text == messages).await;
    }
}

#[tokio::test]
async fn pages_start_in_a_changed_document() {
    let server = Carillon::start().await;
    for (round, (what, change)) in (1..).zip(CHANGES) {
        let browser = Browser::start().await;
        browser
            .run_in_new_documents(&format!("{change}{BEFORE_START}"))
            .await;
        for path in PAGES {
            println!("{path}, {what}");
            open_live(&browser, &server.url(path)).await;
            is_followed(&server, &browser, path, round).await;
        }
        browser.close(|_| false).await;
    }
}

#[tokio::test]
async fn pages_work_in_a_document_that_is_changed_later() {
    let server = Carillon::start().await;
    for (round, (what, change)) in (1..).step_by(2).zip(CHANGES) {
        let browser = Browser::start().await;
        for path in PAGES {
            println!("{path}, {what}");
            open_live(&browser, &server.url(path)).await;
            is_followed(&server, &browser, path, round).await;
            browser.evaluate(&format!("{change} change();")).await;
            is_followed(&server, &browser, path, round + 1).await;
        }
        browser.close(|_| false).await;
    }
}

#[tokio::test]
async fn links_work_in_a_translated_document() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/")).await;
    browser.evaluate(&format!("{TRANSLATE} change();")).await;
    browser.evaluate("window.sameDocument = true").await;
    for (round, path) in (1..).zip(PAGES) {
        let link = match path {
            "/" => "./",
            page => &page[1..],
        };
        browser.click(&format!("header a[href='{link}']")).await;
        is_followed(&server, &browser, path, round).await;
    }
    assert_eq!(browser.evaluate("return window.sameDocument").await, true);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_focus_stays_when_the_program_starts() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    let focus = "function change() { document.querySelector('nav a[href=\"queues\"]').focus(); }";
    browser
        .run_in_new_documents(&format!("{focus}{BEFORE_START}"))
        .await;
    open_live(&browser, &server.url("/rect")).await;
    let focused = "return document.activeElement.getAttribute('href')";
    assert_eq!(browser.evaluate(focused).await, "queues");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_page_without_its_element_draws_itself_at_the_end_of_the_body() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    let remove = "function change() { document.getElementById('carillon').remove(); }";
    browser
        .run_in_new_documents(&format!("{remove}{BEFORE_START}"))
        .await;
    open_live(&browser, &server.url("/rect")).await;
    is_followed(&server, &browser, "/rect", 1).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn names_and_numbers_are_not_translated_but_sentences_are() {
    let server = Carillon::start().await;
    publish(&server, "rect", "90").await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    let translatable = "
        const is = (css) => !document.querySelector(css).closest('[translate=no]');
        return ['h1', '.page-head p', '.connection', '.page-head code', 'output.angle',
            'dd[data-figure]', '.messages li b', '.messages li code'].map(is);";
    let expected: Value = json!([true, true, true, false, false, false, false, false]);
    assert_eq!(browser.evaluate(translatable).await, expected);
    browser.element(LIVE).await;
    browser.close(|_| false).await;
}

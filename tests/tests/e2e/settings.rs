//! The parts of every page: the switch of the theme, the list of keys, and the palette.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use harness::users::UsersFile;
use serde_json::json;

use crate::accessibility::broken_rules;

const BACKGROUND: &str = "return getComputedStyle(document.body).backgroundColor";
const OPEN_DIALOG: &str = "return document.querySelector('dialog[open]')?.className ?? ''";
const CHOSEN: &str =
    "return document.querySelector('.palette [aria-selected=true] span')?.textContent ?? ''";
const LABELS: &str = "return [...document.querySelectorAll('.palette [role=option] span')]
    .map((label) => label.textContent)";
const CONTROL: &str = "\u{e009}";
const RELEASE: &str = "\u{e000}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

async fn open_palette(browser: &Browser) {
    browser.press(&format!("{CONTROL}k{RELEASE}")).await;
    browser
        .evaluate_until(OPEN_DIALOG, |class| class == "palette")
        .await;
}

async fn choose_theme(browser: &Browser, theme: &str) {
    let click = format!("document.querySelector('input[name=theme][value={theme}]').click()");
    browser.evaluate(&click).await;
}

#[tokio::test]
async fn a_chosen_theme_stays_after_a_reload_and_before_the_first_paint() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_colours("light").await;
    browser.open(&server.url("/rect")).await;
    let light = browser.evaluate(BACKGROUND).await;
    choose_theme(&browser, "dark").await;
    let dark = browser
        .evaluate_until(BACKGROUND, |colour| *colour != light)
        .await;
    // Without the program: the document's own script applies the theme, before there is a body.
    let when = "new MutationObserver((_, observer) => {
            if (!document.body) return;
            window.themeAtFirst = document.documentElement.dataset.theme;
            observer.disconnect();
        }).observe(document, { childList: true, subtree: true });";
    browser.run_in_new_documents(when).await;
    browser.open(&server.url("/queues")).await;
    assert_eq!(browser.evaluate("return window.themeAtFirst").await, "dark");
    assert_eq!(browser.evaluate(BACKGROUND).await, dark);
    choose_theme(&browser, "system").await;
    browser
        .evaluate_until(BACKGROUND, |colour| *colour == light)
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_chart_is_drawn_in_the_colours_of_a_chosen_theme() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_colours("light").await;
    browser.open(&server.url("/chart")).await;
    let before = browser
        .evaluate_until(crate::reader::PICTURE, |picture| !picture.is_null())
        .await;
    choose_theme(&browser, "dark").await;
    browser
        .evaluate_until(crate::reader::PICTURE, |picture| *picture != before)
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_palette_goes_to_a_queue_by_keyboard_only() {
    for (width, screen) in [(1280, Screen::Desktop), (390, Screen::Phone)] {
        let server = Carillon::start().await;
        post(server.url("/api/queues/press.orders"), "text/plain", "1").await;
        post(server.url("/api/topics/press.news"), "text/plain", "1").await;
        let browser = Browser::start().await;
        browser.emulate_screen(width, 800, screen).await;
        browser.open(&server.url("/")).await;
        open_palette(&browser).await;
        browser.press("press.o").await;
        // Existing names come before the query itself, which can be opened as a topic and as a queue.
        let expected = json!(["press.orders", "press.o", "press.o"]);
        browser
            .evaluate_until(LABELS, |labels| *labels == expected)
            .await;
        assert_eq!(browser.evaluate(CHOSEN).await, "press.orders");
        browser.press(ENTER).await;
        browser
            .evaluate_until("return location.pathname", |path| {
                path == "/queues/press.orders"
            })
            .await;
        browser.close(|_| false).await;
    }
}

#[tokio::test]
async fn the_palette_closes_with_escape_and_returns_the_focus() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/console")).await;
    browser
        .evaluate("document.querySelector('#period').focus()")
        .await;
    open_palette(&browser).await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.press(ESCAPE).await;
    browser
        .evaluate_until(OPEN_DIALOG, |class| class == "")
        .await;
    assert_eq!(
        browser.evaluate("return document.activeElement.id").await,
        "period"
    );
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_palette_presses_buttons_of_the_page_and_sets_the_theme() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/console")).await;
    open_palette(&browser).await;
    browser.press("pause").await;
    browser
        .evaluate_until(CHOSEN, |label| label == "Pause")
        .await;
    browser.press(ENTER).await;
    browser
        .text_until(".announcement", |text| text.contains("Paused"))
        .await;
    open_palette(&browser).await;
    browser.press("theme dark").await;
    browser
        .evaluate_until(CHOSEN, |label| label == "Theme: Dark")
        .await;
    browser.press(ENTER).await;
    browser
        .evaluate_until("return document.documentElement.dataset.theme", |theme| {
            theme == "dark"
        })
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_question_mark_lists_the_keys_except_in_a_field() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/connections")).await;
    browser.press("?").await;
    browser
        .evaluate_until(OPEN_DIALOG, |class| class == "keys")
        .await;
    let keys = browser.text("dialog[open]").await;
    assert!(
        keys.contains("Ctrl K") && keys.contains("Contains"),
        "{keys}"
    );
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.press(ESCAPE).await;
    browser
        .evaluate_until(OPEN_DIALOG, |class| class == "")
        .await;
    // A key of the page.
    browser.press("/").await;
    let focused = "return document.activeElement.id";
    browser
        .evaluate_until(focused, |id| id == "contained")
        .await;
    browser.press("?").await;
    let typed = "return document.querySelector('#contained').value";
    browser.evaluate_until(typed, |text| text == "?").await;
    assert_eq!(browser.evaluate(OPEN_DIALOG).await, "");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_palette_without_a_broker_says_what_is_missing() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    // The file of the palette is fetched on first use.
    open_palette(&browser).await;
    browser.press(ESCAPE).await;
    browser.block("*/api/topics*").await;
    open_palette(&browser).await;
    browser
        .text_until(".palette [role=status]", |text| {
            text.contains("does not answer")
        })
        .await;
    browser
        .close(|message| message.contains("/api/topics"))
        .await;
}

#[tokio::test]
async fn a_visitor_without_rights_is_told_what_is_missing() {
    let (file, _) = UsersFile::for_visitor().await;
    file.add("anna", "secret").await;
    let server = file.server(&[]).await;
    let browser = Browser::start().await;
    let open = format!("location.href = '{}'", server.url("/connections"));
    browser.evaluate(&open).await;
    browser.element("input[name=user]").await;
    let sign_in = "document.querySelector('input[name=user]').value = 'anna';
        document.querySelector('input[name=password]').value = 'secret';
        document.querySelector('button[type=submit]').click();";
    browser.evaluate(sign_in).await;
    browser.started().await;
    browser
        .text_until("main .notice", |text| text.contains("Ask an operator"))
        .await;
    // The browser reports the refused requests itself.
    browser.close(|message| message.contains("403")).await;
}

#[tokio::test]
async fn the_settings_need_no_request_before_their_first_use() {
    let server = Carillon::start().await;
    let page = get(server.url("/")).await.text();
    assert!(page.contains("data-open=\"palette\""), "{page}");
    assert!(
        !page.contains("<script src") && !page.contains("href=\"./keys.js\""),
        "{page}"
    );
}

//! The languages of the pages: the browser's, and the reader's choice.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{Answer, post, request, send};
use harness::users::UsersFile;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::accessibility::{PAGES, is_missing_page, open, server};

const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";
const LANGUAGE: &str = "return document.documentElement.lang";
const FOCUSED: &str = "return document.activeElement?.value ?? ''";

/// Requests a document with these headers.
async fn get(server: &Carillon, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = request(Method::GET, server.url(path), "");
    for (name, value) in headers {
        let value = value.parse().expect("a header");
        request.headers_mut().insert(*name, value);
    }
    send(request).await
}

#[tokio::test]
async fn documents_have_the_language_of_the_browser_or_the_chosen_one() {
    let server = server().await;
    let korean = ("accept-language", "ko-KR,ko;q=0.9,en;q=0.8");
    let table: [(&[(&str, &str)], &str, &str); 4] = [
        (&[], "en", "The broker now"),
        (&[korean], "ko", "브로커 현황"),
        (&[korean, ("cookie", "language=en")], "en", "The broker now"),
        (&[("cookie", "a=b; language=ko")], "ko", "브로커 현황"),
    ];
    for (headers, tag, heading) in table {
        let answer = get(&server, "/", headers).await;
        assert_eq!(answer.header("content-language"), tag, "{headers:?}");
        assert!(answer.header("vary").contains("accept-language"));
        assert!(answer.header("vary").contains("cookie"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let html = answer.text();
        assert!(html.contains(&format!("<html lang=\"{tag}\"")), "{html}");
        assert!(html.contains(heading), "{headers:?}");
    }
    for path in PAGES {
        let answer = get(&server, path, &[korean]).await;
        assert_eq!(answer.header("content-language"), "ko", "{path}");
    }
}

#[tokio::test]
async fn the_program_draws_the_same_korean_texts_as_the_server() {
    let server = server().await;
    let browser = Browser::preferring("ko-KR,ko,en-US,en").await;
    for path in PAGES.into_iter().filter(|path| *path != "/api") {
        open(&browser, &server, path).await;
        assert_eq!(browser.evaluate(LANGUAGE).await, "ko", "{path}");
        let texts = browser.evaluate_async(TEXTS_OF_SERVER_AND_PROGRAM).await;
        assert_eq!(texts[0], texts[1], "{path}");
        let texts = texts[0].as_array().expect("a list of texts");
        let is_korean = |text: &&Value| text.as_str().is_some_and(has_hangul);
        assert!(
            texts.iter().filter(is_korean).count() > 7,
            "{path}: {texts:?}"
        );
    }
    browser.close(is_missing_page).await;
}

fn has_hangul(text: &str) -> bool {
    text.chars().any(|one| ('가'..='힣').contains(&one))
}

/// Passes on the fixed texts of the document as the server renders it, and as the program has drawn it.
const TEXTS_OF_SERVER_AND_PROGRAM: &str = "
    const done = arguments[arguments.length - 1];
    const of = (document) => {
        const found = document.querySelectorAll(
            '#carillon :is(h1, h2, h3, label, legend, th, dt, nav a, option, .page-head p, summary, [role=columnheader])');
        const labels = document.querySelectorAll('#carillon :is([aria-label], [placeholder])');
        // Connections come and go.
        const isFixed = (one) => !one.closest('.peers');
        const name = (one) => one.getAttribute('aria-label') ?? one.placeholder;
        const attributes = [...labels].filter(isFixed).map(name);
        const texts = [...found].filter(isFixed).map((one) => one.textContent.replace(/\\s+/g, ' ').trim());
        return [document.title, ...texts, ...attributes];
    };
    fetch(location.href).then((answer) => answer.text())
        .then((html) => done([of(new DOMParser().parseFromString(html, 'text/html')), of(document)]));";

#[tokio::test]
async fn the_keyboard_changes_the_language_and_the_page_keeps_its_place() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/topics?search=rect")).await;
    assert_eq!(browser.evaluate(LANGUAGE).await, "en");
    press_button(&browser, "ko").await;
    browser.evaluate_until(LANGUAGE, |tag| tag == "ko").await;
    browser.started().await;
    assert_eq!(browser.text("h1").await, "토픽");
    let place = browser
        .evaluate("return location.pathname + location.search")
        .await;
    assert_eq!(place, "/topics?search=rect");
    // The choice holds for all pages, also for those without a program.
    browser.open(&server.url("/topics/rect")).await;
    assert_eq!(browser.text("summary").await, "그래프");
    browser.open_plain(&server.url("/api")).await;
    assert_eq!(browser.evaluate(LANGUAGE).await, "ko");
    browser.open(&server.url("/console")).await;
    press_button(&browser, "en").await;
    browser.evaluate_until(LANGUAGE, |tag| tag == "en").await;
    browser.started().await;
    assert_eq!(browser.text("h1").await, "Console");
    browser.close(|_| false).await;
}

/// Goes to the button of a language with the Tab key, and presses it.
async fn press_button(browser: &Browser, tag: &str) {
    for _ in 0..60 {
        browser.press(TAB).await;
        if browser.evaluate(FOCUSED).await == tag {
            return browser.press(ENTER).await;
        }
    }
    panic!("Tab does not reach the button of {tag}");
}

#[tokio::test]
async fn the_palette_and_the_keys_are_korean_and_change_the_language() {
    let server = server().await;
    let browser = Browser::preferring("ko").await;
    browser.open(&server.url("/")).await;
    browser.click("[data-open=keys]").await;
    browser
        .text_until(".keys h2", |text| text == "단축키")
        .await;
    browser
        .text_until(".keys dl", |text| text.contains("대화 상자 닫기"))
        .await;
    browser.click(".keys .foot-row button").await;
    browser.click("[data-open=palette]").await;
    browser
        .text_until(".palette p", |text| text.starts_with("결과 "))
        .await;
    browser.press("언어").await;
    let chosen =
        "return document.querySelector('.palette [aria-selected=true]')?.textContent ?? ''";
    browser
        .evaluate_until(chosen, |text| text == "언어: English 동작")
        .await;
    browser.press(ENTER).await;
    browser.evaluate_until(LANGUAGE, |tag| tag == "en").await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_form_changes_the_language_without_scripts() {
    let server = Carillon::start().await;
    let answer = choose(&server, "language=ko&next=topics%3Fsearch%3Da").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "./topics?search=a");
    let cookie = answer.header("set-cookie");
    assert_eq!(
        cookie,
        "language=ko; Path=/; Max-Age=31536000; SameSite=Lax"
    );
    let foreign = choose(&server, "language=en&next=%2F%2Fevil.example").await;
    assert_eq!(foreign.header("location"), "./");
    let unknown = choose(&server, "language=de&next=").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(unknown.header("set-cookie"), "");
    let page = get(&server, "/queues", &[]).await.text();
    assert!(page.contains(r#"name="next" value="queues""#), "{page}");
}

async fn choose(server: &Carillon, form: &str) -> Answer {
    let url = server.url("/language");
    post(url, "application/x-www-form-urlencoded", form.to_owned()).await
}

#[tokio::test]
async fn the_sign_in_form_is_korean_and_changes_its_language() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file.server(&[]).await;
    let browser = Browser::preferring("ko").await;
    browser
        .open_plain(&server.url("/login?next=%2Fqueues"))
        .await;
    assert_eq!(browser.evaluate(LANGUAGE).await, "ko");
    assert_eq!(browser.text("button:not([name])").await, "로그인");
    browser.click("button[value=en]").await;
    browser.evaluate_until(LANGUAGE, |tag| tag == "en").await;
    assert_eq!(browser.text("button:not([name])").await, "Sign in");
    let next = browser
        .evaluate("return document.querySelector('main form [name=next]').value")
        .await;
    assert_eq!(next, "/queues");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn problems_are_korean_with_the_reason_of_the_server_after_them() {
    let server = server().await;
    let browser = Browser::preferring("ko").await;
    browser.emulate_screen(500, 900, Screen::Phone).await;
    browser.open(&server.url("/queues/none")).await;
    let text = browser
        .text_until("main .notice", |text| !text.is_empty())
        .await;
    assert!(
        text.contains("큐가 없습니다 (there is no queue none)."),
        "{text}"
    );
    browser.close(|message| message.contains("404")).await;
}

//! The statements of the first HTML about its reader: missing rights and the chosen theme, before any script runs.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::{request, send};
use harness::users::{UsersFile, with_token};
use http::{HeaderValue, Method, StatusCode, header};

#[tokio::test]
async fn a_missing_right_is_in_the_first_html() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    for (path, missing) in [
        ("/connections", "Ask an operator of this broker"),
        ("/queues/secret", "Ask an operator of this broker"),
        ("/topics/closed.door", "closed.door"),
    ] {
        let page = send(with_token(Method::GET, server.url(path), &token, "")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let text = page.text();
        let (_, main) = text.split_once("<main").expect("a page");
        assert!(
            main.contains(missing) && main.contains("right"),
            "{path}: {main}"
        );
    }
}

#[tokio::test]
async fn the_form_to_sign_in_has_the_chosen_theme() {
    let (file, _) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    for (cookie, root) in [
        ("theme=dark", "<html lang=\"en\" data-theme=\"dark\">"),
        (
            "a=b; theme=light",
            "<html lang=\"en\" data-theme=\"light\">",
        ),
        ("theme=x", "<html lang=\"en\">"),
    ] {
        let mut form = request(Method::GET, server.url("/login"), "");
        let cookie = HeaderValue::from_static(cookie);
        form.headers_mut().insert(header::COOKIE, cookie);
        let form = send(form).await;
        assert!(form.text().contains(root), "{}", form.text());
    }
}

#[tokio::test]
async fn a_document_without_scripts_follows_the_choice_on_a_page() {
    const BACKGROUND: &str = "return getComputedStyle(document.body).backgroundColor";
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_colours("light").await;
    browser.open(&server.url("/rect")).await;
    let light = browser.evaluate(BACKGROUND).await;
    let choose =
        |theme: &str| format!("document.querySelector('input[name=theme][value={theme}]').click()");
    browser.evaluate(&choose("dark")).await;
    let dark = browser
        .evaluate_until(BACKGROUND, |colour| *colour != light)
        .await;
    browser.open_plain(&server.url("/api")).await;
    assert_eq!(browser.evaluate(BACKGROUND).await, dark);
    browser.open(&server.url("/rect")).await;
    browser.evaluate(&choose("system")).await;
    browser.open_plain(&server.url("/api")).await;
    assert_eq!(browser.evaluate(BACKGROUND).await, light);
    browser.close(|_| false).await;
}

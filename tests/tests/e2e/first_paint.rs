//! What the first HTML of a document says about its reader: the chosen theme, before any script runs.

use harness::Carillon;
use harness::browser::Browser;
use harness::http::{request, send};
use harness::users::UsersFile;
use http::{HeaderValue, Method, header};

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

//! Signing in and out in a browser.

use harness::browser::Browser;
use harness::users::UsersFile;

use crate::reader::LIVE;

/// Fills in the form and sends it.
async fn sign_in(browser: &Browser, password: &str) {
    let filled = format!(
        "document.querySelector('input[name=user]').value = 'anna'; \
         document.querySelector('input[name=password]').value = '{password}'"
    );
    browser.evaluate(&filled).await;
    browser.click("button[type=submit]").await;
}

#[tokio::test]
async fn a_person_signs_in_sees_the_pages_live_and_signs_out() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    file.edit("[users.anna]", "[users.anna]\nsubscribe = [\"rect\"]");
    let server = file.server(&[]).await;
    let browser = Browser::start().await;
    // The form has no program that could report its start.
    let open = format!("location.href = '{}'", server.url("/rect"));
    browser.evaluate(&open).await;
    browser.element("input[name=user]").await;
    sign_in(&browser, "wrong").await;
    let notice = |text: &str| text.contains("password is wrong");
    browser.text_until(".sign-in-notice", notice).await;
    sign_in(&browser, "secret").await;
    // The page that the person wanted, with its own connection.
    browser.element(LIVE).await;
    assert_eq!(browser.evaluate("return location.pathname").await, "/rect");
    assert_eq!(browser.text(".signed-in .user").await, "anna");
    // A page whose topic may not be read stays connected, and says what is missing.
    browser.open(&server.url("/chart")).await;
    browser.element(LIVE).await;
    let missing = |text: &str| text.contains("chart");
    browser.text_until(".notice", missing).await;
    browser.click(".signed-in button").await;
    browser
        .evaluate_until("return location.pathname", |path| path == "/login")
        .await;
    // The browser reports the refused password itself.
    browser.close(|message| message.contains("401")).await;
}

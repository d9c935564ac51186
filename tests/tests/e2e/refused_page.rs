//! A page that is loaded through a proxy with another name than the server's: the page names the
//! refused origin and the option that allows it.

use harness::Carillon;
use harness::browser::Browser;
use harness::proxy::Proxy;

use crate::reader::{LIVE, SQUARE, publish};

#[tokio::test]
async fn a_refused_page_names_the_option_and_connects_once_it_is_set() {
    let server = Carillon::start().await;
    let address = server.address();
    let proxy = Proxy::to(address).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/rect", proxy.origin())).await;
    let option = format!("--allow-origin {}", proxy.origin());
    browser
        .text_until(".notice", |text| {
            text.contains("The server refuses to connect this page") && text.contains(&option)
        })
        .await;
    browser
        .text_until(".connection", |text| text.contains("Connection refused"))
        .await;

    assert!(server.stop().await.success());
    let server = Carillon::listening(address, &["--allow-origin", &proxy.origin()]).await;
    browser.element(LIVE).await;
    let notices = "return document.querySelectorAll('.notice').length";
    browser.evaluate_until(notices, |count| count == 0).await;
    publish(&server, "rect", "90").await;
    browser
        .evaluate_until(SQUARE, |turned| turned[0] == "90")
        .await;
    browser.close(is_refusal).await;
}

/// The browser's own messages about refused requests and an unreachable server.
fn is_refusal(message: &str) -> bool {
    [
        "403",
        "WebSocket connection to",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION",
    ]
    .iter()
    .any(|part| message.contains(part))
}

//! The QR codes that lead a phone to the pages.

use std::process::Stdio;

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::carillon::binary;
use harness::deadline::{eventually, within};
use harness::http::{get, request, try_send};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::accessibility::broken_rules;
use crate::reader::open_live;

#[tokio::test]
async fn the_code_is_that_of_a_page_of_this_site() {
    let server = Carillon::start().await;
    let code = get(server.url("/qr.svg?path=topics%2Fa.b%3Fat%3D1-2")).await;
    assert_eq!(code.status, StatusCode::OK, "{}", code.text());
    assert_eq!(code.header("content-type"), "image/svg+xml");
    let title = format!("<title>{}</title>", server.url("/topics/a.b?at=1-2"));
    assert!(code.text().contains(&title), "{}", code.text());
    let foreign = get(server.url("/qr.svg?path=//evil.example/")).await;
    let title = format!("<title>{}</title>", server.url("/evil.example/"));
    assert!(foreign.text().contains(&title), "{}", foreign.text());
    let long = format!("/qr.svg?path={}", "x".repeat(1_000));
    let long = get(server.url(&long)).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    assert!(long.problem()["detail"].to_string().contains("1000 bytes"));
}

#[tokio::test]
async fn the_code_is_that_of_the_public_address() {
    let options = [
        "--public-url",
        "https://board.example/carillon/",
        "--anonymous",
        "all",
    ];
    let server = Carillon::with(&options).await;
    let code = get(server.url("/qr.svg?path=console")).await;
    let title = "<title>https://board.example/carillon/console</title>";
    assert!(code.text().contains(title), "{}", code.text());
}

#[tokio::test]
async fn a_button_of_each_page_shows_its_code() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 800, Screen::Phone).await;
    for path in ["/", "/topics/sensors.roof"] {
        let address = server.url(path);
        open_live(&browser, &address).await;
        browser.click("button[data-open=qr]").await;
        browser
            .text_until("dialog.qr .qr-address", |text| text == address)
            .await;
        let size = "const code = document.querySelector('dialog.qr svg').getBoundingClientRect();
            return code.width >= 200 && code.height === code.width;";
        assert_eq!(browser.evaluate(size).await, true);
        browser
            .text_until("dialog.qr .hint", |text| {
                text.contains("only for this machine")
            })
            .await;
        assert_eq!(broken_rules(&browser).await, json!([]));
        browser.click("dialog.qr button").await;
        browser
            .evaluate_until("return document.querySelector('dialog.qr')", |dialog| {
                dialog.is_null()
            })
            .await;
    }
    // The topic does not exist yet.
    browser.close(|message| message.contains("404")).await;
}

/// Runs a server in a terminal until it answers, and returns all that it prints.
async fn printed_in_terminal(options: &[&str]) -> String {
    let mut carillon = vec![binary().display().to_string()];
    let fixed = [
        "--listen",
        "127.0.0.1:0",
        "--stomp",
        "off",
        "--mqtt",
        "off",
        "--log",
        "off",
    ];
    carillon.extend(fixed.iter().chain(options).map(ToString::to_string));
    let line = format!("echo $$; exec {}", carillon.join(" "));
    // `script` gives the program a terminal.
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("script, a part of bsdutils");
    let mut lines = BufReader::new(terminal.stdout.take().expect("a pipe")).lines();
    let mut next = async || within("a line", lines.next_line()).await.expect("text");
    let id = next().await.expect("the process id").trim().to_owned();
    let mut printed = String::new();
    let mut address = String::new();
    while let Some(line) = next().await {
        if let Some((_, found)) = line.split_once("http://")
            && address.is_empty()
        {
            address = format!("http://{}healthz", found.trim());
        }
        printed.push_str(&line);
        printed.push('\n');
        // The last line of the addresses. The code comes after it, and before the server answers.
        if line.contains("memory only") {
            let answers = || async { try_send(request(Method::GET, &address, "")).await.is_some() };
            eventually("an answer", answers, |is_there| *is_there).await;
            let stopped = Command::new("kill").arg(&id).status().await;
            assert!(stopped.expect("kill").success());
        }
    }
    printed
}

#[tokio::test]
async fn a_terminal_shows_the_code_of_an_address_that_a_phone_can_reach() {
    let public = [
        "--public-url",
        "https://board.example/",
        "--anonymous",
        "all",
    ];
    let printed = printed_in_terminal(&public).await;
    let (_, code) = printed.split_once("memory only").expect("the addresses");
    assert!(
        code.lines().filter(|line| line.contains('█')).count() > 10,
        "{printed}"
    );
    assert!(code.contains("\nhttps://board.example/"), "{printed}");

    let off = [&public[..], &["--qr-code", "off"]].concat();
    for options in [&[][..], &off] {
        let printed = printed_in_terminal(options).await;
        assert!(
            printed.contains("overview") && !printed.contains('█'),
            "{printed}"
        );
    }
}

//! The live pages in a real browser: messages published in one window are shown in the others.

use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use harness::{Carillon, carillon};
use serde_json::{Value, json};

use crate::reader::{
    LIVE, PICTURE, ROWS, SQUARE, VALUES, choose, enter, figure, figure_until, open_live, press,
    publish, published, rows,
};

#[tokio::test]
async fn a_console_updates_the_square_and_the_chart_in_other_windows() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    let console = browser.window().await;
    open_live(&browser, &server.url("/console")).await;
    browser
        .text_until(".announcement", |text| text.contains("Publishing"))
        .await;
    enter(&browser, "Period in milliseconds", "50").await;

    let rect = browser.open_window(&server.url("/rect")).await;
    figure_until(&browser, "received", |count| count >= 5).await;
    let turned = browser.evaluate(SQUARE).await;
    assert_eq!(
        turned[1], true,
        "the square is drawn at its angle: {turned}"
    );
    let angle = turned[0].clone();
    browser
        .evaluate_until(SQUARE, |turned| turned[0] != angle)
        .await;

    let chart = browser.open_window(&server.url("/chart")).await;
    browser.show(&console).await;
    choose(&browser, "Chart").await;
    browser
        .text_until(".announcement", |text| text.contains("chart"))
        .await;
    browser.show(&chart).await;
    figure_until(&browser, "received", |count| count >= 3).await;
    let picture = browser.evaluate_until(PICTURE, Value::is_string).await;
    let values = browser.evaluate(VALUES).await;
    assert_eq!(values.as_array().map(Vec::len), Some(7), "{values}");
    browser.evaluate_until(VALUES, |now| *now != values).await;
    browser.evaluate_until(PICTURE, |now| *now != picture).await;

    browser.show(&console).await;
    let accepted = figure(&browser, "accepted").await;
    figure_until(&browser, "accepted", |count| count > accepted).await;
    browser.show(&rect).await;
    browser.element(LIVE).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn all_windows_see_one_order_when_two_consoles_publish() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    let mut viewers = vec![browser.window().await];
    open_live(&browser, &server.url("/rect")).await;
    viewers.push(browser.open_window(&server.url("/rect")).await);
    browser.element(LIVE).await;
    let mut consoles = Vec::new();
    for _ in 0..2 {
        consoles.push(browser.open_window(&server.url("/console")).await);
        enter(&browser, "Period in milliseconds", "20").await;
    }
    browser.show(&viewers[0]).await;
    figure_until(&browser, "received", |count| count >= 100).await;
    for console in &consoles {
        browser.show(console).await;
        press(&browser, "Pause").await;
        browser
            .text_until(".announcement", |text| text.contains("Paused"))
            .await;
    }

    let published = published(&server, "rect").await;
    for viewer in &viewers {
        browser.show(viewer).await;
        let is_the_newest = |rows: &Value| {
            let rows = rows.as_array().expect("a list of rows");
            rows.len() >= 100 && published.ends_with(rows)
        };
        browser.evaluate_until(ROWS, is_the_newest).await;
    }
    let mut producers: Vec<_> = published.iter().map(|row| row[0].to_string()).collect();
    producers.sort();
    producers.dedup();
    assert_eq!(producers.len(), 2, "both consoles publish: {producers:?}");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_reload_keeps_the_last_image_and_shows_it_once() {
    let server = Carillon::start().await;
    publish(&server, "rect", "137.5").await;
    let browser = Browser::start().await;
    for _ in 0..2 {
        open_live(&browser, &server.url("/rect")).await;
        browser
            .evaluate_until(SQUARE, |turned| *turned == json!(["137.5", true]))
            .await;
        assert_eq!(browser.text("output.angle").await, "137.5°");
    }
    publish(&server, "rect", "10").await;
    publish(&server, "rect", "20").await;
    browser
        .evaluate_until(SQUARE, |turned| turned[0] == "20")
        .await;
    let rows = rows(&browser).await;
    assert_eq!(
        rows,
        [["e2e", "137.5"], ["e2e", "10"], ["e2e", "20"]].map(|row| json!(row))
    );
    browser.close(|_| false).await;
}

#[tokio::test]
async fn pages_show_a_restart_of_the_server_and_reconnect() {
    let server = Carillon::start().await;
    let address = server.address();
    let browser = Browser::start().await;
    publish(&server, "rect", "1").await;
    let rect = browser.window().await;
    open_live(&browser, &server.url("/rect")).await;
    browser.open_window(&server.url("/console")).await;
    figure_until(&browser, "accepted", |count| count >= 1).await;
    press(&browser, "Pause").await;
    assert!(server.stop().await.success());
    browser
        .text_until(".notice", |text| text.contains("connection is lost"))
        .await;
    browser.show(&rect).await;
    browser
        .text_until(".notice", |text| text.contains("connection is lost"))
        .await;
    browser
        .element(".connection[data-state=lost], .connection[data-state=connecting]")
        .await;

    let server = Carillon::listening(address, &[]).await;
    browser.element(LIVE).await;
    let notices = "return document.querySelectorAll('.notice').length";
    browser.evaluate_until(notices, |count| count == 0).await;
    publish(&server, "rect", "222").await;
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["222", true]))
        .await;
    browser
        .text_until("li.gap", |text| text.contains("restarted"))
        .await;

    let console = browser
        .client
        .windows()
        .await
        .expect("windows")
        .pop()
        .expect("the console");
    browser.show(&console).await;
    browser.element(LIVE).await;
    let accepted = figure(&browser, "accepted").await;
    press(&browser, "Send once").await;
    figure_until(&browser, "accepted", |count| count > accepted).await;
    browser.close(is_lost_connection).await;
}

/// The browser's own messages about an unreachable server.
fn is_lost_connection(message: &str) -> bool {
    let is_attempt = message.contains("WebSocket connection to");
    (is_attempt || message.contains("/api/connect-check"))
        && message.contains("ERR_CONNECTION_REFUSED")
}

#[tokio::test]
async fn a_message_that_a_page_cannot_show_is_ignored_and_counted() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    publish(&server, "rect", "-90.5").await;
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["-90.5", true]))
        .await;
    for data in [r#""text""#, "null", "[1]", "{}"] {
        publish(&server, "rect", data).await;
    }
    post(
        server.url("/api/topics/rect"),
        "text/plain",
        vec![0xff, 0xfe],
    )
    .await;
    figure_until(&browser, "ignored", |count| count == 5).await;
    assert_eq!(browser.evaluate(SQUARE).await[0], "-90.5");
    publish(&server, "rect", "3600").await;
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["3600", true]))
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_chart_draws_any_number_of_bars_sharply() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    browser.emulate_screen(390, 800, Screen::Phone).await;
    open_live(&browser, &server.url("/chart")).await;
    let mut pictures = vec![browser.evaluate_until(PICTURE, Value::is_string).await];
    for data in ["[5]", "[1,2,3,4,5,6,7,8,9,10,11,12]", "[-3,0,2.5]"] {
        publish(&server, "chart", data).await;
        let expected: Vec<f64> = serde_json::from_str(data).expect("numbers");
        let has_all = |values: &Value| {
            let values = values.as_array().expect("a list");
            values
                .iter()
                .filter_map(Value::as_f64)
                .eq(expected.iter().copied())
        };
        browser.evaluate_until(VALUES, has_all).await;
        let known = pictures.clone();
        pictures.push(
            browser
                .evaluate_until(PICTURE, |now| !known.contains(now))
                .await,
        );
    }
    let sharpness = "const canvas = document.querySelector('.chart canvas');
        return Math.abs(canvas.width - canvas.getBoundingClientRect().width * devicePixelRatio) < 2;";
    assert_eq!(browser.evaluate(sharpness).await, true);

    let before = browser
        .evaluate("return document.querySelector('.chart canvas').width")
        .await;
    browser.emulate_screen(800, 390, Screen::Phone).await;
    let width = "return document.querySelector('.chart canvas').width";
    browser.evaluate_until(width, |now| *now != before).await;
    assert_eq!(browser.evaluate(sharpness).await, true);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_list_follows_the_newest_message_unless_the_reader_scrolled_up() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    for angle in 1..=60 {
        publish(&server, "rect", &angle.to_string()).await;
    }
    let newest_is_visible = "
        const list = document.querySelector('.scroller').getBoundingClientRect();
        const rows = document.querySelectorAll('.messages li.message');
        const row = rows[rows.length - 1]?.getBoundingClientRect();
        return Boolean(row) && row.top >= list.top - 1 && row.bottom <= list.bottom + 1;";
    figure_until(&browser, "received", |count| count >= 60).await;
    browser
        .evaluate_until(newest_is_visible, |visible| visible == true)
        .await;

    browser
        .evaluate("document.querySelector('.scroller').scrollBy(0, -400)")
        .await;
    browser.named("button", "Jump to newest").await;
    publish(&server, "rect", "61").await;
    figure_until(&browser, "received", |count| count >= 61).await;
    assert_eq!(
        browser.evaluate(newest_is_visible).await,
        false,
        "the reader stays"
    );
    press(&browser, "Jump to newest").await;
    browser
        .evaluate_until(newest_is_visible, |visible| visible == true)
        .await;

    press(&browser, "Clear").await;
    figure_until(&browser, "received", |count| count == 0).await;
    assert_eq!(rows(&browser).await, Vec::<Value>::new());
    assert_eq!(browser.evaluate(SQUARE).await[0], "61", "the square stays");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn links_change_the_page_and_keep_the_connection() {
    let server = Carillon::start().await;
    publish(&server, "rect", "45").await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/")).await;
    let connections = |figures: &Value| figures["connections"].clone();
    let before = connections(&get(server.url("/api/figures")).await.json());
    browser.evaluate("window.sameDocument = true").await;
    browser.click("header a[href='rect']").await;
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["45", true]))
        .await;
    browser.click("header a[href='chart']").await;
    browser.element(".chart canvas").await;
    browser.client.back().await.expect("a page before");
    publish(&server, "rect", "46").await;
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["46", true]))
        .await;
    assert_eq!(browser.evaluate("return window.sameDocument").await, true);
    let after = connections(&get(server.url("/api/figures")).await.json());
    assert_eq!(before, after);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_overview_shows_the_brokers_figures_as_they_change() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/")).await;
    for _ in 0..12 {
        publish(&server, "weather.berlin", "1").await;
    }
    let row =
        "return [...document.querySelectorAll('.topics tbody tr')].map((row) => row.innerText)";
    let has_topic = |rows: &Value| rows.to_string().contains("weather.berlin");
    let rows = browser.evaluate_until(row, has_topic).await;
    assert!(rows.to_string().contains("12"), "{rows}");
    browser.close(|_| false).await;
}

#[tokio::test]
async fn messages_of_the_command_line_reach_the_page() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/rect")).await;
    let url = server.url("");
    let output = carillon::run(&["pub", "--server", &url, "rect", r#"{"data":12}"#]).await;
    assert!(output.status.success(), "{output:?}");
    browser
        .evaluate_until(SQUARE, |turned| *turned == json!(["12", true]))
        .await;
    browser.close(|_| false).await;
}

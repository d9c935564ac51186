//! The pages of boards: a board made in one browser and open in another, publishing from it, arranging it by keyboard, and a
//! viewer without rights.

use harness::Carillon;
use harness::browser::{Browser, Screen};
use harness::http::{get, post};
use harness::stomp::StompClient;
use harness::users::{UsersFile, with_token};
use http::Method;
use serde_json::{Value, json};

use crate::accessibility::broken_rules;
use crate::boards_api::{board, put, remove};
use crate::reader::{LIVE, open_live, press};

const ENTER: &str = "\u{e007}";
const RIGHT: &str = "\u{e014}";
const DOWN: &str = "\u{e015}";
const SHIFT: &str = "\u{e008}";
const RELEASE: &str = "\u{e000}";

/// Returns the places of the tiles by title: column, row, width and height.
const PLACES: &str =
    "return Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) => [
    tile.getAttribute('aria-label'),
    [tile.style.gridColumn, tile.style.gridRow].join(', '),
]));";

async fn publish(server: &Carillon, topic: &str, body: &str) {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = post(url, "application/json", body.to_owned()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

/// Types into a field of the open dialog, in place of what it has.
async fn fill(browser: &Browser, css: &str, text: &str) {
    let field = browser.element(css).await;
    let keys = field.send_keys(&format!("\u{e009}a\u{e000}{text}")).await;
    keys.expect("a field to type into");
}

async fn choose_kind(browser: &Browser, kind: &str) {
    let select = format!(
        "const select = document.querySelector('#tile-kind');
        if (!select) return false;
        select.value = {};
        select.dispatchEvent(new Event('change', {{ bubbles: true }}));
        return true;",
        json!(kind)
    );
    browser.evaluate_until(&select, |done| done == true).await;
}

/// Adds a tile in the dialog. Each pair is a field and its text.
async fn add_tile(browser: &Browser, kind: &str, fields: &[(&str, &str)]) {
    press(browser, "Add a tile…").await;
    choose_kind(browser, kind).await;
    for (field, text) in fields {
        fill(browser, field, text).await;
    }
    browser.click("dialog.tile-settings [type=submit]").await;
}

/// Waits until the stored board satisfies the condition.
async fn stored_until(server: &Carillon, name: &str, is_met: impl Fn(&Value) -> bool) -> Value {
    let url = server.url(&format!("/api/boards/{name}"));
    let stored = || async { get(&url).await.json() };
    harness::deadline::eventually("the stored board", stored, is_met).await
}

#[tokio::test]
async fn a_board_is_made_in_one_browser_and_followed_in_another() {
    let server = Carillon::start().await;
    publish(&server, "hall", r#"{"data":{"temp":21.5}}"#).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards")).await;
    fill(&browser, "#board-name", "hall").await;
    press(&browser, "New board").await;
    let here = "return location.pathname";
    browser
        .evaluate_until(here, |path| path == "/boards/hall")
        .await;
    add_tile(
        &browser,
        "number",
        &[
            ("#tile-topic", "hall"),
            ("#tile-title", "Temperature"),
            ("#tile-field", "data.temp"),
        ],
    )
    .await;
    // The value of a message before the tile existed.
    browser
        .text_until(".tile-number .value", |text| text.starts_with("21.5"))
        .await;
    stored_until(&server, "hall", |board| {
        board["tiles"][0]["title"] == "Temperature"
    })
    .await;

    let other = Browser::start().await;
    open_live(&other, &server.url("/boards/hall")).await;
    other
        .text_until(".tile-number .value", |text| text.starts_with("21.5"))
        .await;
    publish(&server, "hall", r#"{"data":{"temp":22.25}}"#).await;
    for browser in [&browser, &other] {
        browser
            .text_until(".tile-number .value", |text| text.starts_with("22.25"))
            .await;
    }
    // A change arrives without a reload, and the new tile has the last value.
    add_tile(
        &browser,
        "gauge",
        &[
            ("#tile-topic", "hall"),
            ("#tile-title", "Gauge"),
            ("#tile-field", "data.temp"),
        ],
    )
    .await;
    other
        .text_until(".tile-gauge .value", |text| text.starts_with("22.25"))
        .await;
    // A message without the field is reported on the tile, and the value stays.
    publish(&server, "hall", r#"{"other":1}"#).await;
    other
        .text_until(".tile-number .tile-note", |text| text.contains("data.temp"))
        .await;
    other
        .text_until(".tile-number .value", |text| text.starts_with("22.25"))
        .await;
    remove(&server, "hall").await;
    other
        .text_until("#board", |text| text.contains("This board was deleted."))
        .await;
    browser.close(|_| false).await;
    other.close(|_| false).await;
}

#[tokio::test]
async fn a_board_that_a_restart_has_lost_is_shown_as_deleted() {
    let server = Carillon::start().await;
    let address = server.address();
    put(&server, "hall", None, &board("Hall", "a")).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards/hall")).await;
    server.kill().await;
    browser
        .element(".connection[data-state=lost], .connection[data-state=connecting]")
        .await;
    // In memory nothing survives.
    let server = Carillon::listening(address, &[]).await;
    browser
        .text_until("#board", |text| text.contains("This board was deleted."))
        .await;
    press(&browser, "Save it again").await;
    stored_until(&server, "hall", |board| board["title"] == "Hall").await;
    // The browser logs the refused connections and the missing board.
    browser
        .close(|message| {
            let expected = ["WebSocket", "404", "ERR_CONNECTION"];
            expected.iter().any(|part| message.contains(part))
        })
        .await;
}

#[tokio::test]
async fn tiles_publish_and_show_each_others_values() {
    let server = Carillon::start().await;
    let tiles = json!({ "tiles": [
        { "id": 1, "kind": "button", "x": 0, "y": 0, "w": 3, "h": 2, "topic": "lamp", "title": "Turn on",
          "send": "{\"on\":true}" },
        { "id": 2, "kind": "switch", "x": 3, "y": 0, "w": 3, "h": 2, "topic": "lamp", "field": "on", "retain": true },
        { "id": 3, "kind": "slider", "x": 6, "y": 0, "w": 3, "h": 2, "topic": "level", "field": "set.value",
          "min": 0, "max": 10, "step": 1 },
        { "id": 4, "kind": "number", "x": 9, "y": 0, "w": 3, "h": 2, "topic": "level", "field": "set.value" }
    ]});
    put(&server, "desk", None, &tiles).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards/desk")).await;
    press(&browser, "Turn on").await;
    browser
        .text_until(".tile-button .outcome", |text| text.starts_with("Sent at"))
        .await;
    let checked = "return document.querySelector('.tile-switch input').checked";
    browser.evaluate_until(checked, |on| on == true).await;
    browser.click(".tile-switch input").await;
    browser.evaluate_until(checked, |on| on == false).await;
    let last = async |topic: &str| {
        let url = server.url(&format!("/api/topics/{topic}"));
        let body = get(url).await.json()["last"]["body"].clone();
        body.as_str().unwrap_or_default().to_owned()
    };
    let is_off = |body: &String| body == r#"{"on":false}"#;
    harness::deadline::eventually("the lamp", || last("lamp"), is_off).await;
    let slider = browser.element(".tile-slider input").await;
    slider.send_keys(&RIGHT.repeat(3)).await.expect("a slider");
    browser
        .text_until(".tile-number .value", |text| text == "3")
        .await;
    assert_eq!(last("level").await, r#"{"set":{"value":3}}"#);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_board_is_arranged_by_keyboard_alone() {
    let server = Carillon::start().await;
    let mut two = board("Hall", "a");
    two["tiles"][0]["title"] = json!("First");
    two["tiles"].as_array_mut().expect("tiles").push(json!(
        { "id": 2, "kind": "text", "x": 0, "y": 2, "w": 3, "h": 2, "topic": "b", "title": "Second" }
    ));
    put(&server, "hall", None, &two).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards/hall")).await;
    // Tab reaches the button, Enter begins editing, and Tab reaches the handle of the first tile.
    let tab_to = async |name: &str| {
        let focused = format!(
            "return document.activeElement?.textContent.trim() === {name}
                || document.activeElement?.getAttribute('aria-label') === {name}",
            name = json!(name)
        );
        for _ in 0..40 {
            browser.press("\u{e004}").await;
            if browser.evaluate(&focused).await == true {
                return;
            }
        }
        panic!("Tab does not reach {name}");
    };
    tab_to("Edit").await;
    browser.press(ENTER).await;
    browser.element("#tile-handle-1").await;
    tab_to("Move First").await;
    browser.press(RIGHT).await;
    browser
        .text_until(".report", |text| {
            text == "First: column 2, row 1, 3 wide, 2 high"
        })
        .await;
    browser.press(&format!("{SHIFT}{RIGHT}{RELEASE}")).await;
    browser
        .text_until(".report", |text| {
            text == "First: column 2, row 1, 4 wide, 2 high"
        })
        .await;
    // The second tile makes room, and the order of reading follows; the focus stays on the tile.
    browser.press(DOWN).await;
    browser.press(DOWN).await;
    browser.press(DOWN).await;
    browser
        .text_until(".report", |text| {
            text == "First: column 2, row 4, 4 wide, 2 high"
        })
        .await;
    let focused = "return document.activeElement.id";
    browser
        .evaluate_until(focused, |id| id == "tile-handle-1")
        .await;
    let expected = json!({ "First": "2 / span 4, 4 / span 2", "Second": "1 / span 3, 6 / span 2" });
    browser
        .evaluate_until(PLACES, |places| *places == expected)
        .await;
    let stored = stored_until(&server, "hall", |board| board["tiles"][0]["y"] == 3).await;
    assert_eq!(stored["tiles"][0]["w"], 4, "{stored}");
    // Enter opens the settings, Escape closes them, and Delete removes the tile.
    browser.press(ENTER).await;
    browser
        .element("dialog.tile-settings[open] #tile-kind")
        .await;
    browser.press("\u{e00c}").await;
    let is_closed = "return !document.querySelector('dialog.tile-settings[open]')";
    browser
        .evaluate_until(is_closed, |closed| closed == true)
        .await;
    browser
        .evaluate_until(focused, |id| id == "tile-handle-1")
        .await;
    browser.press("\u{e017}").await;
    let tiles =
        |count: usize| move |board: &Value| board["tiles"].as_array().map(Vec::len) == Some(count);
    stored_until(&server, "hall", tiles(1)).await;
    // The focus is on the button that puts it back.
    browser
        .evaluate_until(focused, |id| id == "tile-undo")
        .await;
    browser.press(ENTER).await;
    stored_until(&server, "hall", tiles(2)).await;
    browser
        .evaluate_until(focused, |id| id == "tile-handle-1")
        .await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_tile_is_dragged_and_pushes_others_down() {
    let server = Carillon::start().await;
    let mut two = board("Hall", "a");
    two["tiles"][0]["title"] = json!("First");
    two["tiles"].as_array_mut().expect("tiles").push(json!(
        { "id": 2, "kind": "text", "x": 6, "y": 0, "w": 3, "h": 2, "topic": "b", "title": "Second" }
    ));
    put(&server, "hall", None, &two).await;
    let browser = Browser::start().await;
    browser.emulate_screen(1280, 900, Screen::Desktop).await;
    open_live(&browser, &server.url("/boards/hall")).await;
    press(&browser, "Edit").await;
    browser.element("#tile-handle-1").await;
    // The pointer of the DevTools protocol: a real drag by six columns.
    let corners = "const at = (css) => {
            const box = document.querySelector(css).getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        };
        const grid = document.querySelector('#board-grid').getBoundingClientRect();
        return [...at('#tile-handle-1'), (grid.width + 12) / 12];";
    let numbers = browser.evaluate(corners).await;
    let number = |index: usize| numbers[index].as_f64().expect("a number");
    let (x, y, column) = (number(0), number(1), number(2));
    for (kind, x, buttons) in [
        ("mouseMoved", x, 0),
        ("mousePressed", x, 1),
        ("mouseMoved", x + column * 3.0, 1),
        ("mouseMoved", x + column * 6.0, 1),
        ("mouseReleased", x + column * 6.0, 0),
    ] {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let event = json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
        browser
            .developer_tools("Input.dispatchMouseEvent", event)
            .await;
    }
    let expected = json!({ "First": "7 / span 3, 1 / span 2", "Second": "7 / span 3, 3 / span 2" });
    browser
        .evaluate_until(PLACES, |places| *places == expected)
        .await;
    stored_until(&server, "hall", |board| board["tiles"][1]["y"] == 2).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn of_two_people_who_edit_at_once_none_overwrites_the_other() {
    let server = Carillon::start().await;
    put(&server, "hall", None, &board("Hall", "a")).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards/hall")).await;
    press(&browser, "Edit").await;
    // The page saves after a pause. Another person saves before, while the page cannot run.
    let other = board("Theirs", "a").to_string();
    let both = format!(
        "const field = document.querySelector('#board-title');
        field.value = 'Mine';
        field.dispatchEvent(new Event('change', {{ bubbles: true }}));
        const other = new XMLHttpRequest();
        other.open('PUT', '/api/boards/hall', false);
        other.setRequestHeader('if-match', '*');
        other.send({});
        return other.status;",
        json!(other)
    );
    assert_eq!(browser.evaluate(&both).await, 200);
    browser
        .text_until(".conflict", |text| {
            text.contains("Somebody else has changed this board")
        })
        .await;
    browser.text_until("h1", |text| text == "Theirs").await;
    press(&browser, "Replace it with mine").await;
    browser.text_until("h1", |text| text == "Mine").await;
    stored_until(&server, "hall", |board| board["title"] == "Mine").await;
    // The browser logs the refused request.
    browser.close(|message| message.contains("412")).await;
}

#[tokio::test]
async fn the_example_opens_with_one_click_and_is_alive() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards")).await;
    press(&browser, "Open the example board").await;
    let here = "return location.pathname";
    browser
        .evaluate_until(here, |path| path == "/boards/example")
        .await;
    // A figure of the broker, which changes by itself.
    browser
        .text_until(".tile-number .value", |text| text.ends_with("/s"))
        .await;
    press(&browser, "Send new bars").await;
    browser
        .text_until(".tile-bars", |text| {
            text.contains("48") && text.contains("91")
        })
        .await;
    publish(&server, "rect", r#"{"producerId":"e2e","data":90}"#).await;
    browser
        .text_until(".tile-shape .value", |text| text == "90°")
        .await;
    browser
        .text_until(".tile-log", |text| text.contains("rect"))
        .await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    press(&browser, "Edit").await;
    browser.element("#tile-handle-1").await;
    assert_eq!(broken_rules(&browser).await, json!([]));
    browser.close(|_| false).await;
}

#[tokio::test]
async fn all_messages_are_counted_whatever_is_drawn() {
    let server = Carillon::with(&["--lag", "100000", "--lag-bytes", "100000000"]).await;
    let tiles = json!({ "tiles": [
        { "id": 1, "kind": "log", "x": 0, "y": 0, "w": 6, "h": 3, "topic": "fast.*" },
        { "id": 2, "kind": "line", "x": 6, "y": 0, "w": 6, "h": 3, "topic": "fast.a" },
        { "id": 3, "kind": "number", "x": 0, "y": 3, "w": 3, "h": 2, "topic": "fast.a" }
    ]});
    put(&server, "fast", None, &tiles).await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards/fast")).await;
    let mut producer = StompClient::connect(&server).await;
    // The subscriptions of the page are there.
    producer.publish("fast.a", "0").await;
    browser
        .text_until(".tile-number .value", |text| text == "0")
        .await;
    let bodies: Vec<String> = (1..=5_000).map(|number| number.to_string()).collect();
    producer.send_all("/topic/fast.a", &bodies).await;
    for tile in [".tile-log", ".tile-line", ".tile-number"] {
        let count = format!("{tile} .count");
        // A narrow space divides the thousands.
        browser.text_until(&count, |text| text == "5,001").await;
    }
    browser
        .text_until(".tile-number .value", |text| text == "5000")
        .await;
    let lines = "return document.querySelectorAll('.log-lines li').length";
    assert_eq!(browser.evaluate(lines).await, 100);
    browser.close(|_| false).await;
}

#[tokio::test]
async fn the_first_html_has_the_values() {
    let server = Carillon::start().await;
    let mut hall = board("Hall of bells", "hall");
    hall["tiles"][0]["unit"] = json!("°C");
    put(&server, "hall", None, &hall).await;
    publish(&server, "hall", r#"{"data":23.75}"#).await;
    let page = get(server.url("/boards/hall")).await.text();
    assert!(page.contains("<title>hall · Board"), "{page}");
    assert!(page.contains("Hall of bells"), "{page}");
    assert!(page.contains("23.75"), "{page}");
    let list = get(server.url("/boards")).await.text();
    assert!(list.contains("Hall of bells"), "{list}");
}

#[tokio::test]
async fn a_viewer_sees_which_rights_are_missing() {
    let file = UsersFile::new(
        "[users.viewer]\nsubscribe = [\"open.>\", \"$BOARDS.>\"]\n\
         [users.editor]\npublish = [\">\", \"$BOARDS.>\"]\nsubscribe = [\">\", \"$BOARDS.>\"]\n",
    );
    let editor = file.token("editor").await;
    let viewer = file.token("viewer").await;
    let server = file.server(&[]).await;
    let tiles = json!({ "tiles": [
        { "id": 1, "kind": "number", "x": 0, "y": 0, "w": 3, "h": 2, "topic": "open.a" },
        { "id": 2, "kind": "number", "x": 3, "y": 0, "w": 3, "h": 2, "topic": "shut.a", "title": "Secret" },
        { "id": 3, "kind": "button", "x": 6, "y": 0, "w": 3, "h": 2, "topic": "open.a", "title": "Ring" }
    ]});
    let saved = with_token(
        Method::PUT,
        server.url("/api/boards/hall"),
        &editor,
        tiles.to_string(),
    );
    assert!(harness::http::send(saved).await.status.is_success());
    let browser = Browser::start().await;
    browser.open_plain(&server.url("/boards/hall")).await;
    fill(&browser, "input[name=user]", "viewer").await;
    fill(
        &browser,
        "input[name=password]",
        &format!("{viewer}{ENTER}"),
    )
    .await;
    browser.element(LIVE).await;
    browser
        .text_until("[aria-label=Secret] .tile-note", |text| {
            text.starts_with("You may not read shut.a.")
        })
        .await;
    browser
        .text_until("[aria-label=Ring] .tile-note", |text| {
            text.starts_with("You may not publish to open.a.")
        })
        .await;
    browser
        .text_until("#board", |text| text.contains("You may look at this board"))
        .await;
    let can_edit = "return document.querySelector('.edit-board').checkVisibility()";
    assert_eq!(browser.evaluate(can_edit).await, false);
    // The topic that may be read is live, so the missing right has not ended the connection.
    let publish = with_token(Method::POST, server.url("/api/topics/open.a"), &editor, "7");
    harness::http::send(publish).await;
    browser
        .text_until(".tile-number .value", |text| text == "7")
        .await;
    browser.element(LIVE).await;
    browser.close(|_| false).await;
}

#[tokio::test]
async fn a_board_fits_a_phone_and_a_wall() {
    let server = Carillon::start().await;
    let browser = Browser::start().await;
    open_live(&browser, &server.url("/boards")).await;
    press(&browser, "Open the example board").await;
    browser.element(".tile-log").await;
    browser.emulate_screen(390, 800, Screen::Phone).await;
    // All tiles have the width of the column.
    let columns =
        "const left = [...document.querySelectorAll('.tile')].map((tile) => tile.offsetLeft);
        return new Set(left).size;";
    browser.evaluate_until(columns, |count| count == 1).await;
    let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.evaluate(wide).await, false);
    browser.emulate_screen(1280, 900, Screen::Desktop).await;
    browser.open(&server.url("/boards/example?view")).await;
    browser.element(".board-view .tile-log").await;
    let head = "return document.querySelector('header.head').checkVisibility()";
    assert_eq!(browser.evaluate(head).await, false);
    assert_eq!(broken_rules(&browser).await, json!([]));
    press(&browser, "Leave the view").await;
    browser
        .evaluate_until(head, |is_there| is_there == true)
        .await;
    browser.close(|_| false).await;
}

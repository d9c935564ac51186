//! Boards.

use super::{Checked, DELETE, GET};
use http::Method;

/// Asks for everything that these paths offer.
pub async fn boards(checked: &Checked<'_>) {
    let one = ("/api/boards/{name}", "/api/boards/hall");
    let tile = r#"{"id":1,"kind":"line","x":0,"y":0,"w":3,"h":2,"title":"t","topic":"tree.a.b","field":"temp",
        "unit":"C","min":0,"max":40.5,"seconds":60}"#;
    let all = r#"{"id":2,"kind":"table","x":3,"y":0,"w":3,"h":2,"topic":"tree.>"}"#;
    let slider =
        r#"{"id":3,"kind":"slider","x":6,"y":0,"w":3,"h":2,"topic":"set","step":1,"retain":true}"#;
    let plane =
        r#"{"id":4,"kind":"plane","x":0,"y":2,"w":3,"h":2,"topic":"at","field":"x","fieldY":"y"}"#;
    let button = r#"{"id":5,"kind":"button","x":3,"y":2,"w":3,"h":2,"topic":"set","send":"on"}"#;
    let board = format!(r#"{{"title":"Hall","tiles":[{tile},{all},{slider},{plane},{button}]}}"#);
    checked.ask(201, Method::PUT, one, board.clone()).await;
    checked.ask(428, Method::PUT, one, board).await;
    checked.ask(400, Method::PUT, one, "{").await;
    checked.ask(413, Method::PUT, one, vec![b' '; 1_001]).await;
    checked.ask(200, GET, one, "").await;
    let list = ("/api/boards", "/api/boards");
    checked.ask(200, GET, list, "").await;
    let values = "/api/boards/{name}/values";
    let target = "/api/boards/hall/values";
    checked.ask(200, GET, (values, target), "").await;
    let missing = "/api/boards/none/values";
    checked.ask(404, GET, (values, missing), "").await;
    let wrong = (one.0, "/api/boards/a%20b");
    checked.ask(400, GET, wrong, "").await;
    checked.ask(204, DELETE, one, "").await;
    checked.ask(404, DELETE, one, "").await;
    checked.ask(404, GET, one, "").await;
}

//! The tree of topics, and their history.

use super::{Checked, GET, POST};

/// Asks for everything that these paths offer.
pub async fn explore(checked: &Checked<'_>) {
    let publish = ("/api/topics/{topic}", "/api/topics/tree.a.b");
    checked.ask(200, POST, publish, r#"{"temp": 21.5}"#).await;
    let tree = "/api/tree";
    for query in ["", "?sort=rate&limit=1", "?under=tree.a", "?sort=time"] {
        let target = format!("{tree}{query}");
        checked.ask(200, GET, (tree, &target), "").await;
    }
    for query in ["?sort=size", "?under=a..b", "?limit=x"] {
        let target = format!("{tree}{query}");
        checked.ask(400, GET, (tree, &target), "").await;
    }
    let messages = "/api/topics/{topic}/messages";
    for query in ["", "?limit=0", "?after=0", "?atMs=0&selector=colour='red'"] {
        let target = format!("/api/topics/tree.a.b/messages{query}");
        checked.ask(200, GET, (messages, &target), "").await;
    }
    let wrong = "/api/topics/tree.a.b/messages?after=0&before=1";
    checked.ask(400, GET, (messages, wrong), "").await;
    let missing = "/api/topics/none/messages";
    checked.ask(404, GET, (messages, missing), "").await;
    let export = "/api/topics/{topic}/export";
    for query in ["", "?format=csv&field=temp"] {
        let target = format!("/api/topics/tree.a.b/export{query}");
        checked.ask(200, GET, (export, &target), "").await;
    }
    let wrong = "/api/topics/tree.a.b/export?format=xml";
    checked.ask(400, GET, (export, wrong), "").await;
    let missing = "/api/topics/none/export";
    checked.ask(404, GET, (export, missing), "").await;
}

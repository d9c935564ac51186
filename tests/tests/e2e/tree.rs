//! `/api/tree`: the tree of topics, node by node.

use harness::Carillon;
use harness::http::{Answer, get, post, send};
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, with_token};
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn publish(server: &Carillon, topic: &str, body: impl Into<bytes::Bytes>) {
    let url = server.url(&format!("/api/topics/{topic}"));
    let answer = post(url, "text/plain", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

async fn tree(server: &Carillon, query: &str) -> Value {
    let answer = get(server.url(&format!("/api/tree{query}"))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn children(tree: &Value) -> &[Value] {
    tree["children"].as_array().expect("a list")
}

fn names(tree: &Value) -> Vec<&str> {
    let children = children(tree).iter();
    children
        .map(|child| child["name"].as_str().expect("a name"))
        .collect()
}

/// Returns the names of all pages.
async fn all_names(server: &Carillon, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = tree(server, &format!("?limit=7{query}{after}")).await;
        assert!(children(&page).len() <= 7);
        found.extend(names(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_node_has_its_children_with_their_topics_and_messages() {
    let server = Carillon::start().await;
    for topic in [
        "finance",
        "finance.stock.usd",
        "finance.stock.eur",
        "finance.stock.eur",
    ] {
        publish(&server, topic, "x").await;
    }
    publish(&server, "weather", "sunny").await;
    let root = tree(&server, "").await;
    let user: Vec<_> = children(&root)
        .iter()
        .filter(|child| child.get("system").is_none())
        .collect();
    assert_eq!(root["under"], Value::Null);
    assert_eq!(root["total"], children(&root).len());
    assert_eq!(user.len(), 2, "{root}");
    let finance = user[0];
    for (member, wanted) in [
        ("level", json!("finance")),
        ("name", json!("finance")),
        ("topics", json!(3)),
        ("messages", json!(4)),
    ] {
        assert_eq!(finance[member], wanted, "{finance}");
    }
    assert_eq!(finance["topic"]["sequence"], 1, "{finance}");
    let below = tree(&server, "?under=finance").await;
    assert_eq!(
        (&below["under"], &below["total"]),
        (&json!("finance"), &json!(1))
    );
    let stock = &children(&below)[0];
    assert_eq!(
        (&stock["level"], &stock["name"]),
        (&json!("stock"), &json!("finance.stock"))
    );
    assert_eq!(
        (&stock["topics"], &stock["messages"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(
        stock["topic"],
        Value::Null,
        "there is no topic of this name"
    );
    let leaves = tree(&server, "?under=finance.stock").await;
    assert_eq!(names(&leaves), ["finance.stock.eur", "finance.stock.usd"]);
    assert_eq!(tree(&server, "?under=nothing").await["children"], json!([]));
}

#[tokio::test]
async fn a_topic_of_the_tree_has_figures_rate_time_and_preview() {
    let server = Carillon::start().await;
    let url = server.url("/api/topics/a?retain=true");
    for body in ["1", "2", "3"] {
        assert_eq!(post(&url, "text/plain", body).await.status, StatusCode::OK);
    }
    publish(&server, "b", vec![0xff, 0xfe]).await;
    publish(&server, "c", "한".repeat(200)).await;
    let last = get(server.url("/api/topics/a")).await.json()["last"]["timestamp"].clone();
    let root = tree(&server, "").await;
    let topic = |name: &str| {
        let found = children(&root).iter().find(|child| child["name"] == name);
        found.expect("the child")["topic"].clone()
    };
    let a = topic("a");
    assert_eq!(
        (&a["name"], &a["sequence"], &a["historyEntries"]),
        (&json!("a"), &json!(3), &json!(3))
    );
    assert_eq!((&a["preview"], &a["retained"]), (&json!("3"), &json!(true)));
    assert_eq!(a["lastMs"], last);
    let rate = a["rate"].as_f64().expect("a rate");
    assert!(
        (0.0..=0.6).contains(&rate),
        "at most three messages in five seconds: {rate}"
    );
    assert_eq!(
        (&topic("b")["preview"], &topic("b")["retained"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(topic("c")["preview"], "한".repeat(120));
}

#[tokio::test]
async fn children_are_listed_page_by_page_in_every_order() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let mut wanted = Vec::new();
    for number in 0..30 {
        let name = format!("t.{number:02}");
        for _ in 0..=number % 3 {
            client
                .send(&Frame::publication(&format!("{name}.x"), ""))
                .await;
        }
        wanted.push(name);
    }
    client.request(Frame::publication("t.00", "last")).await;
    assert_eq!(all_names(&server, "&under=t").await, wanted);
    for sort in ["rate", "time"] {
        let mut found = all_names(&server, &format!("&under=t&sort={sort}")).await;
        if sort == "time" {
            assert_eq!(found[0], "t.00", "it has the newest message");
        }
        found.sort_unstable();
        assert_eq!(found, wanted, "{sort}");
    }
    let by_rate = tree(&server, "?under=t&sort=rate&limit=30").await;
    let rates: Vec<_> = children(&by_rate)
        .iter()
        .map(|child| child["rate"].as_f64())
        .collect();
    assert!(rates.is_sorted_by(|one, other| one >= other), "{rates:?}");
}

#[tokio::test]
async fn the_brokers_own_and_temporary_topics_are_marked_and_temporary_ones_not_shown() {
    let server = Carillon::start().await;
    let mut figures =
        harness::sse::EventStream::open(server.url("/api/topics/$SYS.figures/events")).await;
    figures.message().await;
    let mut client = StompClient::consumer(&server, "/temp-topic/secret", &[]).await;
    client
        .request(Frame::message_to("/temp-topic/secret", "hidden"))
        .await;
    client.message().await;
    let root = tree(&server, "").await;
    for name in ["$SYS", "$TEMP"] {
        let found = children(&root).iter().find(|child| child["name"] == name);
        assert_eq!(
            found.map(|child| &child["system"]),
            Some(&json!(true)),
            "{root}"
        );
    }
    let figures = tree(&server, "?under=$SYS").await;
    let figures = children(&figures)
        .iter()
        .find(|child| child["name"] == "$SYS.figures");
    assert!(figures.expect("the topic")["topic"]["preview"].is_string());
    let temporary = tree(&server, &format!("?under=$TEMP.{}", client.session)).await;
    let topic = &children(&temporary)[0]["topic"];
    assert_eq!(
        (&topic["sequence"], &topic["preview"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_sender_sees_only_the_names_and_previews_that_it_may_see() {
    let file = UsersFile::new(
        "[users.admin]\npublish = [\">\"]\nsubscribe = [\">\"]\nmanage = [\">\"]\n\
         [users.visitor]\nsubscribe = [\"open.>\", \"part.*.shown\"]\nmanage = [\"kept.>\"]\n",
    );
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    for topic in [
        "shut.a",
        "shut.b.c",
        "open.a",
        "part.x.hidden",
        "part.x.shown",
        "part.y.hidden",
        "part",
        "kept.a",
        "kept",
    ] {
        let url = server.url(&format!("/api/topics/{topic}"));
        let answer = send(with_token(Method::POST, url, &admin, "secret")).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let tree = async |token: &str, query: &str| {
        let url = server.url(&format!("/api/tree{query}"));
        let answer: Answer = send(with_token(Method::GET, url, token, "")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer
    };
    for sort in ["name", "time", "rate"] {
        let query = |under: &str| format!("?sort={sort}&under={under}");
        let mut root = tree(&visitor, &query("")).await.json();
        let list = root["children"].as_array_mut().expect("a list");
        list.sort_by_key(|child| child["name"].to_string());
        assert_eq!(names(&root), ["kept", "open", "part"], "{sort}");
        assert_eq!(root["total"], 3);
        let part = &children(&root)[2];
        assert_eq!(
            (&part["topics"], &part["messages"], &part["topic"]),
            (&json!(1), &json!(1), &Value::Null)
        );
        let part = tree(&visitor, &query("part")).await.json();
        assert_eq!(names(&part), ["part.x"]);
        let kept = &children(&root)[0]["topic"];
        assert_eq!(
            (&kept["sequence"], &kept["preview"]),
            (&json!(1), &Value::Null),
            "it may manage, not read"
        );
        let open = tree(&visitor, &query("open")).await.json();
        assert_eq!(children(&open)[0]["topic"]["preview"], "secret");
        let shut = tree(&visitor, &query("shut")).await;
        assert_eq!(shut.json()["total"], 0);
        assert!(!shut.text().contains("shut.a") && !shut.text().contains("secret"));
        let all = tree(&admin, &query("shut")).await.json();
        assert_eq!(all["total"], 2);
    }
    let anonymous = get(server.url("/api/tree")).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_with_a_wrong_parameter_is_refused_by_its_name() {
    let server = Carillon::start().await;
    for (query, named) in [
        ("under=a..b", "under"),
        ("sort=size", "sort"),
        ("limit=many", "limit"),
        ("sort=rate&after=x", "after"),
    ] {
        let answer = get(server.url(&format!("/api/tree?{query}"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let detail = answer.problem()["detail"].to_string();
        assert!(detail.contains(named), "{query}: {detail}");
    }
}

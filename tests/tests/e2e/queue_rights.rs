//! Every action on a queue with every right that it needs: with all of them, and without each.

use harness::http::send;
use harness::stomp::{Frame, INDIVIDUAL};
use harness::users::{UsersFile, stomp_as, with_token};
use http::{Method, StatusCode};
use serde_json::Value;

/// An action on the queue `open.from`, and the rights that it needs with their patterns.
#[derive(Clone)]
struct Action {
    path: &'static str,
    method: Method,
    body: &'static str,
    rights: &'static [(&'static str, &'static str)],
}

const fn action(
    path: &'static str,
    body: &'static str,
    rights: &'static [(&'static str, &'static str)],
) -> Action {
    Action {
        path,
        method: Method::POST,
        body,
        rights,
    }
}

const fn view(path: &'static str, rights: &'static [(&'static str, &'static str)]) -> Action {
    Action {
        path,
        method: Method::GET,
        body: "",
        rights,
    }
}

const QUEUE: &str = "open.from";
const TO_QUEUE: &str = r#"{"to": "/queue/open.to"}"#;
const TO_TOPIC: &str = r#"{"to": "/topic/open.to"}"#;

fn table() -> Vec<Action> {
    vec![
        action(
            "move",
            TO_QUEUE,
            &[("browse", QUEUE), ("manage", QUEUE), ("send", "open.to")],
        ),
        action(
            "move",
            TO_TOPIC,
            &[("browse", QUEUE), ("manage", QUEUE), ("publish", "open.to")],
        ),
        action(
            "move?dryRun=true",
            TO_QUEUE,
            &[("browse", QUEUE), ("manage", QUEUE), ("send", "open.to")],
        ),
        action("copy", TO_QUEUE, &[("browse", QUEUE), ("send", "open.to")]),
        action("delete-messages", "{}", &[("manage", QUEUE)]),
        action(
            "delete-messages",
            r#"{"selector": "TRUE"}"#,
            &[("browse", QUEUE), ("manage", QUEUE)],
        ),
        action("pause", "", &[("manage", QUEUE)]),
        action("resume", "", &[("manage", QUEUE)]),
        view("consumers", &[("browse", QUEUE)]),
        view("consumers", &[("receive", QUEUE)]),
        view("history", &[("manage", QUEUE)]),
    ]
}

const ADMIN: &str =
    "[users.admin]\nsend = [\">\"]\nmanage = [\">\"]\nreceive = [\">\"]\nbrowse = [\">\"]\n";

/// A user with all rights for an action, or without one of them.
struct Row {
    action: Action,
    user: String,
    missing: Option<(&'static str, &'static str)>,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, action) in table().into_iter().enumerate() {
        let missing = action.rights.iter().copied().map(Some);
        for missing in missing.chain([None]) {
            let right = missing.map_or("nothing", |(right, _)| right);
            rows.push(Row {
                action: action.clone(),
                user: format!("row{number}-without-{right}"),
                missing,
            });
        }
    }
    rows
}

/// Returns the text of a users file with the users of all rows.
fn rules(rows: &[Row]) -> String {
    let mut text = ADMIN.to_owned();
    for row in rows {
        text.push_str(&format!("[users.{}]\n", row.user));
        for right in row
            .action
            .rights
            .iter()
            .filter(|one| Some(**one) != row.missing)
        {
            text.push_str(&format!("{} = [\"{}\"]\n", right.0, right.1));
        }
    }
    text
}

#[tokio::test]
async fn each_action_needs_each_of_its_rights() {
    let rows = rows();
    let file = UsersFile::new(&rules(&rows));
    let admin = file.token("admin").await;
    let mut tokens = Vec::new();
    for row in &rows {
        tokens.push(file.token(&row.user).await);
    }
    let server = file.server(&[]).await;
    for (row, token) in rows.iter().zip(&tokens) {
        let url = server.url(&format!("/api/queues/{QUEUE}"));
        let sent = send(with_token(Method::POST, &url, &admin, "x")).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
        let Action {
            path, method, body, ..
        } = row.action.clone();
        let answer = send(with_token(
            method.clone(),
            format!("{url}/{path}"),
            token,
            body,
        ))
        .await;
        let expected = match row.missing {
            Some(_) => StatusCode::FORBIDDEN,
            None if path == "pause" || path == "resume" => StatusCode::NO_CONTENT,
            None => StatusCode::OK,
        };
        let text = answer.text();
        assert_eq!(
            answer.status, expected,
            "{path} {body} {}: {text}",
            row.user
        );
        if let Some((right, _)) = row.missing {
            // A queue is seen with any right to read or manage it, so a view names one of them.
            let is_named = text.contains(&format!("`{right}`"));
            assert!(is_named || method == Method::GET, "{}: {text}", row.user);
        }
    }
}

#[tokio::test]
async fn a_dead_letter_goes_only_where_the_operator_may_send() {
    let rules = format!(
        "{ADMIN}[users.visitor]\nbrowse = [\"ActiveMQ.DLQ\"]\nmanage = [\"ActiveMQ.DLQ\"]\nsend = [\"open.>\"]\n"
    );
    let file = UsersFile::new(&rules);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&["--max-redeliveries", "0"]).await;
    let mut client = stomp_as(&server, &admin).await;
    for name in ["shut.a", "open.a"] {
        client
            .request(Frame::message_to(&format!("/queue/{name}"), "x"))
            .await;
        let destination = format!("/queue/{name}");
        client.subscribe_to(name, &destination, &[INDIVIDUAL]).await;
        let message = client.message().await;
        client.nack(&message).await;
        client
            .request(Frame::new("UNSUBSCRIBE").with("id", name))
            .await;
    }
    let url = server.url("/api/queues/ActiveMQ.DLQ/retry");
    let answer = send(with_token(Method::POST, &url, &visitor, "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer: Value = answer.json();
    assert_eq!(
        (&answer["matched"], &answer["done"]),
        (&2.into(), &1.into())
    );
    let reason = answer["stopped"].as_str().expect("a reason");
    assert!(reason.contains("`send` on queue shut.a"), "{reason}");
    let answer = send(with_token(Method::POST, &url, &admin, "")).await;
    assert_eq!(answer.json()["done"], 1);
}

#[tokio::test]
async fn consumers_are_shown_without_their_users_to_others_than_operators() {
    let rules = "[users.admin]\nmanage = [\">\"]\nreceive = [\">\"]\n[users.visitor]\nbrowse = [\"jobs\"]\n";
    let file = UsersFile::new(rules);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut client = stomp_as(&server, &admin).await;
    client.subscribe_to("0", "/queue/jobs", &[]).await;
    let url = server.url("/api/queues/jobs/consumers");
    for (token, user) in [(&admin, Value::from("admin")), (&visitor, Value::Null)] {
        let answer = send(with_token(Method::GET, &url, token, "")).await.json();
        let consumer = &answer["consumers"][0];
        assert_eq!(consumer["user"], user, "{answer}");
        assert_eq!(consumer["connection"].is_null(), user.is_null(), "{answer}");
        assert!(consumer["prefetch"].is_u64(), "{answer}");
    }
}

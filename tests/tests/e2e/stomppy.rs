//! stomp.py from PyPI, the best-known STOMP client for Python, over TCP and TLS in each version.

use harness::stomp::StompClient;
use harness::tls::{Pair, text};
use harness::users::UsersFile;
use harness::{Carillon, python, queue};
use serde_json::{Value, json};

const VERSIONS: [&str; 3] = ["1.0", "1.1", "1.2"];
/// 1.0 has no NACK.
const VERSIONS_WITH_NACK: [&str; 2] = ["1.1", "1.2"];

/// Runs a scenario in a version. Returns its report, and the name of its queue or topic.
async fn play(server: &Carillon, scenario: &str, version: &str) -> (Value, String) {
    let port = server.stomp_address().await.port().to_string();
    let name = format!("{scenario}.v{}", version.replace('.', ""));
    let arguments = [scenario, version, &port, &name];
    let printed = python::run("stomppy/scenario.py", &arguments).await;
    let report = serde_json::from_str(&printed).expect("a report in JSON");
    (report, name)
}

async fn start() -> Carillon {
    Carillon::with(&["--stomp", "127.0.0.1:0"]).await
}

#[tokio::test]
async fn it_publishes_and_subscribes() {
    let server = start().await;
    for version in VERSIONS {
        let (report, name) = play(&server, "publish", version).await;
        let destination = format!("/topic/{name}");
        let expected = json!({"bodies": true, "note": true, "destination": destination});
        assert_eq!(report, expected, "{version}");
    }
}

#[tokio::test]
async fn its_unacknowledged_messages_go_to_others() {
    let server = start().await;
    for version in VERSIONS {
        let (report, name) = play(&server, "acknowledge", version).await;
        let expected = json!([["1", null, null], ["2", null, null], ["3", null, null]]);
        assert_eq!(report, expected, "{version}");
        let destination = format!("/queue/{name}");
        let mut next = StompClient::consumer(&server, &destination, &[]).await;
        assert_eq!(next.bodies(2).await, ["1", "3"], "{version}");
    }
}

#[tokio::test]
async fn its_rejected_messages_are_redelivered() {
    let server = start().await;
    for version in VERSIONS_WITH_NACK {
        let (report, name) = play(&server, "reject", version).await;
        let expected = json!([["1", null, null], ["1", "true", "2"]]);
        assert_eq!(report, expected, "{version}");
        assert_eq!(queue::depth(&server, &name).await, (0, 0));
    }
}

#[tokio::test]
async fn booleans_in_the_form_of_python_are_accepted() {
    let server = start().await;
    for (rejected, version) in (1..).zip(VERSIONS_WITH_NACK) {
        let (report, name) = play(&server, "dismiss", version).await;
        assert_eq!(report, json!([["1", null, null]]), "{version}");
        assert_eq!(queue::depth(&server, &name).await, (0, 0), "{version}");
        queue::until(&server, "ActiveMQ.DLQ", "waiting", rejected).await;
    }
}

#[tokio::test]
async fn it_commits_and_aborts() {
    let server = start().await;
    for version in VERSIONS {
        let (report, name) = play(&server, "transaction", version).await;
        let expected = json!([["1", null, null], ["commit", null, null]]);
        assert_eq!(report, expected, "{version}");
        assert_eq!(queue::depth(&server, &name).await, (0, 0));
        assert_eq!(queue::figure(&server, &name, "enqueued").await, 2);
    }
}

#[tokio::test]
async fn its_durable_subscription_outlives_its_connection() {
    let server = start().await;
    for version in VERSIONS {
        let (report, _) = play(&server, "durable", version).await;
        assert_eq!(report, json!(["1", "2", "3"]), "{version}");
    }
}

#[tokio::test]
async fn it_browses_a_queue() {
    let server = start().await;
    for version in VERSIONS {
        let (report, name) = play(&server, "browse", version).await;
        assert_eq!(report, json!(["1", "2"]), "{version}");
        assert_eq!(queue::depth(&server, &name).await, (2, 0));
    }
}

#[tokio::test]
async fn it_schedules_messages() {
    let server = start().await;
    for version in VERSIONS {
        let (report, _) = play(&server, "schedule", version).await;
        let expected = json!([["now", false], ["late", true], ["later", true]]);
        assert_eq!(report, expected, "{version}");
    }
}

#[tokio::test]
async fn it_connects_over_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let port = server.stomp_tls_address().await.port().to_string();
    let certificate = text(&pair.cert());
    for version in VERSIONS {
        let arguments = ["acknowledge", version, &port, "tls", &certificate];
        let printed = python::run("stomppy/scenario.py", &arguments).await;
        let report: Value = serde_json::from_str(&printed).expect("a report in JSON");
        assert_eq!(report[0], json!(["1", null, null]), "{version}");
        let mut next = StompClient::consumer(&server, "/queue/tls", &[]).await;
        assert_eq!(next.bodies(2).await, ["1", "3"], "{version}");
        next.leave().await;
    }
}

#[tokio::test]
async fn it_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&["--stomp", "127.0.0.1:0"]).await;
    let port = server.stomp_address().await.port().to_string();
    for version in VERSIONS {
        let arguments = ["rights", version, &port, &token];
        let printed = python::run("stomppy/scenario.py", &arguments).await;
        let report: Value = serde_json::from_str(&printed).expect("a report in JSON");
        let refused = "not authorized";
        let expected = json!({
            "wrong": true,
            "subscribed": [null, refused],
            "published": [null, refused],
        });
        assert_eq!(report, expected, "{version}");
    }
}

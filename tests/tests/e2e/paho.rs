//! paho, from PyPI, over TCP and WebSocket in each version.

use harness::users::UsersFile;
use harness::{Carillon, python};
use serde_json::{Value, json};

const VERSIONS: [&str; 3] = ["3.1", "3.1.1", "5"];
const TRANSPORTS: [&str; 2] = ["tcp", "websockets"];

/// The result of a scenario, with its transport, version and name.
struct Report {
    version: &'static str,
    name: String,
    value: Value,
}

async fn play(scenario: &str, versions: &[&'static str]) -> Vec<Report> {
    let server = Carillon::with_mqtt(&[]).await;
    let mut reports = Vec::new();
    for transport in TRANSPORTS {
        for &version in versions {
            let port = match transport {
                "tcp" => server.mqtt_address().await.port(),
                _ => server.address().port(),
            };
            // A client id of 3.1 has at most 23 characters.
            let name = format!("{}-{}", version.replace('.', ""), &transport[..3]);
            let arguments = [scenario, version, transport, &port.to_string(), &name];
            let printed = python::run("paho/scenario.py", &arguments).await;
            let value = serde_json::from_str(&printed).expect("a report in JSON");
            reports.push(Report {
                version,
                name,
                value,
            });
        }
    }
    reports
}

#[tokio::test]
async fn it_publishes_and_subscribes() {
    for Report { name, value, .. } in play("publish", &VERSIONS).await {
        let expected = json!([
            [format!("{name}/0"), "鐘 0", 0, false],
            [format!("{name}/1"), "鐘 1", 1, false],
            [format!("{name}/2"), "鐘 2", 2, false],
        ]);
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn its_retained_message_is_kept_until_cleared() {
    for Report { name, value, .. } in play("retained", &VERSIONS).await {
        let expected = json!(["kept", true, [""], ["live"]]);
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn its_will_is_published_when_its_connection_breaks() {
    for Report { name, value, .. } in play("will", &VERSIONS).await {
        assert_eq!(value, json!(["gone"]), "{name}");
    }
}

#[tokio::test]
async fn its_session_outlives_its_connection() {
    for Report {
        version,
        name,
        value,
    } in play("session", &VERSIONS).await
    {
        // 3.1 has no session-present flag.
        let expected = json!([version != "3.1", ["0", "1", "2"]]);
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn its_session_is_taken_over() {
    for Report {
        version,
        name,
        value,
    } in play("takeover", &VERSIONS).await
    {
        // Session taken over, or paho's own code for a connection that ended.
        let reason = if version == "5" { 0x8E } else { 0x80 };
        assert_eq!(value, json!([reason, ["to the second"]]), "{name}");
    }
}

#[tokio::test]
async fn its_request_is_answered_with_properties() {
    for Report { name, value, .. } in play("request", &["5"]).await {
        let expected = json!({
            "body": "!",
            "correlation": [0, 255, 1],
            "contentType": "text/plain",
            "userProperties": [["colour", "blue"], ["size", "1"], ["size", "2"]],
        });
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn it_schedules_messages() {
    for Report { name, value, .. } in play("schedule", &["5"]).await {
        let expected = json!(["now", "late", ["colour", "scheduledJobId"]]);
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn it_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    let port = server.mqtt_address().await.port().to_string();
    for version in VERSIONS {
        let arguments = ["rights", version, "tcp", &port, &token];
        let printed = python::run("paho/scenario.py", &arguments).await;
        let report: Value = serde_json::from_str(&printed).expect("a report in JSON");
        // Before 5.0 a filter is refused without a reason, and a publication is dropped.
        let (filter, publication) = if version == "5" {
            (0x87, 0x87)
        } else {
            (0x80, 0)
        };
        let expected = json!({
            // paho gives the codes of older versions as those of 5.0.
            "wrong": 0x86,
            "subscribed": [1, filter],
            "published": [publication, 0],
            "seen": ["open/a"],
        });
        assert_eq!(report, expected, "{version}");
    }
}

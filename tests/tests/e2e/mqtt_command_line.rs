//! `carillon pub` and `sub` over MQTT: both versions, all QoS, over TCP and WebSocket.

use std::process::Output;

use harness::Carillon;
use harness::carillon::{run, run_with_input};
use serde_json::Value;

use crate::program::Program;

const VERSIONS: [&str; 2] = ["3.1.1", "5"];
const QOS: [&str; 3] = ["0", "1", "2"];

/// Starts a server with MQTT on its HTTP port and on a separate port.
async fn start() -> Carillon {
    Carillon::with_mqtt(&[]).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    text(&output.stderr)
}

/// Runs `carillon pub` over WebSocket.
async fn publish(server: &Carillon, arguments: &[&str], input: &str) {
    let url = server.url("");
    let common = ["pub", "--protocol", "mqtt", "--server", &url];
    let output = run_with_input(&[&common, arguments].concat(), input).await;
    succeeded(&output);
}

/// Runs `carillon sub` over WebSocket. The arguments must make it end.
async fn subscribe(server: &Carillon, arguments: &[&str]) -> String {
    let url = server.url("");
    let common = ["sub", "--protocol", "mqtt", "--server", &url];
    succeeded(&run(&[&common, arguments].concat()).await)
}

/// Starts `carillon sub` over WebSocket, and waits until it is subscribed.
async fn follow(server: &Carillon, arguments: &[&str]) -> Program {
    let arguments = [&["--protocol", "mqtt"], arguments].concat();
    let mut sub = Program::start(server, "sub", &arguments);
    sub.says("subscribed to").await;
    sub
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[tokio::test]
async fn lines_are_published_and_printed_in_every_version_with_every_qos() {
    let server = start().await;
    let lines: String = (1..=200).map(|number| format!("{number}\n")).collect();
    for version in VERSIONS {
        for qos in QOS {
            let options = ["--mqtt-version", version, "--qos", qos];
            let topic = format!("a/{version}/{qos}");
            let filter = format!("+/{version}/{qos}");
            let mut sub = follow(&server, &[&options[..], &["-n", "200", &filter]].concat()).await;
            publish(&server, &[&options[..], &[&topic]].concat(), &lines).await;
            for line in lines.lines() {
                assert_eq!(sub.prints().await, line, "{version} {qos}");
            }
            assert!(sub.ended().await.success(), "{version} {qos}");
        }
    }
}

#[tokio::test]
async fn an_mqtt_address_selects_mqtt() {
    let server = start().await;
    let url = format!("mqtt://{}", server.mqtt_address().await);
    for version in VERSIONS {
        let options = ["--server", &url, "--mqtt-version", version];
        let arguments = [&["pub"], &options[..], &["--retain", "a/b", version]].concat();
        succeeded(&run(&arguments).await);
        let arguments = [&["sub"], &options[..], &["a/#", "-v", "--count", "1"]].concat();
        assert_eq!(
            succeeded(&run(&arguments).await),
            format!("a/b\t{version}\n")
        );
    }
}

#[tokio::test]
async fn properties_arrive_with_the_message() {
    let server = start().await;
    let mut sub = follow(&server, &["--json", "-n", "1", "a/b"]).await;
    let properties = [
        "--content-type",
        "application/json",
        "--header",
        "colour=red",
        "--response-topic",
        "answers/me",
        "--correlation-data",
        "7",
        "--expiry",
        "1000",
    ];
    publish(&server, &[&properties[..], &["a/b", "{}"]].concat(), "").await;
    let message = json(&sub.prints().await);
    assert_eq!(message["topic"], "a/b");
    assert_eq!(
        (&message["qos"], &message["retain"]),
        (&1.into(), &false.into())
    );
    assert_eq!(message["contentType"], "application/json");
    assert_eq!(message["responseTopic"], "answers/me");
    assert_eq!(message["correlationData"], "7");
    assert_eq!(message["body"], "{}");
    let colour = serde_json::json!({"name": "colour", "value": "red"});
    let pairs = message["userProperties"].as_array().expect("a list");
    assert!(pairs.contains(&colour), "{message}");
    let expiry = message["expiry"].as_u64().expect("seconds");
    assert!((1..=1000).contains(&expiry), "{message}");
}

#[tokio::test]
async fn a_retained_message_is_sent_to_later_subscribers_until_it_is_cleared() {
    let server = start().await;
    publish(&server, &["--retain", "a/b", "kept"], "").await;
    let printed = subscribe(&server, &["a/+", "--json", "--count", "1"]).await;
    let message = json(&printed);
    assert_eq!(
        (&message["retain"], &message["body"]),
        (&true.into(), &"kept".into())
    );
    publish(&server, &["--retain", "a/b", ""], "").await;
    publish(&server, &["--retain", "a/c", "other"], "").await;
    let printed = subscribe(&server, &["a/+", "--count", "1"]).await;
    assert_eq!(printed, "other\n");
}

#[tokio::test]
async fn a_kept_session_loses_no_message_that_was_not_printed() {
    let server = start().await;
    for (version, expiry) in [("5", "600"), ("3.1.1", "never")] {
        let session = [
            "--mqtt-version",
            version,
            "--client-id",
            version,
            "--session-expiry",
            expiry,
            "a",
        ];
        let first = follow(&server, &session).await;
        assert!(first.stop().await.success());
        publish(&server, &["a"], "1\n2\n3\n4\n").await;
        let arguments = [&session[..], &["--count", "2"]].concat();
        assert_eq!(subscribe(&server, &arguments).await, "1\n2\n", "{version}");
        assert_eq!(subscribe(&server, &arguments).await, "3\n4\n", "{version}");
    }
}

#[tokio::test]
async fn a_clean_session_has_no_messages_of_the_one_before() {
    let server = start().await;
    let session = ["--client-id", "me", "--session-expiry", "600", "a"];
    assert!(follow(&server, &session).await.stop().await.success());
    publish(&server, &["a"], "old\n").await;
    let mut sub = follow(&server, &[&session[..], &["--clean", "-n", "1"]].concat()).await;
    publish(&server, &["a"], "new\n").await;
    assert_eq!(sub.prints().await, "new");
}

#[tokio::test]
async fn a_will_is_published_when_its_client_is_lost_and_not_when_it_ends() {
    let server = start().await;
    let mut listener = follow(&server, &["-v", "-n", "1", "w/+"]).await;
    let will = ["--will-payload", "gone", "a", "--will-topic"];
    let ends = follow(&server, &[&will[..], &["w/ended"]].concat()).await;
    assert!(ends.stop().await.success());
    let lost = follow(&server, &[&will[..], &["w/lost"]].concat()).await;
    // Dropping the program kills it.
    drop(lost);
    assert_eq!(listener.prints().await, "w/lost\tgone");
}

#[tokio::test]
async fn a_session_taken_over_by_another_client_ends_with_the_reason() {
    let server = start().await;
    let mut first = follow(&server, &["--client-id", "me", "--reconnect", "a"]).await;
    let second = follow(&server, &["--client-id", "me", "a"]).await;
    first.says("session taken over").await;
    assert!(!first.ended().await.success());
    assert!(second.stop().await.success());
}

#[tokio::test]
async fn sub_continues_after_a_restart_of_the_server() {
    let server = start().await;
    let address = server.address();
    let mut sub = follow(&server, &["--reconnect", "--count", "2", "a"]).await;
    publish(&server, &["a", "1"], "").await;
    assert_eq!(sub.prints().await, "1");
    assert!(server.stop().await.success());
    let server = Carillon::listening(address, &[]).await;
    sub.says("subscribed to a").await;
    sub.says("may have been missed").await;
    publish(&server, &["a", "2"], "").await;
    assert_eq!(sub.prints().await, "2");
    assert!(sub.ended().await.success());
}

#[tokio::test]
async fn a_refused_message_is_reported() {
    let server = start().await;
    let url = server.url("");
    let common = ["pub", "--protocol", "mqtt", "--server", &url];
    let arguments = [&common[..], &["$SYS/figures", "x"]].concat();
    let complaint = complaint(&run(&arguments).await);
    assert!(complaint.contains("the message was refused"), "{complaint}");
    assert!(complaint.contains("published 0 messages"), "{complaint}");
}

#[tokio::test]
async fn options_that_need_another_version_are_refused_before_connecting() {
    let table: [(&[&str], &str); 5] = [
        (
            &["pub", "a", "x", "--header", "a=b"],
            "--header needs MQTT 5",
        ),
        (&["pub", "a/#", "x"], "a/#"),
        (&["sub", "a/#/b"], "a/#/b"),
        (&["sub", "a", "--no-local"], "--no-local needs MQTT 5"),
        (&["sub", "a", "--since", "last"], "--since is for STOMP"),
    ];
    for (arguments, reason) in table {
        let options = ["--protocol", "mqtt", "--mqtt-version", "3.1.1"];
        let complaint = complaint(&run(&[arguments, &options].concat()).await);
        assert!(complaint.contains(reason), "{arguments:?}: {complaint}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_reported_in_one_line() {
    let server = Carillon::start().await;
    let url = format!("mqtt://{}", server.address());
    assert!(server.stop().await.success());
    for command in [&["pub", "a", "x"][..], &["sub", "a"]] {
        let complaint = complaint(&run(&[command, &["--server", &url]].concat()).await);
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(&url), "{complaint}");
    }
}

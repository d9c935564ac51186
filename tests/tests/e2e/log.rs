//! The log has one line for each event, whatever bytes peers send.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;

use harness::Carillon;
use harness::carillon::command;
use harness::data::fresh_path;
use harness::deadline::within;
use harness::metrics::Metrics;
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{StompClient, upgrade};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

/// A log line that a peer tries to forge, after a line end.
const FORGED: &str =
    "x\n2026-11-29T00:00:00.000000Z ERROR carillon: forged\u{1b}[2J\u{9b}2J\u{202e}";

/// Makes the server log text from a peer: a client id, and an origin.
async fn provoke(server: &Carillon) {
    let mut client = MqttClient::open(server, Version::V3_1_1).await;
    client
        .send_bytes(Connect::new(Version::V3_1_1, FORGED).encode())
        .await;
    client.packet().await;
    drop(client);
    let origin = "https://\u{9b}31m\u{202e}.example";
    let refused = StompClient::upgraded(upgrade(server, "/ws", &[("origin", origin)])).await;
    assert!(refused.is_err());
    server.logged("connection ends").await;
    server.logged("--allow-origin").await;
}

#[tokio::test]
async fn peers_cannot_forge_lines_or_control_a_terminal() {
    let server = Carillon::with_mqtt(&["--log", "carillon=debug"]).await;
    provoke(&server).await;
    let log = server.transcript();
    let escaped = r"x\n2026-11-29T00:00:00.000000Z ERROR carillon: forged";
    assert!(log.contains(escaped), "{log}");
    let unprintable = |char: char| char != '\n' && (char.is_control() || char == '\u{202e}');
    assert!(!log.contains(unprintable), "{log:?}");
    assert!(
        !log.lines()
            .any(|line| line.starts_with("2026-11-29T00:00:00.000000Z"))
    );
}

#[tokio::test]
async fn json_logs_are_a_document_a_line_and_hold_the_original() {
    let options = ["--log", "carillon=debug", "--log-format", "json"];
    let server = Carillon::with_mqtt(&options).await;
    provoke(&server).await;
    let log = server.transcript();
    let events = log.lines().filter(|line| line.starts_with('{'));
    let events: Vec<Value> = events
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let session = |event: &Value| event["fields"]["session"] == FORGED;
    assert!(events.iter().any(session), "{log}");
    assert!(!log.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{log:?}");
}

/// Sends bytes that are not a frame of STOMP, and waits for the end of the connection.
async fn violate(server: &Carillon) {
    let mut client = StompClient::connect(server).await;
    client.send_text("NOSUCHCOMMAND\n\n\0").await;
    while client.next().await.is_some() {}
}

fn ends(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter(|line| line.contains("connection ends"))
        .collect()
}

#[tokio::test]
async fn a_connection_that_ends_for_a_fault_is_a_line_and_an_ordinary_end_is_none() {
    let server = Carillon::start().await;
    StompClient::connect(&server).await.leave().await;
    let ended = "carillon_ended_connections_total{reason=\"client\"}";
    Metrics::until(&server, ended, |value| value == 1.0).await;
    violate(&server).await;
    server.logged("connection ends").await;
    let log = server.transcript();
    let [line] = ends(&log)[..] else {
        panic!("{log}");
    };
    for field in [
        "INFO",
        "protocol=\"stomp\"",
        "address=127.0.0.1",
        "reason=\"protocol\"",
    ] {
        assert!(line.contains(field), "{field} in {line}");
    }
}

#[tokio::test]
async fn at_debug_every_end_is_a_line_with_its_reason() {
    let server = Carillon::with(&["--log", "carillon=debug"]).await;
    StompClient::connect(&server).await.leave().await;
    server.logged("reason=\"client\"").await;
    assert_eq!(ends(&server.transcript()).len(), 1);
}

#[tokio::test]
async fn a_storm_of_faults_gives_few_lines() {
    let server = Carillon::start().await;
    for _ in 0..60 {
        violate(&server).await;
    }
    let ended = "carillon_ended_connections_total{reason=\"protocol\"}";
    Metrics::until(&server, ended, |value| value == 60.0).await;
    let log = server.transcript();
    // At most 20 in 10 s, and this test takes less than 20 s.
    let lines = ends(&log).len();
    assert!((1..=40).contains(&lines), "{log}");
}

#[tokio::test]
async fn the_names_of_json_fields_are_those_of_the_documentation() {
    let server = Carillon::with(&["--log-format", "json"]).await;
    violate(&server).await;
    server.logged("connection ends").await;
    let log = server.transcript();
    let event: Value = serde_json::from_str(ends(&log)[0]).expect("JSON");
    let names = |value: &Value| -> BTreeSet<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let expected = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let top: BTreeSet<String> = expected(&["fields", "level", "target", "timestamp"]);
    assert_eq!(names(&event), top);
    let fields: BTreeSet<String> = expected(&[
        "address", "detail", "message", "protocol", "reason", "session", "unlogged",
    ]);
    assert_eq!(names(&event["fields"]), fields);
    let documentation = include_str!("../../../docs/src/operate/logging.md");
    for field in fields.iter().chain(&top) {
        assert!(
            documentation.contains(&format!("`{field}`"))
                || documentation.contains(&format!("`fields.{field}`")),
            "{field}"
        );
    }
}

/// Runs a server with its standard error in a file, and stops it. Returns the file's text.
async fn log_of(
    journal_stream: impl FnOnce(u64, u64) -> String,
    journal: &Path,
    options: &[&str],
) -> String {
    let path = fresh_path("log");
    let file = File::create(&path).expect("a file");
    let stat = file.metadata().expect("its metadata");
    let mut child = command()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--mqtt", "off", "--stomp", "off"])
        .args(options)
        .env("JOURNAL_STREAM", journal_stream(stat.dev(), stat.ino()))
        .env("CARILLON_JOURNAL_SOCKET", journal)
        .stdout(Stdio::piped())
        .stderr(file)
        .kill_on_drop(true)
        .spawn()
        .expect("carillon starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Ok(Some(line)) = within("the start", lines.next_line()).await {
        if line.contains("store") {
            break;
        }
    }
    let id = child.id().expect("it runs").to_string();
    let kill = tokio::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(within("kill", kill).await.expect("kill runs").success());
    within("the server's end", child.wait())
        .await
        .expect("it ends");
    let log = fs::read_to_string(&path).expect("the log");
    fs::remove_file(&path).expect("it exists");
    log
}

#[tokio::test]
async fn lines_for_the_journal_have_priorities_and_others_a_time() {
    let away = fresh_path("journal-away");
    let in_journal = log_of(|device, inode| format!("{device}:{inode}"), &away, &[]).await;
    assert!(
        in_journal.contains("<6>carillon_server::serve: stopping\n"),
        "{in_journal}"
    );
    let elsewhere = log_of(
        |device, inode| format!("{device}:{}", inode + 1),
        &away,
        &[],
    )
    .await;
    assert!(
        elsewhere.contains(" INFO carillon_server::serve: stopping\n"),
        "{elsewhere}"
    );
    assert!(!elsewhere.contains(['<', '\u{1b}']), "{elsewhere}");
    let options = ["--log-format", "journal"];
    let requested = log_of(|_, _| String::new(), &away, &options).await;
    assert!(
        requested.contains("<6>carillon_server::serve: stopping\n"),
        "{requested}"
    );
}

#[tokio::test]
async fn the_journal_receives_each_line_with_its_fields() {
    let path = fresh_path("journal");
    let journal = UnixDatagram::bind(&path).expect("a path for a socket");
    journal.set_nonblocking(true).expect("a socket");
    let log = log_of(|device, inode| format!("{device}:{inode}"), &path, &[]).await;
    let mut entries = Vec::new();
    let mut entry = [0; 4096];
    while let Ok(length) = journal.recv(&mut entry) {
        entries.push(String::from_utf8_lossy(&entry[..length]).into_owned());
    }
    fs::remove_file(&path).expect("the socket");

    assert_eq!(log, "", "what is in the journal is not on standard error");
    let stopping = "PRIORITY=6\nSYSLOG_IDENTIFIER=carillon\nMESSAGE=carillon_server::serve: stopping\nTARGET=carillon_server::serve\n";
    assert!(entries.contains(&stopping.to_owned()), "{entries:?}");
}

//! The commands that show and change a running server: `carillon topics`, `queues`, `connections`, `sessions`, `users`, `bans`
//! and `health`.

use std::process::{Output, Stdio};

use harness::Carillon;
use harness::carillon::{command, run, run_with_input};
use harness::deadline::within;
use harness::http::{get, post};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::queue;
use harness::stomp::{INDIVIDUAL, StompClient};
use harness::tls::{self, Pair};
use harness::users::UsersFile;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const V5: Version = Version::V5;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Runs `carillon` with these arguments for a server.
async fn carillon(server: &Carillon, arguments: &[&str]) -> Output {
    let url = server.url("");
    run(&[arguments, &["--server", &url]].concat()).await
}

/// Returns the output of a command that succeeds.
async fn printed(server: &Carillon, arguments: &[&str]) -> String {
    let output = carillon(server, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(&output.stdout)
}

/// Returns the JSON of a command that succeeds.
async fn json(server: &Carillon, arguments: &[&str]) -> Value {
    let printed = printed(server, &[arguments, &["--json"]].concat()).await;
    assert_eq!(printed.lines().count(), 1, "{printed}");
    serde_json::from_str(&printed).expect("JSON")
}

/// Returns the error text of a command that fails with status 1.
async fn complaint(server: &Carillon, arguments: &[&str]) -> String {
    let output = carillon(server, arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    assert_eq!(text(&output.stdout), "");
    let complaint = text(&output.stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(complaint.starts_with("carillon: "), "{complaint}");
    complaint
}

/// Returns the words of each line.
fn words(printed: &str) -> Vec<Vec<&str>> {
    let lines = printed.lines();
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

async fn publish(server: &Carillon, path: &str, body: &str) {
    let answer = post(server.url(path), "text/plain", body.to_owned()).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

#[tokio::test]
async fn topics_are_listed_shown_and_cleared() {
    let server = Carillon::start().await;
    assert_eq!(printed(&server, &["topics", "a.>"]).await, "no topics\n");
    for topic in ["a.b", "a.c", "z"] {
        publish(&server, &format!("/api/topics/{topic}"), "one\ntwo").await;
    }
    let table = printed(&server, &["topics", "a.>"]).await;
    let lines = words(&table);
    assert_eq!(lines[0][..3], ["NAME", "MESSAGES", "KEPT"]);
    assert_eq!(lines[1][..3], ["a.b", "1", "1"]);
    assert_eq!(lines[2][..3], ["a.c", "1", "1"]);
    assert_eq!(lines.len(), 3, "{table}");
    let page = carillon(&server, &["topics", "list", "a.>", "--limit", "1"]).await;
    assert!(text(&page.stderr).contains("--after='a.b'"), "{page:?}");
    let rest = json(&server, &["topics", "a.>", "--after", "a.b"]).await;
    assert_eq!(rest["topics"][0]["name"], "a.c");

    let shown = printed(&server, &["topics", "show", "a.b"]).await;
    assert!(shown.contains("body           one\\ntwo\n"), "{shown}");
    let json = json(&server, &["topics", "show", "a.b"]).await;
    assert_eq!(json["last"]["body"], "one\ntwo");

    let refused = complaint(&server, &["topics", "clear", "a.b"]).await;
    assert!(refused.contains("(1 message)"), "{refused}");
    assert!(refused.contains("--yes"), "{refused}");
    let kept = get(server.url("/api/topics/a.b")).await.json();
    assert_eq!(kept["last"]["body"], "one\ntwo");
    let cleared = printed(&server, &["topics", "clear", "a.b", "--yes"]).await;
    assert_eq!(cleared, "topic \"a.b\" was cleared: 1 message\n");
    let cleared = get(server.url("/api/topics/a.b")).await.json();
    assert_eq!(cleared.get("last"), None);
}

#[tokio::test]
async fn queues_are_listed_shown_browsed_and_deleted() {
    let server = Carillon::start().await;
    let mut holder = StompClient::consumer(
        &server,
        "/queue/a",
        &[INDIVIDUAL, ("activemq.prefetchSize", "1")],
    )
    .await;
    for body in ["1", "2", "3"] {
        publish(&server, "/api/queues/a", body).await;
    }
    publish(&server, "/api/queues/b", "\u{1b}[2J").await;
    holder.message().await;
    let table = printed(&server, &["queues"]).await;
    assert_eq!(words(&table)[1][..3], ["a", "2", "1"], "{table}");
    assert_eq!(words(&table)[2][..3], ["b", "1", "0"], "{table}");
    let shown = printed(&server, &["queues", "show", "a"]).await;
    assert!(shown.contains("held by consumers  1\n"), "{shown}");
    assert_eq!(json(&server, &["queues", "show", "a"]).await["waiting"], 2);

    let browsed = carillon(&server, &["queues", "messages", "a", "--limit", "2"]).await;
    let found = words(&text(&browsed.stdout))
        .iter()
        .skip(1)
        .map(|line| line.last().expect("a body").to_string())
        .collect::<Vec<_>>();
    assert_eq!(found, ["1", "2"]);
    let note = text(&browsed.stderr);
    let after = note.split('\'').nth(1).expect("an id");
    let rest = json(&server, &["queues", "messages", "a", "--after", after]).await;
    assert_eq!(rest["messages"][0]["body"], "3");
    let escaped = printed(&server, &["queues", "messages", "b"]).await;
    assert!(escaped.ends_with("  \\u{1b}[2J\n"), "{escaped:?}");

    let refused = complaint(&server, &["queues", "delete", "a"]).await;
    assert!(refused.contains("2 waiting messages"), "{refused}");
    assert!(refused.contains("1 consumer"), "{refused}");
    assert_eq!(queue::depth(&server, "a").await, (2, 1));
    printed(&server, &["queues", "delete", "a", "--yes"]).await;
    assert_eq!(queue::depth(&server, "a").await, (0, 1));
    let missing = complaint(&server, &["queues", "delete", "none", "--yes"]).await;
    assert_eq!(missing, "carillon: there is no queue none\n");
}

#[tokio::test]
async fn connections_and_sessions_are_listed_and_ended() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::lasting(V5, "away/1");
    let (away, _) = MqttClient::connect_with(&server, &connect).await;
    away.leave().await;
    let mut client = MqttClient::connect(&server, V5, "here").await;
    client.subscribe("a", 0).await;

    let list = json(&server, &["connections"]).await;
    let id = list["connections"][0]["id"].to_string();
    let table = printed(&server, &["connections", "list"]).await;
    assert_eq!(words(&table)[1][..3], [id.as_str(), "here", "mqtt"]);
    let found = printed(&server, &["connections", "HERE"]).await;
    assert_eq!(words(&found)[1][..3], [id.as_str(), "here", "mqtt"]);
    let none = printed(&server, &["connections", "elsewhere"]).await;
    assert_eq!(none, "no connections\n");
    let shown = printed(&server, &["connections", "show", &id]).await;
    assert!(shown.contains("client id      here\n"), "{shown}");
    assert!(shown.contains("\ntopic  a "), "{shown}");
    let one = json(&server, &["connections", "show", &id]).await;
    assert_eq!(one["connection"]["subscriptions"], 1);
    assert_eq!(one["subscriptions"][0]["filter"], "a");
    let missing = complaint(&server, &["connections", "show", "0"]).await;
    assert!(missing.contains("there is no connection 0"), "{missing}");
    let refused = complaint(&server, &["connections", "end", &id]).await;
    assert!(refused.contains("here, mqtt from 127.0.0.1"), "{refused}");
    client.ping().await;
    printed(&server, &["connections", "end", &id, "--yes"]).await;
    client.is_sent_away(0x98).await;

    let table = printed(&server, &["sessions"]).await;
    assert_eq!(words(&table)[1][..3], ["away/1", "no", "0"], "{table}");
    let refused = complaint(&server, &["sessions", "end", "away/1"]).await;
    assert!(refused.contains("--yes"), "{refused}");
    printed(&server, &["sessions", "end", "away/1", "-y"]).await;
    let sessions = json(&server, &["sessions", "list"]).await;
    assert_eq!(sessions["away"], 0, "{sessions}");
}

#[tokio::test]
async fn bans_are_added_listed_and_removed() {
    let server = Carillon::start().await;
    let wrong = complaint(&server, &["bans", "--after", "x"]).await;
    assert!(wrong.contains("carillon: the query: after: "), "{wrong}");
    let add = [
        "bans", "add", "client", "loud", "--for", "10m", "--reason", "too loud",
    ];
    assert_eq!(
        printed(&server, &add).await,
        "ban 1 was added, for 10 min 0 s\n"
    );
    let network = ["bans", "add", "address", "192.0.2.0/24", "--for", "60"];
    assert_eq!(json(&server, &network).await, json!({"id": 2}));
    let list = json(&server, &["bans"]).await;
    assert_eq!(list["bans"][0]["reason"], "too loud");
    let table = printed(&server, &["bans", "list"]).await;
    assert_eq!(words(&table)[2][..3], ["2", "address", "192.0.2.0/24"]);
    let own = ["bans", "add", "address", "127.0.0.1", "--for", "60"];
    let refused = complaint(&server, &own).await;
    assert!(refused.contains("would ban the sender"), "{refused}");
    let long = "x".repeat(65_536);
    for name in ["", &long] {
        let add = ["bans", "add", "client", name, "--for", "60"];
        let refused = complaint(&server, &add).await;
        assert!(refused.contains("1 to 65535 bytes"), "{refused}");
    }
    assert_eq!(
        printed(&server, &["bans", "remove", "1"]).await,
        "ban 1 was ended\n"
    );
    let missing = complaint(&server, &["bans", "remove", "1"]).await;
    assert_eq!(missing, "carillon: there is no ban 1\n");
}

const RULES: &str =
    "[users.admin]\nmanage = [\">\"]\nsubscribe = [\">\"]\n[users.anna]\nsubscribe = [\"a\"]\n";

#[tokio::test]
async fn a_command_logs_in_and_names_the_missing_right() {
    let file = UsersFile::new(RULES);
    let (admin, anna) = (file.token("admin").await, file.token("anna").await);
    file.add("boss", "secret").await;
    let server = file.server(&[]).await;
    let url = server.url("");
    let as_user = async |login: &[(&str, &str)], arguments: &[&str]| {
        let mut command = command();
        command.envs(login.iter().copied()).args(arguments);
        let output = within("carillon", command.args(["--server", &url]).output());
        output.await.expect("carillon starts")
    };
    let list = as_user(&[("CARILLON_PASSWORD", &admin)], &["connections"]).await;
    assert!(list.status.success(), "{list:?}");
    let refused = as_user(&[("CARILLON_PASSWORD", &anna)], &["connections"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("manage"), "{refused:?}");
    let boss = [("CARILLON_USER", "boss"), ("CARILLON_PASSWORD", "secret")];
    assert!(as_user(&boss, &["topics"]).await.status.success());
    let nobody = as_user(&[], &["topics"]).await;
    assert_eq!(nobody.status.code(), Some(1));
    let advice = text(&nobody.stderr);
    assert!(advice.contains("--password-file"), "{advice}");
    let users = as_user(&[("CARILLON_PASSWORD", &admin)], &["users", "--json"]).await;
    let users: Value = serde_json::from_slice(&users.stdout).expect("JSON");
    assert_eq!(users["users"][0]["user"], "admin");
    let users = as_user(&[("CARILLON_PASSWORD", &anna)], &["users"]).await;
    assert_eq!(words(&text(&users.stdout))[1][0], "anna");
}

#[tokio::test]
async fn health_is_the_exit_status() {
    let server = Carillon::start().await;
    let address = server.address().to_string();
    let healthy = run(&["health", "--address", &address]).await;
    assert!(healthy.status.success(), "{healthy:?}");
    assert_eq!(text(&healthy.stdout), "ok\n");
    assert!(server.stop().await.success());
    let gone = run(&["health", "--address", &address]).await;
    assert_eq!(gone.status.code(), Some(1));
    let reason = text(&gone.stderr);
    assert!(reason.contains("not ready: cannot connect"), "{reason}");
    assert_eq!(reason.lines().count(), 1, "{reason}");
}

#[tokio::test]
async fn health_reports_why_a_server_is_not_ready() {
    let directory = harness::data::DataDirectory::fresh();
    // No disk has this much free space.
    let server = directory.server_with_free("9000000000000000000").await;
    let url = server.url("");
    let refused = run(&["health", "--server", &url]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let reason = text(&refused.stderr);
    assert!(reason.contains("not ready: "), "{reason}");
    assert!(reason.contains("disk"), "{reason}");
    let live = run(&["health", "--server", &url, "--live"]).await;
    assert!(live.status.success(), "{live:?}");
}

#[tokio::test]
async fn commands_use_tls_and_a_path() {
    let pair = Pair::new();
    let path = [
        "--public-url",
        "https://board.example/carillon/",
        "--anonymous",
        "all",
    ];
    let server = pair.server(&path).await;
    let url = format!("https://localhost:{}/carillon/ws", server.address().port());
    let ca = tls::text(&pair.cert());
    for trust in [&["--ca", &*ca][..], &["--insecure"]] {
        let listed = run(&[&["topics", "--server", &url], trust].concat()).await;
        assert!(listed.status.success(), "{listed:?}");
        let healthy = run(&[&["health", "--server", &url], trust].concat()).await;
        assert!(healthy.status.success(), "{healthy:?}");
    }
    let unknown = run(&["topics", "--server", &url]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("--ca FILE"), "{unknown:?}");
}

#[tokio::test]
async fn wrong_addresses_are_refused_with_the_reason() {
    let server = Carillon::with_mqtt(&[]).await;
    let mqtt = server.mqtt_address().await;
    for (address, reason) in [
        ("mqtt://127.0.0.1".to_owned(), "uses HTTP and not MQTT"),
        (format!("http://{mqtt}"), "was lost"),
        (server.url("/nothing"), "is this the address of Carillon?"),
    ] {
        let refused = run(&["topics", "--server", &address]).await;
        assert_eq!(refused.status.code(), Some(1), "{address}: {refused:?}");
        assert!(text(&refused.stderr).contains(reason), "{refused:?}");
    }
}

#[tokio::test]
async fn a_reader_that_closes_its_end_is_no_error() {
    let server = Carillon::start().await;
    for number in 0..900 {
        let topic = format!("/api/topics/{}.{number}", "long".repeat(50));
        publish(&server, &topic, "x").await;
    }
    let url = server.url("");
    let mut shell = Command::new("sh");
    let script = "{ \"$0\" topics --server \"$1\"; echo \"status $?\" >&2; } | head -1";
    let program = command().as_std().get_program().to_owned();
    shell.args(["-c", script]).arg(program).arg(&url);
    let output = within("sh", shell.output()).await.expect("sh");
    assert_eq!(text(&output.stderr), "status 0\n");
}

/// Runs a command in a terminal, where a person has typed this line.
async fn in_terminal(server: &Carillon, arguments: &[&str], typed: &str) -> Output {
    let program = command().as_std().get_program().to_owned();
    let program = program.to_str().expect("a path in UTF-8").to_owned();
    let line = format!(
        "{program} {} --server {}",
        arguments.join(" "),
        server.url("")
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.kill_on_drop(true).spawn().expect("script starts");
    let mut input = script.stdin.take().expect("spawned with a pipe");
    input.write_all(typed.as_bytes()).await.expect("a terminal");
    let output = within("the end", script.wait_with_output()).await;
    drop(input);
    output.expect("its output")
}

#[tokio::test]
async fn a_person_is_asked_once() {
    let server = Carillon::start().await;
    publish(&server, "/api/queues/a", "x").await;
    let delete = ["queues", "delete", "a"];
    let refused = in_terminal(&server, &delete, "n\n").await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let shown = text(&refused.stdout);
    let question = "Queue a will be deleted with 1 waiting message. Go on? [y/N] ";
    assert_eq!(shown.matches(question).count(), 1, "{shown}");
    assert!(shown.contains("carillon: nothing was changed"), "{shown}");
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
    let done = in_terminal(&server, &delete, "y\n").await;
    assert!(done.status.success(), "{done:?}");
    assert_eq!(queue::figures(&server, "a").await, Value::Null);
}

#[tokio::test]
async fn nothing_is_asked_of_a_pipe() {
    let server = Carillon::start().await;
    publish(&server, "/api/queues/a", "x").await;
    let url = server.url("");
    let arguments = ["queues", "delete", "a", "--server", &url];
    let refused = run_with_input(&arguments, "y\n").await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
}

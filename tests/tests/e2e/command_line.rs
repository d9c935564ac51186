//! The command `carillon`: the clients `pub` and `sub`, and the errors of a failed start.
//! `request` and `reply` are in [`request_reply`](crate::request_reply).

use std::process::Output;

use harness::Carillon;
use harness::carillon::{run, run_with_input};
use harness::deadline::eventually;
use harness::http::{get, post};
use serde_json::Value;

use crate::program::Program;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// Returns the error text of a failed command.
fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let complaint = text(&output.stderr);
    assert!(!complaint.contains("panicked"), "{complaint}");
    complaint
}

async fn last(server: &Carillon, topic: &str) -> Value {
    get(server.url(&format!("/api/topics/{topic}")))
        .await
        .json()
}

#[tokio::test]
async fn pub_publishes_one_body() {
    let server = Carillon::start().await;
    let url = server.url("");
    succeeded(&run(&["pub", "--server", &url, "rect", r#"{"data":90}"#]).await);
    assert_eq!(
        last(&server, "rect").await["last"]["body"],
        r#"{"data":90}"#
    );
}

#[tokio::test]
async fn pub_publishes_each_line_of_its_input_in_order() {
    let server = Carillon::start().await;
    let url = server.url("");
    let lines: String = (1..=1000).map(|number| format!("{number}\n")).collect();
    succeeded(&run_with_input(&["pub", "--server", &url, "a"], &lines).await);
    let topic = last(&server, "a").await;
    assert_eq!(
        (&topic["sequence"], &topic["last"]["body"]),
        (&1000.into(), &"1000".into())
    );
}

#[tokio::test]
async fn sub_prints_a_line_for_each_message_and_ends_after_the_count() {
    let server = Carillon::start().await;
    let url = server.url("");
    for body in ["one", "two", "three"] {
        post(server.url("/api/topics/a"), "text/plain", body).await;
    }
    let printed = run(&["sub", "--server", &url, "--since", "0", "--count", "2", "a"]).await;
    assert_eq!(succeeded(&printed), "one\ntwo\n");
}

#[tokio::test]
async fn sub_prints_json_with_the_fields_of_the_message() {
    let server = Carillon::start().await;
    let url = server.url("");
    post(
        server.url("/api/topics/a.b"),
        "application/json",
        "{\"x\":\n1}",
    )
    .await;
    let arguments = [
        "sub", "--server", &url, "--json", "--since", "last", "--count", "1", "a.>",
    ];
    let printed = succeeded(&run(&arguments).await);
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let message: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(message["topic"], "a.b");
    assert_eq!(message["sequence"], 1);
    assert_eq!(message["body"], "{\"x\":\n1}");
    assert_eq!(message["contentType"], "application/json");
}

#[tokio::test]
async fn pub_and_sub_make_a_round_trip() {
    let server = Carillon::start().await;
    let url = server.url("");
    let arguments = ["sub", "--server", &url, "--count", "3", "a"];
    let publishing = async {
        let subscriptions = || async { get(server.url("/api/figures")).await.json() };
        eventually("a subscription", subscriptions, |figures| {
            figures["subscriptions"] == 1
        })
        .await;
        run_with_input(&["pub", "--server", &url, "a"], "1\n2\n3\n").await
    };
    let (received, published) = tokio::join!(run(&arguments), publishing);
    succeeded(&published);
    assert_eq!(succeeded(&received), "1\n2\n3\n");
}

/// Publishes these lines to a queue.
async fn fill(server: &Carillon, queue: &str, lines: &str) {
    let url = server.url("");
    succeeded(&run_with_input(&["pub", "--server", &url, queue], lines).await);
}

async fn sub(server: &Carillon, arguments: &[&str]) -> String {
    let url = server.url("");
    succeeded(&run(&[&["sub", "--server", &url], arguments].concat()).await)
}

#[tokio::test]
async fn sub_takes_from_a_queue_exactly_what_it_prints() {
    let server = Carillon::start().await;
    fill(&server, "/queue/a", "1\n2\n3\n4\n").await;
    assert_eq!(sub(&server, &["/queue/a", "--count", "1"]).await, "1\n");
    assert_eq!(sub(&server, &["/queue/a", "--count", "2"]).await, "2\n3\n");
    let last = sub(&server, &["/queue/a", "--count", "1", "--json"]).await;
    let last: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!((&last["queue"], &last["body"]), (&"a".into(), &"4".into()));
    assert_eq!(
        last["deliveries"],
        Value::Null,
        "it was delivered for the first time"
    );
}

#[tokio::test]
async fn messages_of_a_queue_are_shared_and_those_of_a_topic_are_not() {
    let server = Carillon::start().await;
    let mut subs = Vec::new();
    for source in ["/queue/a", "/queue/a", "a", "a"] {
        let mut sub = Program::start(&server, "sub", &["--count", "2", source]);
        sub.says("subscribed to").await;
        subs.push(sub);
    }
    fill(&server, "/queue/a,/topic/a", "1\n2\n").await;
    fill(&server, "/queue/a", "3\n4\n").await;
    let mut received = Vec::new();
    for mut sub in subs {
        received.push([sub.prints().await, sub.prints().await]);
        assert!(sub.ended().await.success());
    }
    assert_eq!(received[2..], [["1", "2"], ["1", "2"]]);
    let mut shared = received[..2].concat();
    shared.sort_unstable();
    assert_eq!(shared, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn browsing_prints_the_messages_of_a_queue_and_leaves_them_there() {
    let server = Carillon::start().await;
    fill(&server, "/queue/a", "1\n2\n3\n").await;
    for _ in 0..2 {
        assert_eq!(sub(&server, &["/queue/a", "--browse"]).await, "1\n2\n3\n");
    }
    assert_eq!(
        sub(&server, &["/queue/a", "--count", "3"]).await,
        "1\n2\n3\n"
    );
    assert_eq!(sub(&server, &["/queue/a", "--browse"]).await, "");
}

#[tokio::test]
async fn a_selector_leaves_other_messages_in_the_queue() {
    let server = Carillon::start().await;
    let url = server.url("");
    for price in ["9", "10", "11"] {
        let header = format!("price={price}");
        let arguments = [
            "pub", "--server", &url, "/queue/a", price, "--header", &header,
        ];
        succeeded(&run(&arguments).await);
    }
    let arguments = ["/queue/a", "--selector", "price >= 10", "--count", "2"];
    assert_eq!(sub(&server, &arguments).await, "10\n11\n");
    assert_eq!(sub(&server, &["/queue/a", "--browse"]).await, "9\n");
}

#[tokio::test]
async fn a_durable_subscription_is_kept_without_a_connection() {
    let server = Carillon::start().await;
    let arguments = ["a", "--durable", "d", "--client-id", "me"];
    let mut first = Program::start(&server, "sub", &arguments);
    first.says("subscribed to a").await;
    assert!(first.stop().await.success());
    fill(&server, "a", "1\n2\n3\n").await;
    let arguments = [&arguments[..], &["--count", "2"]].concat();
    assert_eq!(sub(&server, &arguments).await, "1\n2\n");
    fill(&server, "a", "4\n").await;
    assert_eq!(sub(&server, &arguments).await, "3\n4\n");
}

#[tokio::test]
async fn sub_continues_after_a_restart_of_the_server() {
    let server = Carillon::start().await;
    let address = server.address();
    let mut subs = Vec::new();
    for source in ["/queue/a", "a"] {
        let mut sub = Program::start(&server, "sub", &["--reconnect", "--count", "2", source]);
        sub.says("subscribed to").await;
        subs.push(sub);
    }
    fill(&server, "/queue/a,/topic/a", "1\n").await;
    for sub in &mut subs {
        assert_eq!(sub.prints().await, "1");
    }
    assert!(server.stop().await.success());
    let server = Carillon::listening(address, &[]).await;
    for sub in &mut subs {
        sub.says("subscribed to").await;
    }
    fill(&server, "/queue/a,/topic/a", "2\n").await;
    for mut sub in subs {
        assert_eq!(sub.prints().await, "2");
        assert!(sub.ended().await.success());
    }
}

#[tokio::test]
async fn options_that_do_not_apply_to_the_destination_are_refused() {
    let server = Carillon::start().await;
    let url = server.url("");
    for (arguments, reason) in [
        (["/queue/a", "--since", "last"], "--since is for topics"),
        (
            ["/queue/a", "--overflow", "latest"],
            "--overflow is for topics",
        ),
        (
            ["/topic/a", "--browse", "--quiet"],
            "--browse is for queues",
        ),
    ] {
        let complaint =
            complaint(&run(&[&["sub", "--server", &url], &arguments[..]].concat()).await);
        assert!(complaint.contains(reason), "{complaint}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_reported_in_one_line() {
    let server = Carillon::start().await;
    let url = server.url("");
    assert!(server.stop().await.success());
    let complaint = complaint(&run(&["pub", "--server", &url, "a", "x"]).await);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(
        complaint.contains(url.trim_start_matches("http://")),
        "{complaint}"
    );
}

#[tokio::test]
async fn an_invalid_topic_is_refused_with_the_reason() {
    let server = Carillon::start().await;
    let url = server.url("");
    let complaint = complaint(&run(&["pub", "--server", &url, "a..b", "x"]).await);
    assert!(
        complaint.contains("a..b") && complaint.contains("empty"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_port_in_use_is_reported_in_one_line_with_the_option() {
    let server = Carillon::start().await;
    let address = server.address().to_string();
    let complaint = complaint(&run(&["serve", "--listen", &address]).await);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(
        complaint.contains(&address) && complaint.contains("--listen"),
        "{complaint}"
    );
}

#[tokio::test]
async fn an_invalid_option_is_named() {
    for (arguments, named) in [
        (["serve", "--listen", "nowhere"], "--listen"),
        (["serve", "--max-body", "many"], "--max-body"),
        (["serve", "--overflow", "whatever"], "--overflow"),
        (["serve", "--log", "=="], "--log"),
        (["sub", "--count", "x"], "--count"),
        (["serve", "--no-such-option", "1"], "--no-such-option"),
    ] {
        let complaint = complaint(&run(&arguments).await);
        assert!(complaint.contains(named), "{arguments:?}: {complaint}");
    }
}

#[tokio::test]
async fn an_invalid_environment_variable_is_named() {
    let mut command = harness::carillon::command();
    command
        .arg("serve")
        .env("CARILLON_LISTEN", "nowhere")
        .kill_on_drop(true);
    let output = harness::deadline::within("the end", command.output()).await;
    let complaint = complaint(&output.expect("carillon starts"));
    assert!(
        complaint.contains("nowhere") && complaint.contains("--listen"),
        "{complaint}"
    );
}

#[tokio::test]
async fn help_and_version_are_printed() {
    assert!(succeeded(&run(&["--version"]).await).starts_with("carillon 0."));
    let help = succeeded(&run(&["--help"]).await);
    for word in ["serve", "pub", "sub", "request", "reply", "--listen"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[tokio::test]
async fn the_server_exits_with_success_when_stopped() {
    let server = Carillon::start().await;
    assert!(
        server.transcript().contains("is ready"),
        "{}",
        server.transcript()
    );
    assert!(server.stop().await.success());
}

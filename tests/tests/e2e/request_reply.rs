//! `carillon request` and `carillon reply`: requests and answers between processes, over topics and
//! queues.

use std::process::Output;

use harness::Carillon;
use harness::carillon::{run, run_with_input};
use serde_json::Value;

use crate::program::Program;

/// Starts a replier, and waits until it is subscribed.
async fn replier(server: &Carillon, arguments: &[&str]) -> Program {
    let mut replier = Program::start(server, "reply", arguments);
    replier.says("answering requests to").await;
    replier
}

async fn request(server: &Carillon, arguments: &[&str]) -> Output {
    let url = server.url("");
    run(&[&["request", "--server", &url], arguments].concat()).await
}

async fn browse(server: &Carillon, queue: &str) -> String {
    let url = server.url("");
    printed(&run(&["sub", "--server", &url, "--browse", "--json", queue]).await)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Returns the output of a command, which must succeed.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// Returns the error line of a command, which must fail.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let complaint = text(&output.stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint
}

#[tokio::test]
async fn a_request_to_a_topic_is_answered() {
    let server = Carillon::start().await;
    let _replier = replier(&server, &["greetings", "--body", "hello yourself"]).await;
    let answer = request(&server, &["greetings", "hello"]).await;
    assert_eq!(printed(&answer), "hello yourself\n");
    assert_eq!(text(&answer.stderr), "");
}

#[tokio::test]
async fn a_request_to_a_queue_is_answered_by_a_command() {
    let server = Carillon::start().await;
    let _replier = replier(&server, &["/queue/loud", "--", "tr", "a-z", "A-Z"]).await;
    let answer = request(&server, &["/queue/loud", "hello"]).await;
    assert_eq!(printed(&answer), "HELLO\n");
}

#[tokio::test]
async fn each_line_of_the_input_is_a_request_and_each_line_printed_its_answer() {
    let server = Carillon::start().await;
    let script = "read number; echo $((number * number))";
    // The shell's `read` needs a line end, which a body does not have.
    let script = format!("(cat; echo) | {{ {script}; }}");
    let _replier = replier(&server, &["/queue/square", "--", "sh", "-c", &script]).await;
    let url = server.url("");
    let arguments = ["request", "--server", &url, "/queue/square"];
    let answers = run_with_input(&arguments, "1\n2\n3\n4\n").await;
    assert_eq!(printed(&answers), "1\n4\n9\n16\n");
}

#[tokio::test]
async fn a_command_gets_the_request_in_its_environment_and_the_answer_its_correlation_id() {
    let server = Carillon::start().await;
    let script = r#"echo "$CARILLON_DESTINATION $CARILLON_HEADER_SIZE $CARILLON_CORRELATION_ID""#;
    let arguments = [
        "/queue/a",
        "--content-type",
        "text/plain",
        "--",
        "sh",
        "-c",
        script,
    ];
    let _replier = replier(&server, &arguments).await;
    let answer = request(&server, &["/queue/a", "x", "--header", "size=7", "--json"]).await;
    let answer: Value = serde_json::from_str(&printed(&answer)).expect("JSON");
    let correlation = answer["headers"]["correlation-id"].as_str();
    let correlation = correlation.expect("a correlation-id");
    assert_eq!(answer["body"], format!("/queue/a 7 {correlation}"));
    assert_eq!(answer["contentType"], "text/plain");
}

#[tokio::test]
async fn repliers_on_a_queue_share_the_requests() {
    let server = Carillon::start().await;
    let _one = replier(&server, &["/queue/a", "--body", "one"]).await;
    let _two = replier(&server, &["/queue/a", "--body", "two"]).await;
    let url = server.url("");
    let arguments = ["request", "--server", &url, "/queue/a"];
    let answers = printed(&run_with_input(&arguments, "1\n2\n3\n4\n").await);
    let mut answers: Vec<_> = answers.lines().collect();
    answers.sort_unstable();
    assert_eq!(answers, ["one", "one", "two", "two"]);
}

#[tokio::test]
async fn repliers_on_a_topic_all_answer() {
    let server = Carillon::start().await;
    let _one = replier(&server, &["who.*", "--body", "one"]).await;
    let _two = replier(&server, &["who.>", "--body", "two"]).await;
    let answers = printed(&request(&server, &["who.there", "?", "--count", "2"]).await);
    let mut answers: Vec<_> = answers.lines().collect();
    answers.sort_unstable();
    assert_eq!(answers, ["one", "two"]);
}

#[tokio::test]
async fn a_request_without_an_answer_fails_after_the_timeout() {
    let server = Carillon::start().await;
    for destination in ["nobody", "/queue/nobody"] {
        let failed = request(&server, &[destination, "x", "--timeout", "0.2"]).await;
        assert_eq!(
            complaint(&failed),
            "carillon: the request was not answered within 0.2 s\n"
        );
    }
    // A queue keeps the request: a later replier answers it, although the requester has ended.
    let late = replier(
        &server,
        &["/queue/nobody", "--body", "late", "--count", "1"],
    )
    .await;
    assert!(late.ended().await.success());
    assert_eq!(browse(&server, "/queue/nobody").await, "");
}

#[tokio::test]
async fn a_request_can_be_made_to_expire() {
    let server = Carillon::start().await;
    let arguments = ["/queue/a", "old", "--timeout", "0.2", "--expire"];
    complaint(&request(&server, &arguments).await);
    let _replier = replier(&server, &["/queue/a", "--", "cat"]).await;
    let answer = request(&server, &["/queue/a", "new"]).await;
    assert_eq!(printed(&answer), "new\n");
}

#[tokio::test]
async fn an_additional_answer_is_not_taken_for_the_next_request() {
    let server = Carillon::start().await;
    let _one = replier(&server, &["echo", "--", "cat"]).await;
    let _two = replier(&server, &["echo", "--", "cat"]).await;
    let url = server.url("");
    let lines: String = (1..=20).map(|number| format!("{number}\n")).collect();
    let answers = run_with_input(&["request", "--server", &url, "echo"], &lines).await;
    assert_eq!(printed(&answers), lines);
}

#[tokio::test]
async fn a_request_is_redelivered_after_its_command_failed() {
    let server = Carillon::start().await;
    let _able = replier(&server, &["/queue/a", "--", "cat"]).await;
    let mut failing = replier(&server, &["/queue/a", "--", "false"]).await;
    let url = server.url("");
    let arguments = ["request", "--server", &url, "/queue/a"];
    let answers = run_with_input(&arguments, "1\n2\n3\n4\n").await;
    assert_eq!(printed(&answers), "1\n2\n3\n4\n");
    failing.says("the command failed (exit status: 1)").await;
}

#[tokio::test]
async fn a_request_that_always_fails_becomes_a_dead_letter() {
    let server = Carillon::with(&["--max-redeliveries", "2"]).await;
    let mut failing = replier(&server, &["/queue/a", "--", "sh", "-c", "exit 3"]).await;
    let failed = request(&server, &["/queue/a", "x", "--timeout", "0.2"]).await;
    complaint(&failed);
    for _ in 0..3 {
        let said = failing.says("was not answered").await;
        assert!(said.contains("of /queue/a"), "{said}");
        assert!(
            said.contains("the command failed (exit status: 3)"),
            "{said}"
        );
    }
    let url = server.url("");
    let arguments = [
        "sub",
        "--server",
        &url,
        "/queue/ActiveMQ.DLQ",
        "--count",
        "1",
    ];
    assert_eq!(printed(&run(&arguments).await), "x\n");
}

#[tokio::test]
async fn a_command_that_exceeds_its_time_fails() {
    let server = Carillon::with(&["--max-redeliveries", "0"]).await;
    let arguments = [
        "/queue/a",
        "--timeout",
        "0.1",
        "--",
        "tail",
        "-f",
        "/dev/null",
    ];
    let mut slow = replier(&server, &arguments).await;
    complaint(&request(&server, &["/queue/a", "x", "--timeout", "0.2"]).await);
    slow.says("the command took longer than 0.1 s").await;
}

#[tokio::test]
async fn an_unanswered_request_is_redelivered_when_its_replier_ends() {
    let server = Carillon::start().await;
    let script = "echo at work >&2; exec tail -f /dev/null";
    let mut busy = replier(&server, &["/queue/a", "--", "sh", "-c", script]).await;
    let mut asking = Program::start(&server, "request", &["/queue/a", "x", "--timeout", "20"]);
    busy.says("at work").await;
    let _other = replier(&server, &["/queue/a", "--body", "done"]).await;
    assert!(busy.stop().await.success());
    assert_eq!(asking.prints().await, "done");
    assert!(asking.ended().await.success());
}

#[tokio::test]
async fn a_missing_command_ends_the_replier_and_the_request_stays() {
    let server = Carillon::start().await;
    let mut replier = replier(&server, &["/queue/a", "--", "/nowhere/program"]).await;
    complaint(&request(&server, &["/queue/a", "x", "--timeout", "0.2"]).await);
    let said = replier.says("/nowhere/program").await;
    assert_eq!(
        said,
        "carillon: /nowhere/program: No such file or directory"
    );
    assert_eq!(replier.ended().await.code(), Some(1));
    assert!(browse(&server, "/queue/a").await.contains(r#""body":"x""#));
}

#[tokio::test]
async fn a_message_without_reply_to_is_skipped_on_a_topic_and_stays_in_a_queue() {
    let server = Carillon::start().await;
    let mut on_topic = replier(&server, &["a", "--body", "yes"]).await;
    let _on_queue = replier(&server, &["/queue/a", "--body", "yes"]).await;
    let url = server.url("");
    printed(&run(&["pub", "--server", &url, "/topic/a,/queue/a", "news"]).await);
    let said = on_topic.says("was not answered").await;
    assert!(
        said.ends_with("of a was not answered: it has no reply-to"),
        "{said}"
    );
    for destination in ["a", "/queue/a"] {
        let answer = request(&server, &[destination, "?"]).await;
        assert_eq!(printed(&answer), "yes\n");
    }
    assert!(
        browse(&server, "/queue/a")
            .await
            .contains(r#""body":"news""#)
    );
}

#[tokio::test]
async fn an_invalid_reply_to_does_not_end_the_replier() {
    let server = Carillon::with(&["--max-redeliveries", "0"]).await;
    let mut replier = replier(&server, &["/queue/a", "--body", "yes"]).await;
    let url = server.url("");
    for reply_to in ["/exchange/a", "/topic/$SYS.figures", "/queue/*"] {
        let header = format!("reply-to={reply_to}");
        printed(
            &run(&[
                "pub", "--server", &url, "/queue/a", "x", "--header", &header,
            ])
            .await,
        );
        replier.says(reply_to).await;
    }
    assert_eq!(
        printed(&request(&server, &["/queue/a", "?"]).await),
        "yes\n"
    );
}

#[tokio::test]
async fn an_answer_goes_to_the_reply_to_of_the_request() {
    let server = Carillon::start().await;
    let _replier = replier(&server, &["/queue/a", "--body", "yes"]).await;
    let mut reader = Program::start(&server, "sub", &["answers", "--json", "--count", "1"]);
    reader.says("subscribed to answers").await;
    let url = server.url("");
    let arguments = [
        "pub",
        "--server",
        &url,
        "/queue/a",
        "?",
        "--header",
        "reply-to=/topic/answers",
    ];
    printed(&run(&arguments).await);
    let answer: Value = serde_json::from_str(&reader.prints().await).expect("JSON");
    assert_eq!(answer["body"], "yes");
    // Without a correlation-id the message id of the request is used.
    let correlation = answer["headers"]["correlation-id"].as_str();
    assert!(correlation.is_some_and(|id| id.contains('-')), "{answer}");
}

#[tokio::test]
async fn a_replier_continues_after_a_restart_of_the_server() {
    let server = Carillon::start().await;
    let address = server.address();
    let arguments = ["/queue/a", "--body", "yes", "--reconnect"];
    let mut replier = replier(&server, &arguments).await;
    assert!(server.stop().await.success());
    replier.says("trying again").await;
    let server = Carillon::listening(address, &[]).await;
    replier.says("answering requests to /queue/a").await;
    assert_eq!(
        printed(&request(&server, &["/queue/a", "?"]).await),
        "yes\n"
    );
    assert!(replier.stop().await.success());
}

#[tokio::test]
async fn a_request_fails_with_the_reason_when_its_server_stops() {
    let server = Carillon::start().await;
    let mut watch = Program::start(&server, "sub", &["a"]);
    watch.says("subscribed").await;
    let mut asking = Program::start(&server, "request", &["a", "x", "--timeout", "20"]);
    assert_eq!(watch.prints().await, "x");
    assert!(server.stop().await.success());
    asking.says("carillon: ").await;
    assert_eq!(asking.ended().await.code(), Some(1));
}

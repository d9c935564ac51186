//! Certificates: given, renewed, generated, and the errors for unusable ones.

use std::fs;

use harness::Carillon;
use harness::carillon::{run, run_with_input};
use harness::deadline::eventually;
use harness::http::get;
use harness::stomp::{Frame, StompClient};
use harness::tls::{Pair, Trust, text};

#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let old = pair.trust();
    let mut early = StompClient::connect_tls(address, &old).await;
    early.subscribe("0", "a", &[]).await;

    pair.renew();
    let new = pair.trust();
    let with_new = || async { new.try_connect(address).await.err() };
    eventually("the new certificate", with_new, Option::is_none).await;
    assert!(
        old.try_connect(address).await.is_err(),
        "the old certificate is not used any more"
    );
    StompClient::connect_tls(address, &new)
        .await
        .publish("a", "x")
        .await;
    assert_eq!(early.bodies(1).await, ["x"], "the old connection stays");
}

#[tokio::test]
async fn an_unusable_new_certificate_does_not_replace_the_old_one() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let trust = pair.trust();
    fs::write(pair.cert(), "not a certificate").expect("written");
    let warned = || async { server.transcript().contains("the old one stays in use") };
    eventually("a warning", warned, |warned| *warned).await;
    assert!(
        server.transcript().contains(&text(&pair.cert())),
        "{}",
        server.transcript()
    );
    StompClient::connect_tls(server.stomp_tls_address().await, &trust).await;
}

#[tokio::test]
async fn a_hangup_reads_the_certificate_again_and_ends_nothing() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let mut early = StompClient::connect_tls(server.stomp_tls_address().await, &pair.trust()).await;
    early.subscribe("0", "a", &[]).await;
    // The files have not changed, so the server reads them only because of the signal.
    server.hang_up().await;
    server.logged("the certificate was read again").await;
    early.publish("a", "x").await;
    assert_eq!(early.bodies(1).await, ["x"]);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_hangup_without_a_certificate_ends_nothing() {
    let server = Carillon::start().await;
    server.hang_up().await;
    server.logged("no certificate file to read again").await;
    assert_eq!(get(server.url("/healthz")).await.text(), "ok\n");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn command_line_clients_accept_only_trusted_certificates() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let url = format!("wss://localhost:{}/ws", server.address().port());
    let (ca, line) = (text(&pair.cert()), ["pub", "--server", &url]);
    let trusting = [&line[..], &["--ca", &ca, "a"]].concat();
    let careless = [&line[..], &["--insecure", "a"]].concat();
    for arguments in [trusting, careless] {
        let output = run_with_input(&arguments, "x\n").await;
        assert!(output.status.success(), "{output:?}");
    }
    let nowhere = text(&pair.file("nowhere"));
    let refusals = [
        (&["a", "x"][..], "--ca FILE"),
        (&["--ca", &nowhere, "a", "x"], "nowhere"),
    ];
    for (arguments, hint) in refusals {
        let output = run(&[&line[..], arguments].concat()).await;
        assert!(!output.status.success(), "{output:?}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(complaint.contains(hint), "{complaint}");
    }
    let topic = get(format!("http://{}/api/topics/a", server.address())).await;
    assert_eq!(topic.json()["sequence"], 2);
}

#[tokio::test]
async fn a_certificate_is_generated_and_written_on_request() {
    let folder = Pair::new();
    let file = folder.file("made.pem");
    let path = text(&file);
    let options = ["--tls-self-signed", "--tls-write-cert", &path];
    let port = ["--stomp-tls", "127.0.0.1:0"];
    let server = Carillon::with(&[&options[..], &port].concat()).await;
    let trust = Trust::written(&file).await;
    let mut client = StompClient::connect_tls(server.stomp_tls_address().await, &trust).await;
    client.request(Frame::publication("a", "x")).await;
    let printed = || async { server.transcript().contains("self-signed, SHA-256 ") };
    eventually("its fingerprint", printed, |printed| *printed).await;
}

#[tokio::test]
async fn an_unusable_certificate_is_reported_in_one_line() {
    let (pair, other) = (Pair::new(), Pair::new());
    let nonsense = pair.file("nonsense.pem");
    fs::write(&nonsense, "nonsense").expect("written");
    let nowhere = pair.file("nowhere.pem");
    let (cert, key) = (text(&pair.cert()), text(&pair.key()));
    let (nonsense, nowhere) = (text(&nonsense), text(&nowhere));
    let others = text(&other.key());
    let table: [(&[&str], &str); 10] = [
        (&["--tls-cert", &nowhere, "--tls-key", &key], &nowhere),
        (&["--tls-cert", &cert, "--tls-key", &nowhere], &nowhere),
        (&["--tls-cert", &nonsense, "--tls-key", &key], &nonsense),
        (
            &["--tls-cert", &key, "--tls-key", &key],
            "no CERTIFICATE in",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", &cert],
            "no PRIVATE KEY in",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", &others],
            "do not belong together",
        ),
        (&["--tls-cert", &cert], "--tls-key"),
        (&["--tls-only"], "--tls-self-signed"),
        (&["--stomp-tls", "127.0.0.1:0"], "--tls-self-signed"),
        (&["--mqtt-tls", "127.0.0.1:0"], "--tls-self-signed"),
    ];
    for (arguments, hint) in table {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let off = ["--stomp", "off", "--mqtt", "off"];
        let output = run(&[&listen[..], &off, arguments].concat()).await;
        assert!(!output.status.success(), "{output:?}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(complaint.contains(hint), "{arguments:?}: {complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

//! `carillon bench` against the server: checks its counts, not its speed.

use harness::Carillon;
use harness::carillon::run;
use harness::data::DataDirectory;
use harness::http::get;
use serde_json::Value;

/// Runs `carillon bench` for a short time with these arguments at the HTTP port, and returns its
/// report.
async fn bench(server: &Carillon, scheme: &str, path: &str, arguments: &[&str]) -> Value {
    let address = format!("{scheme}://{}{path}", server.address());
    bench_at(server, &address, arguments).await
}

async fn bench_at(server: &Carillon, address: &str, arguments: &[&str]) -> Value {
    let process_id = server.process_id().to_string();
    let common = [
        "bench",
        "--server",
        address,
        "--server-pid",
        &process_id,
        "--seconds",
        "0.2",
        "--warm-up",
        "0.05",
        "--drain",
        "20",
        "--quiet",
        "--json",
    ];
    let output = run(&[&common, arguments].concat()).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Asserts that each subscriber has received all messages in order.
fn assert_complete(traffic: &Value) {
    let check = &traffic["check"];
    assert!(check["expected"].as_u64() > Some(0), "{traffic}");
    assert_eq!(check["received"], check["expected"], "{traffic}");
    for wrong in ["lost", "orderViolations", "foreign", "disconnected"] {
        assert_eq!(check[wrong], 0, "{wrong}: {traffic}");
    }
    assert!(traffic["published"].as_u64() > Some(0), "{traffic}");
    assert!(traffic["delivered"].as_u64() > Some(0), "{traffic}");
    assert!(traffic["latency"]["p50"].as_f64() > Some(0.0), "{traffic}");
}

#[tokio::test]
async fn every_message_is_counted_over_both_transports() {
    let server = Carillon::start().await;
    let arguments = ["--publishers", "3", "--subscribers", "4"];
    for (scheme, path) in [("tcp", ""), ("ws", "/ws")] {
        for qos in ["0", "1"] {
            let arguments = [&arguments[..], &["--qos", qos]].concat();
            let report = bench(&server, scheme, path, &arguments).await;
            assert_complete(&report["traffic"]);
            assert_eq!(report["traffic"]["check"]["disagreeing"], 0, "{report}");
            assert_eq!(report["opened"]["connections"], 7, "{report}");
        }
    }
}

#[tokio::test]
async fn every_message_of_mqtt_is_counted_over_both_transports() {
    let server = Carillon::with_mqtt(&[]).await;
    let arguments = [
        "--protocol",
        "mqtt",
        "--publishers",
        "3",
        "--subscribers",
        "4",
    ];
    let doors = [
        format!("tcp://{}", server.mqtt_address().await),
        format!("ws://{}/mqtt", server.address()),
    ];
    for door in &doors {
        for qos in ["0", "1"] {
            let arguments = [&arguments[..], &["--qos", qos]].concat();
            let report = bench_at(&server, door, &arguments).await;
            assert_complete(&report["traffic"]);
            assert_eq!(report["traffic"]["check"]["disagreeing"], 0, "{report}");
            assert_eq!(report["opened"]["connections"], 7, "{report}");
        }
    }
}

#[tokio::test]
async fn each_shape_reaches_its_subscribers() {
    let server = Carillon::start().await;
    let table: [&[&str]; 4] = [
        &["--shape", "fan-in", "--publishers", "5"],
        &["--shape", "pairs", "--publishers", "5", "--window", "1"],
        &["--subscribers", "3", "--rate", "500"],
        &["--subscribers", "3", "--payload", "100000", "--window", "4"],
    ];
    for arguments in table {
        let report = bench(&server, "tcp", "", arguments).await;
        assert_complete(&report["traffic"]);
    }
}

#[tokio::test]
async fn additional_subscriptions_get_no_messages_and_take_none() {
    let server = Carillon::start().await;
    for kind in ["mixed", "deep"] {
        let arguments = [
            "--subscribers",
            "1",
            "--depth",
            "3",
            "--others",
            "1500",
            "--other-kind",
            kind,
        ];
        let report = bench(&server, "tcp", "", &arguments).await;
        assert_complete(&report["traffic"]);
        assert_complete(&report["others"]["traffic"]);
        assert_eq!(report["others"]["opened"]["subscriptions"], 1500);
        assert_eq!(report["others"]["opened"]["connections"], 2);
    }
}

#[tokio::test]
async fn stuck_subscribers_cost_the_others_no_messages() {
    let server = Carillon::start().await;
    let arguments = ["--subscribers", "3", "--payload", "10000", "--stuck", "2"];
    let report = bench(&server, "tcp", "", &arguments).await;
    assert_complete(&report["traffic"]);
    assert_complete(&report["stuck"]["traffic"]);
    assert_eq!(report["stuck"]["subscribers"], 2);
    assert!(report["stuck"]["ratio"].as_f64() > Some(0.0), "{report}");
}

#[tokio::test]
async fn persistent_messages_are_confirmed_and_stay_in_their_queues() {
    let server = Carillon::with_mqtt(&["--queue-length", "10000000"]).await;
    let arguments = [
        "--shape",
        "persistent",
        "--publishers",
        "3",
        "--window",
        "4",
    ];
    let report = bench(&server, "tcp", "", &arguments).await;
    assert_all_confirmed(&report);
    let queues = get(server.url("/api/queues")).await.json();
    assert_eq!(
        queues["queues"].as_array().map(Vec::len),
        Some(3),
        "{queues}"
    );

    let door = format!("tcp://{}", server.mqtt_address().await);
    let arguments = [&arguments[..], &["--protocol", "mqtt"]].concat();
    assert_all_confirmed(&bench_at(&server, &door, &arguments).await);
}

/// The replies of few publishers are written by another thread than those of many.
#[tokio::test]
async fn what_few_and_many_publishers_were_confirmed_survives_a_kill() {
    let directory = DataDirectory::fresh();
    let mut server = directory.server().await;
    let mut confirmed = 0;
    for (publishers, window) in [("1", "1"), ("1", "16"), ("8", "4")] {
        let arguments = ["--shape", "persistent", "--publishers", publishers];
        let arguments = [&arguments[..], &["--window", window]].concat();
        let report = bench(&server, "tcp", "", &arguments).await;
        assert_all_confirmed(&report);
        confirmed += report["traffic"]["check"]["confirmed"]
            .as_u64()
            .expect("a number");

        server = directory.after_kill(server).await;
        let queues = get(server.url("/api/queues")).await.json();
        let queues = queues["queues"].as_array().expect("a list").iter();
        let waiting = queues.map(|queue| queue["waiting"].as_u64().expect("a number"));
        assert_eq!(waiting.sum::<u64>(), confirmed, "{report}");
    }
}

fn assert_all_confirmed(report: &Value) {
    let traffic = &report["traffic"];
    assert_eq!(report["qos"], 1, "{report}");
    assert!(traffic["confirmed"].as_u64() > Some(0), "{report}");
    assert!(traffic["latency"]["p50"].as_f64() > Some(0.0), "{report}");
    for wrong in ["unconfirmed", "foreign", "disconnected", "stalls"] {
        assert_eq!(traffic["check"][wrong], 0, "{wrong}: {report}");
    }
}

#[tokio::test]
async fn idle_connections_are_opened_and_their_memory_is_reported() {
    let server = Carillon::start().await;
    let report = bench(
        &server,
        "tcp",
        "",
        &["--shape", "idle", "--connections", "200"],
    )
    .await;
    assert_eq!(report["opened"]["connections"], 200);
    assert_eq!(report["serverPid"], server.process_id());
    assert!(report["residentOpen"].as_u64() > Some(0), "{report}");
    assert_eq!(report["traffic"], Value::Null);
}

#[tokio::test]
async fn an_unreachable_server_is_reported_in_one_line() {
    let server = Carillon::start().await;
    let address = format!("tcp://{}", server.address());
    assert!(server.stop().await.success());
    let output = run(&["bench", "--server", &address]).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(complaint.contains("refused"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

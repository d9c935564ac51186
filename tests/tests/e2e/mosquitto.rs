//! Mosquitto's command-line clients, in each of their MQTT versions.

use harness::Carillon;
use harness::deadline::eventually;
use harness::mosquitto::{
    Bridge, Listener, VERSIONS, publish, publish_at, subscribe, subscribe_at,
};

#[tokio::test]
async fn mosquitto_clients_publish_and_subscribe_at_each_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        let topic = format!("live/{version}");
        // A retained message arrives with the subscription, which shows that the subscription exists.
        publish(&server, version, &["-t", &topic, "-m", "ready", "-r"]).await;
        let options = ["-t", "live/#", "-q", "2", "-F", "%t %q %r %p"];
        let listener = Listener::start(&server, version, &options).await;
        for qos in ["0", "1", "2"] {
            publish(&server, version, &["-t", &topic, "-m", qos, "-q", qos]).await;
        }
        let lines = || async { listener.lines() };
        let lines = eventually("four lines", lines, |lines| lines.len() == 4).await;
        let expected = ["0 1 ready", "0 0 0", "1 0 1", "2 0 2"];
        assert_eq!(lines, expected.map(|line| format!("{topic} {line}")));
        publish(&server, version, &["-t", &topic, "-n", "-r"]).await;
    }
}

#[tokio::test]
async fn a_session_of_mosquitto_sub_keeps_missed_messages() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        let mut session = vec!["-i", "sleeper", "-q", "1", "-t", "missed/#"];
        match version {
            "mqttv5" => session.extend(["-x", "600", "-c"]),
            _ => session.push("-c"),
        }
        subscribe(&server, version, &[&session[..], &["-E"]].concat()).await;
        for body in ["1", "2", "3"] {
            publish(&server, version, &["-t", "missed/x", "-m", body, "-q", "1"]).await;
        }
        let three = [&session[..], &["-C", "3"]].concat();
        assert_eq!(subscribe(&server, version, &three).await, ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn messages_retained_by_mosquitto_pub_are_kept_until_cleared() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        for (topic, body) in [("kept/1", "one"), ("kept/2", "two")] {
            publish(
                &server,
                version,
                &["-t", topic, "-m", body, "-r", "-q", "1"],
            )
            .await;
        }
        let all = ["-t", "kept/+", "-C", "2", "-F", "%t=%p"];
        let mut lines = subscribe(&server, version, &all).await;
        lines.sort();
        assert_eq!(lines, ["kept/1=one", "kept/2=two"]);
        for topic in ["kept/1", "kept/2"] {
            publish(&server, version, &["-t", topic, "-n", "-r"]).await;
        }
        let none = ["-t", "kept/+", "-t", "end", "-C", "1", "-F", "%t"];
        publish(&server, version, &["-t", "end", "-m", "x", "-r"]).await;
        assert_eq!(subscribe(&server, version, &none).await, ["end"]);
        publish(&server, version, &["-t", "end", "-n", "-r"]).await;
    }
}

#[tokio::test]
async fn properties_of_5_0_arrive_at_mosquitto_sub() {
    let server = Carillon::with_mqtt(&[]).await;
    let options = [
        "-t",
        "a",
        "-m",
        "x",
        "-r",
        "-q",
        "1",
        "-D",
        "publish",
        "content-type",
        "text/plain",
        "-D",
        "publish",
        "response-topic",
        "answers/1",
        "-D",
        "publish",
        "correlation-data",
        "c-1",
        "-D",
        "publish",
        "user-property",
        "colour",
        "blue",
        "-D",
        "publish",
        "payload-format-indicator",
        "1",
    ];
    publish(&server, "mqttv5", &options).await;
    let format = "%p|%C|%R|%D|%P|%F";
    let lines = subscribe(&server, "mqttv5", &["-t", "a", "-C", "1", "-F", format]).await;
    assert_eq!(lines, ["x|text/plain|answers/1|c-1|colour:blue|1"]);
}

#[tokio::test]
async fn a_will_of_mosquitto_sub_is_published() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        publish(&server, version, &["-t", "will", "-m", "ready", "-r"]).await;
        let watcher = Listener::start(&server, version, &["-t", "will"]).await;
        let mortal = [
            "-t",
            "will",
            "--will-topic",
            "will",
            "--will-payload",
            "gone",
        ];
        let mortal = Listener::start(&server, version, &mortal).await;
        drop(mortal);
        let lines = || async { watcher.lines() };
        let lines = eventually("the will", lines, |lines| lines.len() == 2).await;
        assert_eq!(lines, ["ready", "gone"]);
    }
}

#[tokio::test]
async fn mosquitto_pub_sends_a_file_whole_and_lines_separately() {
    let server = Carillon::with_mqtt(&[]).await;
    let subscription = ["-i", "lines", "-c", "-q", "1", "-t", "lines"];
    subscribe(&server, "mqttv311", &[&subscription[..], &["-E"]].concat()).await;
    let file = std::env::temp_dir().join(format!("carillon-{}.txt", std::process::id()));
    let text = "x".repeat(300_000);
    std::fs::write(&file, &text).expect("a file");
    let path = file.to_string_lossy().into_owned();
    publish(
        &server,
        "mqttv311",
        &["-t", "lines", "-q", "1", "-f", &path],
    )
    .await;
    let repeated = ["-t", "lines", "-q", "1", "-m", "again", "--repeat", "20"];
    publish(&server, "mqttv311", &repeated).await;
    let all = [&subscription[..], &["-C", "21"]].concat();
    let lines = subscribe(&server, "mqttv311", &all).await;
    std::fs::remove_file(file).expect("the file is there");
    assert!(lines[0] == text);
    assert_eq!(lines[1..], vec!["again"; 20]);
}

/// With its defaults the bridge has a will and publications below `$SYS`, which only the broker may publish to.
#[tokio::test]
async fn a_mosquitto_bridge_connects_two_brokers() {
    for (own, version) in VERSIONS.into_iter().zip(["mqttv31", "mqttv311", "mqttv50"]) {
        let server = Carillon::with_mqtt(&[]).await;
        // A retained message arrives with the bridge's SUBSCRIBE, which shows that the bridge is connected.
        publish(&server, own, &["-t", "a/ready", "-m", "ready", "-r"]).await;
        let bridge = Bridge::start(server.mqtt_address().await, version, "a/# both 1");
        bridge.listens().await;
        let options = ["-t", "a/#", "-q", "1", "-F", "%t %p"];
        let there = Listener::start_at(bridge.address(), own, &options).await;
        let here = Listener::start(&server, own, &options).await;

        let message = ["-t", "a/x", "-m", "from there", "-q", "1"];
        publish_at(bridge.address(), own, &message).await;
        let lines = || async { here.lines() };
        let lines = eventually("the message from there", lines, |lines| lines.len() == 2).await;
        assert_eq!(lines, ["a/ready ready", "a/x from there"], "{version}");

        // The next message to arrive is this one: the bridge's own message did not come back.
        let retained = ["-t", "a/kept", "-m", "kept", "-q", "1", "-r"];
        publish(&server, own, &retained).await;
        let lines = || async { there.lines() };
        let lines = eventually("the message from here", lines, |lines| lines.len() == 3).await;
        assert_eq!(
            lines,
            ["a/ready ready", "a/x from there", "a/kept kept"],
            "{version}"
        );
        // The message is retained at both brokers.
        let late = ["-t", "a/kept", "-C", "1", "-F", "%r %p"];
        assert_eq!(
            subscribe_at(bridge.address(), own, &late).await,
            ["1 kept"],
            "{version}"
        );
    }
}

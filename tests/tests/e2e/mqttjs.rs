//! mqtt.js from npm, in version 4.3.7 and in the current version: over WebSocket at each path, and
//! over TCP.

use harness::users::UsersFile;
use harness::{Carillon, node};
use serde_json::{Value, json};

const PACKAGES: [&str; 2] = ["mqtt4", "mqtt5"];
/// "MQTT" 5 and 4, and "MQIsdp" 3, whose subprotocol is `mqttv3.1`.
const LEVELS: [&str; 3] = ["3", "4", "5"];

struct Play {
    package: &'static str,
    level: &'static str,
    url: String,
    name: String,
}

impl Play {
    async fn run(&self, scenario: &str) -> Value {
        let Self {
            package,
            level,
            url,
            name,
        } = self;
        let name = format!("{scenario}-{name}");
        let arguments = [package, url.as_str(), level, scenario, &name];
        let printed = node::run("mqttjs/scenario.js", &arguments).await;
        serde_json::from_str(&printed).expect("a report in JSON")
    }

    fn is_5(&self) -> bool {
        self.level == "5"
    }
}

/// Returns each package in each version, each over another transport.
async fn plays(server: &Carillon) -> Vec<Play> {
    let address = server.address();
    let doors = [
        format!("ws://{address}"),
        format!("mqtt://{}", server.mqtt_address().await),
        format!("ws://{address}/mqtt"),
        format!("ws://{address}/ws"),
    ];
    let mut plays = Vec::new();
    for package in PACKAGES {
        for level in LEVELS {
            plays.push(Play {
                package,
                level,
                url: doors[plays.len() % doors.len()].clone(),
                name: format!("{package}-{level}"),
            });
        }
    }
    plays
}

#[tokio::test]
async fn it_publishes_and_subscribes_over_each_transport() {
    let server = Carillon::with_mqtt(&[]).await;
    let address = server.address();
    let tcp = format!("mqtt://{}", server.mqtt_address().await);
    let paths = ["", "/", "/mqtt", "/ws"].map(|path| format!("ws://{address}{path}"));
    for package in PACKAGES {
        for (door, url) in paths.iter().chain([&tcp]).enumerate() {
            let level = LEVELS[door % LEVELS.len()];
            let name = format!("{package}-{door}");
            let play = Play {
                package,
                level,
                url: url.clone(),
                name: name.clone(),
            };
            let expected = json!([
                [format!("publish-{name}/0"), "鐘 0", 0, false],
                [format!("publish-{name}/1"), "鐘 1", 1, false],
                [format!("publish-{name}/2"), "鐘 2", 2, false],
                "end",
            ]);
            assert_eq!(play.run("publish").await, expected, "{package} {url}");
        }
    }
}

#[tokio::test]
async fn its_retained_message_is_kept_until_cleared() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await {
        let expected = json!([["kept", true], ["live", false], ["live again", false]]);
        assert_eq!(play.run("retained").await, expected, "{}", play.name);
    }
}

#[tokio::test]
async fn its_will_is_published_when_its_connection_breaks() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await {
        assert_eq!(play.run("will").await, json!(["gone", 1]), "{}", play.name);
    }
}

#[tokio::test]
async fn its_session_outlives_its_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await {
        // 3.1 has no session-present flag.
        let expected = json!([play.level != "3", ["0", "1", "2"]]);
        assert_eq!(play.run("session").await, expected, "{}", play.name);
    }
}

#[tokio::test]
async fn its_session_is_taken_over() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await {
        let reason = if play.is_5() {
            json!(0x8E)
        } else {
            Value::Null
        };
        let expected = json!([reason, ["to the second"]]);
        assert_eq!(play.run("takeover").await, expected, "{}", play.name);
    }
}

#[tokio::test]
async fn its_shared_subscription_gives_each_message_to_one() {
    let server = Carillon::with_mqtt(&[]).await;
    let all: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    for play in plays(&server).await {
        assert_eq!(
            play.run("shared").await,
            json!([all, true]),
            "{}",
            play.name
        );
    }
}

#[tokio::test]
async fn its_request_is_answered_with_properties() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await.iter().filter(|play| play.is_5()) {
        let expected = json!({
            "body": "!",
            "correlation": [0, 255, 1],
            "contentType": "text/plain",
            "userProperties": {"colour": "blue", "size": ["1", "2"]},
        });
        assert_eq!(play.run("request").await, expected, "{}", play.name);
    }
}

#[tokio::test]
async fn it_resolves_topic_aliases_and_uses_them() {
    let server = Carillon::with_mqtt(&[]).await;
    for play in plays(&server).await.iter().filter(|play| play.is_5()) {
        let topic = format!("aliases-{}/a/long/name", play.name);
        let expected = json!([[topic, "1"], [topic, "2"], [topic, "3"]]);
        assert_eq!(play.run("aliases").await, expected, "{}", play.name);
    }
}

#[tokio::test]
async fn it_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    for Play {
        package,
        level,
        url,
        ..
    } in plays(&server).await
    {
        let arguments = [package, url.as_str(), level, "rights", &token];
        let printed = node::run("mqttjs/scenario.js", &arguments).await;
        let report: Value = serde_json::from_str(&printed).expect("a report in JSON");
        // Before 5.0 a filter is refused without a reason, and a publication is dropped.
        let (wrong, filter, publication) = match level {
            "5" => (0x86, 0x87, 0x87),
            _ => (4, 0x80, 0),
        };
        let expected = json!({
            "wrong": wrong,
            "subscribed": [1, filter],
            "published": [publication, 0],
            "seen": ["open/a"],
        });
        assert_eq!(report, expected, "{package} {level} {url}");
    }
}

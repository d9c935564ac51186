//! TLS client certificates: logins at every door, revocation and expiry.

use std::fs;
use std::time::{Duration, SystemTime};

use harness::Carillon;
use harness::authority::{Authority, ClientCertificate};
use harness::carillon::run;
use harness::deadline::eventually;
use harness::http::{HttpConnection, get_over, request};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient, upgrade};
use harness::tls::{Pair, Trust, text};
use harness::users::{UsersFile, mqtt_login, stomp_login};
use http::{Method, StatusCode};

const RULES: &str = r#"
[users.sensor]
certificate = "CN=sensor-7"
publish = ["devices.%u.>"]
subscribe = ["devices.%u.>"]
[users.anna]
publish = ["news.>"]
"#;

const BAD_CREDENTIALS: u8 = 0x86;
const NOT_AUTHORIZED: u8 = 0x87;

/// A server that asks for certificates, and a client's trust in it.
struct Setting {
    pair: Pair,
    authority: Authority,
    file: UsersFile,
    server: Carillon,
    trust: Trust,
}

impl Setting {
    async fn new(rules: &str, options: &[&str]) -> Self {
        let pair = Pair::new();
        let authority = Authority::new(&pair);
        let file = UsersFile::new(rules);
        let server = authority.server(&pair, file.path(), options).await;
        Self {
            trust: pair.trust(),
            pair,
            authority,
            file,
            server,
        }
    }

    fn issue(&self, name: &str) -> ClientCertificate {
        self.authority.issue(&self.pair, name)
    }

    async fn mqtt(&self, trust: &Trust, version: Version) -> MqttClient {
        MqttClient::over_tls(self.server.mqtt_tls_address().await, trust, version).await
    }

    async fn stomp(&self, trust: &Trust) -> StompClient {
        StompClient::over(trust.connect(self.server.stomp_tls_address().await).await)
    }

    async fn http(&self, trust: &Trust) -> HttpConnection {
        HttpConnection::over(trust.connect(self.server.address()).await).await
    }
}

/// Returns the reason of the CONNACK that refuses a client.
async fn refusal(mut client: MqttClient, connect: &Connect) -> u8 {
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
    connack.reason()
}

#[tokio::test]
async fn a_certificate_logs_in_at_every_door() {
    let setting = Setting::new(RULES, &[]).await;
    let certificate = setting.issue("sensor-7");
    let trust = setting.trust.presenting(&certificate);

    for version in Version::ALL {
        let client = setting.mqtt(&trust, version).await;
        let (mut client, _) = client.connected_with(&Connect::new(version, "c")).await;
        client.publish("devices/sensor/a", "1", 1).await;
        client.leave().await;
    }
    let client = setting.mqtt(&trust, Version::V5).await;
    let (mut client, _) = client.connected_with(&Connect::new(Version::V5, "c")).await;
    let foreign = Packet::publication("devices/other/a", "1", 1);
    let answer = client.request(foreign, Kind::Puback).await;
    assert_eq!(answer.reason(), NOT_AUTHORIZED, "{answer:?}");

    let mut client = setting.stomp(&trust).await.connected().await;
    client
        .request(Frame::publication("devices.sensor.a", "2"))
        .await;

    let origin = format!("https://{}", setting.server.address());
    let headers = [
        ("sec-websocket-protocol", "v12.stomp"),
        ("origin", &*origin),
    ];
    let stream = trust.connect(setting.server.address()).await;
    let websocket =
        StompClient::upgraded_on(stream, upgrade(&setting.server, "/ws", &headers)).await;
    let mut client = websocket.expect("an upgrade").connected().await;
    client
        .request(Frame::publication("devices.sensor.a", "3"))
        .await;

    let mut http = setting.http(&trust).await;
    let topic = http.get("/api/topics/devices.sensor.a").await;
    assert_eq!(topic.status, StatusCode::OK, "{topic:?}");
    assert_eq!(topic.json()["sequence"], Version::ALL.len() as u64 + 2);
    let foreign = http.get("/api/topics/news.a").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{foreign:?}");
    let page = http.get("/").await;
    assert_eq!(page.status, StatusCode::OK, "no form to sign in: {page:?}");
    let check = http
        .get("/api/connect-check?origin=https://localhost")
        .await;
    assert_eq!(check.status, StatusCode::NO_CONTENT, "{check:?}");
    let stream = request(
        Method::GET,
        "/api/topics/devices.sensor.a/events?since=last",
        "",
    );
    let mut events = EventStream::in_response(http.open(stream).await);
    assert_eq!(events.bodies(1).await, ["3"]);

    let server = format!("wss://localhost:{}/ws", setting.server.address().port());
    let own = text(&setting.pair.cert());
    let line = [
        "pub",
        "--server",
        &server,
        "--ca",
        &own,
        "devices.sensor.a",
        "4",
    ];
    let presented = [
        "--cert",
        &certificate.cert_file,
        "--key",
        &certificate.key_file,
    ];
    let output = run(&[&line[..], &presented].concat()).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(events.bodies(1).await, ["4"]);
    assert!(!run(&line).await.status.success(), "without a certificate");
}

#[tokio::test]
async fn without_a_certificate_nothing_changes() {
    let setting = Setting::new(RULES, &[]).await;
    let token = setting.file.token("anna").await;
    setting.server.logged("the users file was read again").await;
    let client = setting.mqtt(&setting.trust, Version::V5).await;
    let anonymous = Connect::new(Version::V5, "a");
    assert_eq!(refusal(client, &anonymous).await, NOT_AUTHORIZED);
    let mut client = setting
        .stomp(&setting.trust)
        .await
        .connected_with(stomp_login("", &token))
        .await;
    client.request(Frame::publication("news.a", "1")).await;
    let answer = get_over(
        setting.trust.connect(setting.server.address()).await,
        "/api/topics/news.a",
    )
    .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
}

#[tokio::test]
async fn a_certificate_of_no_user_is_logged_so_that_it_can_be_copied() {
    let setting = Setting::new(RULES, &[]).await;
    let trust = setting.trust.presenting(&setting.issue("stranger"));
    let connect = Connect::new(Version::V5, "s");
    let client = setting.mqtt(&trust, Version::V5).await;
    assert_eq!(refusal(client, &connect).await, NOT_AUTHORIZED);
    setting.server.logged("CN=stranger, sha256:").await;
    let transcript = setting.server.transcript();
    let (_, rest) = transcript.split_once("CN=stranger, ").expect("logged");
    let fingerprint = &rest[.."sha256:".len() + 64];

    let user =
        format!("[users.stranger]\ncertificate = {fingerprint:?}\npublish = [\"devices.%u.>\"]\n");
    setting.file.replace(&format!("{RULES}{user}"));
    let accepted = || async {
        let client = setting.mqtt(&trust, Version::V5).await;
        refusal(client, &connect).await
    };
    eventually("the new user", accepted, |reason| *reason == 0).await;
    let client = setting.mqtt(&trust, Version::V5).await;
    let (mut client, _) = client.connected_with(&connect).await;
    client.publish("devices/stranger/a", "1", 1).await;

    // The certificate goes to another user: the connection ends.
    setting.file.edit("[users.stranger]", "[users.other]");
    client.is_sent_away(NOT_AUTHORIZED).await;
}

#[tokio::test]
async fn a_certificate_of_no_user_is_anonymous_if_the_file_allows_it() {
    let rules = format!("{RULES}[anonymous]\npublish = [\"open.>\"]\n");
    let setting = Setting::new(&rules, &[]).await;
    let trust = setting.trust.presenting(&setting.issue("stranger"));
    let mut client = setting.stomp(&trust).await.connected().await;
    client.request(Frame::publication("open.a", "1")).await;
    client
        .send(&Frame::publication("devices.sensor.a", "1"))
        .await;
    let error = client.refusal().await;
    assert_eq!(error.header("message"), "not authorized", "{error:?}");
}

#[tokio::test]
async fn explicit_credentials_have_priority_over_the_certificate() {
    let setting = Setting::new(RULES, &[]).await;
    setting.file.add("ben", "secret").await;
    setting.server.logged("the users file was read again").await;
    let trust = setting.trust.presenting(&setting.issue("sensor-7"));

    let wrong = mqtt_login(Version::V5, "c", "ben", "guess");
    let client = setting.mqtt(&trust, Version::V5).await;
    assert_eq!(refusal(client, &wrong).await, BAD_CREDENTIALS);
    for login in [stomp_login("ben", "guess"), stomp_login("", "guess")] {
        let mut client = setting.stomp(&trust).await;
        client.send(&login).await;
        client.refusal().await;
    }
    let mut http = setting.http(&trust).await;
    let mut wrong = request(Method::GET, "/api/topics", "");
    let guess = "Bearer guess".parse().expect("a header");
    wrong.headers_mut().insert("authorization", guess);
    assert_eq!(http.send(wrong).await.status, StatusCode::UNAUTHORIZED);

    // Ben has no rights, and does not get those of the sensor.
    let mut client = setting
        .stomp(&trust)
        .await
        .connected_with(stomp_login("ben", "secret"))
        .await;
    client
        .send(&Frame::publication("devices.sensor.a", "1"))
        .await;
    let error = client.refusal().await;
    assert_eq!(error.header("message"), "not authorized", "{error:?}");
}

#[tokio::test]
async fn a_revoked_certificate_ends_its_connections_at_once() {
    let rules = RULES.replace("[users.anna]", "[users.anna]\ncertificate = \"CN=anna\"");
    let setting = Setting::new(&rules, &[]).await;
    let (lost, kept) = (setting.issue("sensor-7"), setting.issue("anna"));
    let (lost_trust, kept_trust) = (
        setting.trust.presenting(&lost),
        setting.trust.presenting(&kept),
    );
    let mqtt = setting.mqtt(&lost_trust, Version::V5).await;
    let (mqtt, _) = mqtt.connected_with(&Connect::new(Version::V5, "c")).await;
    let mut stomp = setting.stomp(&lost_trust).await.connected().await;
    let mut http = setting.http(&lost_trust).await;
    assert_eq!(http.get("/api/topics").await.status, StatusCode::OK);
    let mut bystander = setting.stomp(&kept_trust).await.connected().await;

    setting.authority.revoke(&[&lost]);
    mqtt.is_sent_away(NOT_AUTHORIZED).await;
    assert_eq!(stomp.refusal().await.header("message"), "rights changed");
    // A connection of HTTP stays, but its requests have no user any more.
    assert_eq!(
        http.get("/api/topics").await.status,
        StatusCode::UNAUTHORIZED
    );
    bystander.request(Frame::publication("news.a", "1")).await;

    // In TLS 1.3 the client learns of the refusal when it reads.
    let refused = || async {
        match lost_trust
            .try_connect(setting.server.stomp_tls_address().await)
            .await
        {
            Ok(stream) => {
                let mut client = StompClient::over(stream);
                let _ = client.try_send_bytes(Frame::connect().encode()).await;
                client.next().await.is_none()
            }
            Err(_) => true,
        }
    };
    assert!(refused().await, "the handshake must fail");
    // A list that cannot be used does not bring the certificate back.
    fs::write(setting.pair.file("clients.crl"), "nonsense").expect("written");
    setting.server.logged("the old ones stay in use").await;
    assert!(refused().await, "the handshake must fail");
    setting.stomp(&kept_trust).await.connected().await;

    setting.authority.revoke(&[]);
    eventually("the certificate", refused, |refused| !refused).await;
}

#[tokio::test]
async fn an_expired_certificate_ends_its_connection() {
    let setting = Setting::new(RULES, &[]).await;
    let end = SystemTime::now() + Duration::from_secs(5);
    let certificate = setting
        .authority
        .issue_until(&setting.pair, "sensor-7", end);
    let trust = setting.trust.presenting(&certificate);
    let client = setting.mqtt(&trust, Version::V5).await;
    let (client, _) = client.connected_with(&Connect::new(Version::V5, "c")).await;
    client.is_sent_away(NOT_AUTHORIZED).await;
    assert!(
        SystemTime::now() + Duration::from_secs(1) >= end,
        "too early"
    );
}

#[tokio::test]
async fn only_certificates_of_the_authority_are_accepted() {
    let setting = Setting::new(RULES, &["--tls-client-required"]).await;
    let other = Pair::new();
    let foreign = Authority::new(&other).issue(&other, "sensor-7");
    let address = setting.server.stomp_tls_address().await;
    for trust in [setting.trust.clone(), setting.trust.presenting(&foreign)] {
        if let Ok(stream) = trust.try_connect(address).await {
            let mut client = StompClient::over(stream);
            let _ = client.try_send_bytes(Frame::connect().encode()).await;
            assert_eq!(client.next().await, None);
        }
    }
    let trust = setting.trust.presenting(&setting.issue("sensor-7"));
    setting.stomp(&trust).await.connected().await;
}

//! The options for TLS client certificates, and the errors for unusable files.

use std::fs;

use harness::authority::Authority;
use harness::carillon::{run, run_with_input};
use harness::tls::{Pair, text};
use harness::users::UsersFile;

#[tokio::test]
async fn unusable_options_are_reported_in_one_line() {
    let pair = Pair::new();
    Authority::new(&pair);
    let nonsense = pair.file("nonsense");
    fs::write(&nonsense, "nonsense").expect("written");
    let broken = pair.file("broken");
    let broken_list = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    fs::write(&broken, broken_list).expect("written");
    let [cert, key, nonsense, broken] =
        [pair.cert(), pair.key(), nonsense, broken].map(|path| text(&path));
    let ca = text(&pair.file("clients.pem"));
    let own = ["--tls-cert", &*cert, "--tls-key", &key];
    let table: [(&[&str], &str); 7] = [
        (&["--tls-client-ca", &ca], "--tls-self-signed"),
        (&["--tls-client-crl", &broken], "--tls-client-ca"),
        (&["--tls-client-required"], "--tls-client-ca"),
        (
            &[&own[..], &["--tls-client-ca", &nonsense]].concat(),
            "no CERTIFICATE in",
        ),
        (
            &[&own[..], &["--tls-client-ca", "nowhere.pem"]].concat(),
            "nowhere.pem",
        ),
        (
            &[
                &own[..],
                &["--tls-client-ca", &ca, "--tls-client-crl", &nonsense],
            ]
            .concat(),
            "no X509 CRL in",
        ),
        (
            &[
                &own[..],
                &["--tls-client-ca", &ca, "--tls-client-crl", &broken],
            ]
            .concat(),
            "broken cannot be used",
        ),
    ];
    for (arguments, hint) in table {
        let listen = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--stomp",
            "off",
            "--mqtt",
            "off",
        ];
        let output = run(&[&listen[..], arguments].concat()).await;
        assert!(!output.status.success(), "{output:?}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(complaint.contains(hint), "{arguments:?}: {complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[tokio::test]
async fn a_user_with_a_certificate_is_added_on_the_command_line() {
    let file = UsersFile::new("");
    let add = ["user", "add", "--users", file.path(), "--certificate"];
    let added = run_with_input(&[&add[..], &["CN=sensor-7", "sensor"]].concat(), "").await;
    assert!(added.status.success(), "{added:?}");
    assert!(
        file.text().contains("certificate = \"CN=sensor-7\""),
        "{}",
        file.text()
    );
    assert!(!file.text().contains("password"), "{}", file.text());
    let refused = run(&[&add[..], &["sensor-7", "other"]].concat()).await;
    let complaint = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(complaint.contains("CN=NAME"), "{complaint}");
}

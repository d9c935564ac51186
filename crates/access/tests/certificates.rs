//! Client certificates and their names in the users file.

use access::{Certificate, CertificateName, Users, UsersEditor};
use rcgen::{CertificateParams, DnType, KeyPair, SanType};

/// Returns a self-signed certificate in DER.
fn certificate(common_name: &str, alternative: &[SanType]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.subject_alt_names = alternative.to_vec();
    params.not_after = rcgen::date_time_ymd(2999, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    certificate.der().to_vec()
}

fn san(of: fn(rcgen::string::Ia5String) -> SanType, text: &str) -> SanType {
    of(text.try_into().expect("ASCII"))
}

fn read(der: &[u8]) -> Certificate {
    Certificate::read(der).expect("a certificate")
}

/// Returns the user who has the certificate, if each of these users has one name.
fn user_with(certificate: &Certificate, names: &[&str]) -> Option<String> {
    let tables = names.iter().enumerate();
    let tables = tables.map(|(at, name)| format!("[users.u{at}]\ncertificate = {name:?}\n"));
    let users = Users::parse(&tables.collect::<String>()).expect("a legal file");
    users
        .user_of_certificate(certificate)
        .map(ToString::to_string)
}

#[test]
fn a_certificate_has_the_names_of_its_subject_and_its_fingerprint() {
    let der = certificate(
        "sensor-7",
        &[
            san(SanType::DnsName, "Sensor-7.Example"),
            san(SanType::Rfc822Name, "anna@example.org"),
            san(SanType::URI, "spiffe://example.org/sensor-7"),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ],
    );
    let certificate = read(&der);
    let names: Vec<_> = certificate
        .names()
        .iter()
        .map(ToString::to_string)
        .collect();
    let (fingerprint, others) = names.split_first().expect("a fingerprint");
    let expected = [
        "CN=sensor-7",
        "DNS:sensor-7.example",
        "email:anna@example.org",
        "URI:spiffe://example.org/sensor-7",
    ];
    assert_eq!(others, expected);
    assert!(fingerprint.starts_with("sha256:"), "{fingerprint}");
    assert_eq!(certificate.expires_s(), 32_472_144_000);
    let shown = certificate.to_string();
    assert_eq!(shown, format!("{}, {fingerprint}", expected.join(", ")));
    for name in &names {
        assert_eq!(
            user_with(&certificate, &[name]).as_deref(),
            Some("u0"),
            "{name}"
        );
    }
    assert_eq!(user_with(&certificate, &["CN=Sensor-7", "CN=sensor"]), None);
}

#[test]
fn a_fingerprint_may_have_colons_and_capital_letters() {
    let certificate = read(&certificate("a", &[]));
    let text = certificate.names()[0].to_string();
    let digits = text
        .strip_prefix("sha256:")
        .expect("a fingerprint")
        .to_uppercase();
    let pairs: Vec<_> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair))
        .collect();
    for written in [
        format!("sha256:{digits}"),
        format!("sha256:{}", pairs.join(":")),
    ] {
        let name = CertificateName::new(&written).expect("a fingerprint");
        assert_eq!(name, certificate.names()[0], "{written}");
    }
}

#[test]
fn the_fingerprint_decides_between_users_and_other_names_must_agree() {
    let certificate = read(&certificate("a", &[san(SanType::DnsName, "b")]));
    let fingerprint = certificate.names()[0].to_string();
    assert_eq!(user_with(&certificate, &["DNS:b"]).as_deref(), Some("u0"));
    assert_eq!(user_with(&certificate, &["CN=a", "DNS:b"]), None);
    let with_fingerprint = ["CN=a", "DNS:b", &fingerprint];
    assert_eq!(
        user_with(&certificate, &with_fingerprint).as_deref(),
        Some("u2")
    );
}

#[test]
fn other_texts_are_no_name() {
    let short = format!("sha256:{}", "0".repeat(63));
    let crooked = format!("sha256:{}", "000:".repeat(24));
    for text in [
        "", "CN", "CN=", "cn=a", "sensor-7", "O=a", "DNS:", "email:", "URI:", "sha256:", "sha1:00",
        "CN=a\nb", &short, &crooked,
    ] {
        assert!(CertificateName::new(text).is_err(), "{text:?}");
    }
    let file = "[users.a]\n\n  certificate = \"sensor-7\"\n";
    let error = Users::parse(file).expect_err("not a name");
    assert_eq!((error.line, error.column), (3, 17), "{error}");
    assert!(error.message.contains("CN=NAME"), "{error}");
}

#[test]
fn two_spellings_of_a_fingerprint_are_one_certificate() {
    let digits = "ab".repeat(32);
    let file = format!(
        "[users.a]\ncertificate = \"sha256:{digits}\"\n[users.b]\ncertificate = \"sha256:{}\"\n",
        digits.to_uppercase()
    );
    let error = Users::parse(&file).expect_err("the same certificate");
    assert_eq!(error.line, 4, "{error}");
}

#[test]
fn bytes_that_are_no_certificate_are_refused() {
    let der = certificate("a", &[]);
    let longer = [&der[..], &[0]].concat();
    for bytes in [&[][..], &der[1..], &der[..der.len() - 1], &longer] {
        assert!(Certificate::read(bytes).is_err());
    }
}

#[test]
fn a_certificate_is_written_to_the_file() {
    let mut editor = UsersEditor::new("[users.anna]\n").expect("a legal file");
    let name = CertificateName::new("CN=sensor-7").expect("a name");
    editor.add_user("sensor-7", None, &[]).expect("a new user");
    editor
        .set_certificate("sensor-7", &name)
        .expect("a known user");
    assert!(
        editor.text().contains("certificate = \"CN=sensor-7\""),
        "{}",
        editor.text()
    );
    assert!(
        editor.set_certificate("anna", &name).is_err(),
        "it belongs to sensor-7"
    );
    let mut editor = UsersEditor::new("").expect("a legal file");
    assert!(editor.set_certificate("nobody", &name).is_err());
}

//! A certificate for development, generated when the server starts.

use std::{fs, net::IpAddr, path::Path};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::Certificate;

/// Generates a certificate for this machine's names and for the address where the server listens.
///
/// # Errors
///
/// No key can be generated, for example without a source of randomness.
pub fn certificate(listen: IpAddr) -> anyhow::Result<Certificate> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names(listen))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Carillon, self-signed");
    let generated = params.self_signed(&key)?;
    Ok(Certificate {
        chain: vec![generated.der().clone()],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
    })
}

/// Returns the SHA-256 fingerprint in the form of browsers and `openssl x509 -fingerprint`.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let bytes: Vec<_> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    bytes.join(":")
}

/// Writes a certificate in PEM (RFC 7468).
///
/// # Errors
/// The file cannot be written.
pub fn write(certificate: &CertificateDer<'_>, path: &Path) -> anyhow::Result<()> {
    fs::write(path, pem(certificate)).with_context(|| format!("cannot write {}", path.display()))
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    // 64 characters per line.
    for line in certificate.chunks(48) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

fn names(listen: IpAddr) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    names.extend(host_name());
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the machine's host name, if the system has it in a file.
fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_is_for_this_machine_and_its_address() {
        let names = names([192, 0, 2, 7].into());
        for expected in ["localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            assert!(names.iter().any(|name| name == expected), "{names:?}");
        }
        let everywhere = super::names([0, 0, 0, 0].into());
        assert!(
            !everywhere.contains(&"0.0.0.0".to_owned()),
            "{everywhere:?}"
        );
    }

    #[test]
    fn a_written_certificate_is_read_back() {
        use rustls::pki_types::pem::PemObject as _;

        let generated = certificate([127, 0, 0, 1].into()).expect("a certificate");
        let text = pem(&generated.chain[0]);
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        let read = CertificateDer::from_pem_slice(text.as_bytes()).expect("PEM");
        assert_eq!(read, generated.chain[0]);
        assert!(generated.certified_key().is_ok());
    }

    #[test]
    fn a_fingerprint_is_sha_256_in_pairs_of_digits() {
        let print = fingerprint(&CertificateDer::from(b"abc".as_slice()));
        assert!(print.starts_with("BA:78:16:BF:8F:01:CF:EA:"), "{print}");
        assert_eq!(print.len(), 32 * 3 - 1);
    }
}

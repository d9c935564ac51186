//! A certificate authority for client certificates.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Carillon;
use crate::tls::{Pair, text};

/// An authority, with its files in the folder of a server's certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    ca: PathBuf,
    crl: PathBuf,
}

/// A client certificate with its key, also in files.
#[derive(Debug)]
pub struct ClientCertificate {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    pub cert_file: String,
    pub key_file: String,
    serial: u64,
}

impl Clone for ClientCertificate {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            serial: self.serial,
        }
    }
}

impl Authority {
    /// Creates an authority, and a revocation list without certificates.
    pub fn new(folder: &Pair) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "the CA of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let authority = Self {
            issuer: Issuer::new(params, key),
            ca: folder.file("clients.pem"),
            crl: folder.file("clients.crl"),
        };
        fs::write(&authority.ca, certificate.pem()).expect("written");
        authority.revoke(&[]);
        authority
    }

    /// Issues a certificate with this common name.
    pub fn issue(&self, folder: &Pair, name: &str) -> ClientCertificate {
        self.issue_until(
            folder,
            name,
            UNIX_EPOCH + Duration::from_secs(40_000_000_000),
        )
    }

    /// Issues a certificate that expires at this time.
    pub fn issue_until(&self, folder: &Pair, name: &str, end: SystemTime) -> ClientCertificate {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        let end = end.duration_since(UNIX_EPOCH).expect("after 1970");
        params.not_after = date_time_ymd(1970, 1, 1) + end;
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let [cert_file, key_file] =
            ["pem", "key"].map(|end| folder.file(&format!("{serial}.{end}")));
        fs::write(&cert_file, certificate.pem()).expect("written");
        fs::write(&key_file, key.serialize_pem()).expect("written");
        ClientCertificate {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::from_pem_file(&key_file).expect("a key"),
            cert_file: text(&cert_file),
            key_file: text(&key_file),
            serial,
        }
    }

    /// Writes a revocation list with these certificates.
    pub fn revoke(&self, certificates: &[&ClientCertificate]) {
        let revoked = certificates.iter().map(|certificate| RevokedCertParams {
            serial_number: SerialNumber::from(certificate.serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).expect("a list");
        let next = self.crl.with_extension("next");
        fs::write(&next, list.pem().expect("PEM")).expect("written");
        fs::rename(&next, &self.crl).expect("renamed");
    }

    /// Starts a server with this users file that asks for certificates of this authority.
    pub async fn server(&self, pair: &Pair, users: &str, options: &[&str]) -> Carillon {
        let (ca, crl) = (text(&self.ca), text(&self.crl));
        let own = [
            "--tls-client-ca",
            &ca,
            "--tls-client-crl",
            &crl,
            "--users",
            users,
        ];
        pair.server(&[&own[..], options].concat()).await
    }
}

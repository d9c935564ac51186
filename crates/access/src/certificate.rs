//! Client certificates (RFC 5280), and the names by which the users file refers to them. Whether a certificate is valid is
//! verified elsewhere.

use std::fmt;

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::sha256;

/// A name of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// The SHA-256 of the certificate: `sha256:` and 64 hexadecimal digits, with or without colons between the bytes.
    Fingerprint([u8; 32]),
    /// The common name of the subject: `CN=sensor-7`.
    Common(Box<str>),
    /// A DNS name among the alternative names of the subject, in lower case: `DNS:sensor-7.example`.
    Dns(Box<str>),
    /// An e-mail address among the alternative names: `email:anna@example.org`.
    Email(Box<str>),
    /// A URI among the alternative names: `URI:spiffe://example.org/sensor-7`.
    Uri(Box<str>),
}

/// The error for a text that is not the name of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a certificate: write \"CN=NAME\", \"DNS:NAME\", \"email:ADDRESS\", \"URI:URI\", or \"sha256:\" and 64 \
     hexadecimal digits"
)]
pub struct CertificateNameError;

/// A certificate that a client presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The fingerprint first.
    names: Vec<CertificateName>,
    expires_s: u64,
}

/// The error for bytes that are not a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate cannot be read")]
pub struct UnreadableCertificate;

impl CertificateName {
    /// Parses a name as in the users file.
    ///
    /// # Errors
    /// The text is not a name.
    pub fn new(text: &str) -> Result<Self, CertificateNameError> {
        if text.starts_with("sha256:") {
            let digest = match text.len() == FINGERPRINT_WITH_COLONS {
                true => sha256::parse(&without_colons(text)),
                false => sha256::parse(text),
            };
            return digest.map(Self::Fingerprint).ok_or(CertificateNameError);
        }
        let named = [
            ("CN=", Self::Common as fn(Box<str>) -> Self),
            ("DNS:", |name| Self::Dns(name.to_ascii_lowercase().into())),
            ("email:", Self::Email),
            ("URI:", Self::Uri),
        ];
        named
            .into_iter()
            .find_map(|(prefix, of)| Some(of(usable(text.strip_prefix(prefix)?)?)))
            .ok_or(CertificateNameError)
    }
}

/// Removes the colons between bytes, as in the output of `openssl x509 -fingerprint`.
fn without_colons(text: &str) -> String {
    let (prefix, bytes) = text.split_at("sha256:".len());
    let bytes: Vec<_> = bytes.split(':').collect();
    format!("{prefix}{}", bytes.concat())
}

/// Returns a name that the users file can contain.
fn usable(name: &str) -> Option<Box<str>> {
    let is_usable = !name.is_empty() && !name.contains(char::is_control);
    is_usable.then(|| name.into())
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// The bytes are not a certificate.
    pub fn read(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| UnreadableCertificate)?;
        if !rest.is_empty() {
            return Err(UnreadableCertificate);
        }
        let fingerprint = CertificateName::Fingerprint(sha256::digest_of(der));
        let common = certificate.subject().iter_common_name();
        let common = common.filter_map(|name| usable(name.as_str().ok()?));
        let alternative = certificate
            .subject_alternative_name()
            .map_err(|_| UnreadableCertificate)?;
        let alternative = alternative
            .iter()
            .flat_map(|names| &names.value.general_names);
        let names = std::iter::once(fingerprint)
            .chain(common.map(CertificateName::Common))
            .chain(alternative.filter_map(alternative_name));
        let expires_s = certificate.validity().not_after.timestamp();
        Ok(Self {
            names: names.take(MAX_NAMES).collect(),
            expires_s: expires_s.try_into().unwrap_or_default(),
        })
    }

    /// Returns the names by which the users file can refer to the certificate.
    #[must_use]
    pub fn names(&self) -> &[CertificateName] {
        &self.names
    }

    /// Returns the Unix seconds after which the certificate is not valid any more.
    #[must_use]
    pub fn expires_s(&self) -> u64 {
        self.expires_s
    }
}

fn alternative_name(name: &GeneralName<'_>) -> Option<CertificateName> {
    Some(match name {
        GeneralName::DNSName(name) => {
            CertificateName::Dns(usable(name)?.to_ascii_lowercase().into())
        }
        GeneralName::RFC822Name(name) => CertificateName::Email(usable(name)?),
        GeneralName::URI(name) => CertificateName::Uri(usable(name)?),
        _ => return None,
    })
}

impl fmt::Display for CertificateName {
    /// Writes the name as in the users file.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(digest) => sha256::write(digest, formatter),
            Self::Common(name) => write!(formatter, "CN={name}"),
            Self::Dns(name) => write!(formatter, "DNS:{name}"),
            Self::Email(name) => write!(formatter, "email:{name}"),
            Self::Uri(name) => write!(formatter, "URI:{name}"),
        }
    }
}

impl fmt::Display for Certificate {
    /// Writes the names as in the users file, the fingerprint last.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fingerprint, others) = self.names.split_at(1);
        for (number, name) in others.iter().chain(fingerprint).enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(formatter, "{separator}{name}")?;
        }
        Ok(())
    }
}

/// Length of a fingerprint with colons between its 32 bytes.
const FINGERPRINT_WITH_COLONS: usize = "sha256:".len() + 32 * 3 - 1;
/// Maximum number of names of one certificate. Further names are ignored.
const MAX_NAMES: usize = 32;

//! The address at which browsers reach the server behind a proxy.

use std::{fmt, str::FromStr};

use axum::http::Uri;

/// An address such as `https://board.example/carillon/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    /// In lower case, with a port unless it is the default of the scheme.
    authority: String,
    /// Empty, or such as `/carillon`.
    prefix: String,
}

impl PublicUrl {
    /// Returns the origin in the form of browsers (RFC 6454, 6.2), such as `https://board.example`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns the name of the host without the port, in lower case.
    pub fn host(&self) -> &str {
        let without_port = self.authority.rsplit_once(':').map(|(host, _)| host);
        match without_port {
            Some(host) if !host.starts_with('[') || host.ends_with(']') => host,
            _ => &self.authority,
        }
    }

    /// Returns the path without its last slash: empty, or such as `/carillon`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}/", self.scheme, self.authority, self.prefix)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "expected http[s]://HOST[:PORT]/[PATH/]".to_owned();
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => ("http", ":80"),
            Some("https") => ("https", ":443"),
            _ => return Err(malformed()),
        };
        let authority = uri.authority().ok_or_else(malformed)?.as_str();
        if uri.query().is_some() || authority.contains('@') {
            return Err(malformed());
        }
        let authority = authority.to_ascii_lowercase();
        let without_port = authority.strip_suffix(default_port);
        let prefix = uri.path().trim_end_matches('/');
        check_prefix(prefix)?;
        Ok(Self {
            scheme,
            authority: without_port.unwrap_or(&authority).to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

/// Checks that a prefix, which is empty or such as `/carillon`, differs from the server's own paths, and can be the path of a
/// cookie.
///
/// # Errors
/// The text describes the fault.
pub fn check_prefix(prefix: &str) -> Result<(), String> {
    let mut segments = prefix.split('/').skip(1);
    let first = segments.clone().next().unwrap_or_default();
    if OWN_PATHS.contains(&first) {
        return Err(format!(
            "the path must not begin with /{first}, which the server itself uses"
        ));
    }
    let is_plain = |segment: &str| {
        let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        !["", ".", ".."].contains(&segment) && segment.bytes().all(is_plain_byte)
    };
    match segments.all(is_plain) {
        true => Ok(()),
        false => Err("the path may contain letters, digits, and -_.~ only".to_owned()),
    }
}

/// The first parts of the paths that the server answers itself.
const OWN_PATHS: [&str; 19] = [
    "api",
    "boards",
    "chart",
    "connections",
    "console",
    "healthz",
    "language",
    "login",
    "logout",
    "metrics",
    "mqtt",
    "order",
    "pkg",
    "queues",
    "readyz",
    "rect",
    "stomp",
    "topics",
    "ws",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_address_are_found() {
        let table = [
            ("https://board.example", "https://board.example", ""),
            ("https://Board.example:443/", "https://board.example", ""),
            ("http://board.example:80/a", "http://board.example", "/a"),
            (
                "http://[::1]:8080/a.b/c-d/",
                "http://[::1]:8080",
                "/a.b/c-d",
            ),
            ("https://board.example:80/", "https://board.example:80", ""),
        ];
        for (text, origin, prefix) in table {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!(url.origin(), origin, "{text}");
            assert_eq!(url.prefix(), prefix, "{text}");
            assert!(!url.host().contains("80"), "{text}");
            assert_eq!(url.to_string(), format!("{origin}{prefix}/"));
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "board.example",
            "/carillon/",
            "ftp://board.example/",
            "https://anna@board.example/",
            "https://board.example/?a",
            "https://board.example/a//b/",
            "https://board.example/a/../b/",
            "https://board.example/a;b/",
            "https://board.example/a%20b/",
            "https://board.example/api/",
            "https://board.example/console/a/",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}

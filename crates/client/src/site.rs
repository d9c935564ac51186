//! The address of a server's HTTP interface.

use std::fmt;

use super::address::{Layer, Target, UNIX};

/// The address of a server's HTTP interface: the part of an URL before `/api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    target: Target,
    prefix: String,
}

impl Site {
    /// `prefix` is the path before `/api`, without a slash at its end.
    pub(crate) fn new(target: Target, prefix: &str) -> Self {
        Self {
            target,
            prefix: prefix.to_owned(),
        }
    }

    /// Returns the path before `/api`, without a slash at its end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns host and port, separated by a colon; for a Unix socket only a host.
    pub fn authority(&self) -> String {
        self.target.authority()
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.target.socket {
            return write!(f, "{UNIX}{}", path.display());
        }
        let scheme = match self.target.layer {
            Layer::Plain => "http",
            Layer::Tls => "https",
        };
        write!(f, "{scheme}://{}{}", self.target.authority(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use crate::address::{InvalidAddress, ServerAddress};

    #[test]
    fn an_address_leads_to_the_http_interface() {
        let table = [
            ("127.0.0.1", Ok("http://127.0.0.1:8080")),
            ("http://example.org", Ok("http://example.org:80")),
            ("https://example.org/", Ok("https://example.org:443")),
            ("ws://[::1]:8080/ws", Ok("http://[::1]:8080")),
            (
                "wss://example.org/carillon/mqtt",
                Ok("https://example.org:443/carillon"),
            ),
            ("http://h:1/carillon/", Ok("http://h:1/carillon")),
            ("http://h:1/?a", Err(InvalidAddress::Malformed)),
            ("mqtt://h", Err(InvalidAddress::NotHttp)),
            ("unix:/run/a.sock", Ok("unix:/run/a.sock")),
            ("mqtts://h", Err(InvalidAddress::NotHttp)),
        ];
        for (text, wanted) in table {
            let address: ServerAddress = text.parse().unwrap();
            let site = address.site().map(|site| site.to_string());
            assert_eq!(site, wanted.map(ToOwned::to_owned), "{text}");
        }
    }
}

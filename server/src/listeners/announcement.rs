//! The addresses of the listeners, for people and scripts.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::Path,
};

use super::Listeners;
use crate::{
    http::is_loopback, net::ListenAddress, public_url::PublicUrl,
    reachable_address::reachable_address, tls::TlsRule,
};

impl Listeners {
    /// Returns the address of the pages for other machines; `None` if they cannot reach it.
    pub fn address_for_others(&self, public_url: Option<&PublicUrl>) -> Option<String> {
        if let Some(public_url) = public_url {
            return (!is_loopback(public_url.host())).then(|| public_url.to_string());
        }
        let address = reachable_address(self.http.as_ref()?.address().ok()?.tcp()?)?;
        let scheme = if self.identity.is_some() {
            "https"
        } else {
            "http"
        };
        Some(format!("{scheme}://{address}/"))
    }

    /// Prints the addresses, for people and scripts. Without an HTTP port, which the program always has, prints nothing.
    ///
    /// # Errors
    ///
    /// Standard output is closed, or an address is unknown.
    pub fn announce(&self, public_url: Option<&PublicUrl>, store: Option<&Path>) -> io::Result<()> {
        let Some(http) = &self.http else {
            return Ok(());
        };
        let mut out = io::stdout().lock();
        writeln!(out, "Carillon {} is ready", env!("CARGO_PKG_VERSION"))?;
        match http.address()? {
            ListenAddress::Tcp(http) => self.announce_pages(&mut out, http, public_url)?,
            address @ ListenAddress::Unix(_) => {
                writeln!(out, "  {:<10}{address}", "HTTP")?;
                if let Some(public_url) = public_url {
                    writeln!(out, "  {:<10}{public_url}", "public")?;
                }
            }
        }
        for (protocol, scheme, listener) in [
            ("STOMP", "tcp", &self.stomp),
            ("STOMP", "tls", &self.stomp_tls),
            ("MQTT", "tcp", &self.mqtt),
            ("MQTT", "tls", &self.mqtt_tls),
        ] {
            if let Some(listener) = listener {
                match listener.address()? {
                    ListenAddress::Tcp(address) => {
                        writeln!(out, "  {protocol:<10}{scheme}://{address}")?
                    }
                    address if scheme == "tls" => writeln!(out, "  {protocol:<10}{address} (TLS)")?,
                    address => writeln!(out, "  {protocol:<10}{address}")?,
                }
            }
        }
        if let Some(listener) = &self.metrics {
            match listener.address()? {
                ListenAddress::Tcp(address) => {
                    writeln!(out, "  {:<10}http://{address}/metrics", "metrics")?;
                }
                address => writeln!(out, "  {:<10}{address}", "metrics")?,
            }
        }
        let generated_identity = self
            .identity
            .as_ref()
            .and_then(|one| one.fingerprint.as_ref());
        if let Some(fingerprint) = generated_identity {
            writeln!(out, "  {:<10}self-signed, SHA-256 {fingerprint}", "TLS")?;
        }
        match store {
            Some(directory) => writeln!(out, "  {:<10}{}", "store", directory.display())?,
            None => writeln!(
                out,
                "  {:<10}memory only (--data DIRECTORY survives a restart)",
                "store"
            )?,
        }
        out.flush()
    }

    /// Prints the addresses of the pages, and those of WebSockets.
    fn announce_pages(
        &self,
        out: &mut impl io::Write,
        http: SocketAddr,
        public_url: Option<&PublicUrl>,
    ) -> io::Result<()> {
        let has_tls = self.identity.is_some();
        let has_plain = self.tls_rule == TlsRule::Optional;
        let scheme = if has_tls { "https" } else { "http" };
        for (name, path) in PAGES {
            writeln!(out, "  {name:<10}{scheme}://{http}{path}")?;
        }
        if let Some(public_url) = public_url {
            writeln!(out, "  {:<10}{public_url}", "public")?;
        }
        if has_tls && has_plain {
            writeln!(out, "  {:<10}http://{http}/", "no TLS")?;
        }
        for (scheme, is_offered) in [("ws", has_plain), ("wss", has_tls)] {
            if is_offered {
                writeln!(out, "  {:<10}{scheme}://{http}/ws", "STOMP")?;
                writeln!(out, "  {:<10}{scheme}://{http}/mqtt", "MQTT")?;
            }
        }
        Ok(())
    }
}

const PAGES: [(&str, &str); 6] = [
    ("overview", "/"),
    ("console", "/console"),
    ("rect", "/rect"),
    ("chart", "/chart"),
    ("topics", "/topics"),
    ("queues", "/queues"),
];

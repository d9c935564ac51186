//! The driver program of the browser. Each test starts its own, so that a failing test does not affect others and
//! leaves no process.

use std::env;
use std::process;

use tokio::process::{Child, Command};

use crate::deadline::within;
use crate::process::{Transcript, first_match, spawn};

pub struct Chromedriver {
    child: Child,
    port: u16,
}

/// Attempts to start it, because it may end with `IPv4 port not available`: for any port it takes a free port of IPv6
/// and then the same port of IPv4, which another process may use.
const ATTEMPTS: usize = 10;

impl Chromedriver {
    pub async fn start() -> Self {
        let mut printed = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt().await {
                Ok(driver) => return driver,
                Err(transcript) => printed += &transcript.text(),
            }
        }
        panic!("no chromedriver in {ATTEMPTS} attempts:\n{printed}");
    }

    /// Returns the printed text if the program ends before it has opened a port.
    async fn attempt() -> Result<Self, Transcript> {
        let program = env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut command = Command::new(program);
        // The program has its own process group, to which the browsers that it starts belong.
        let mut child = spawn(command.arg("--port=0").process_group(0));
        let transcript = Transcript::default();
        let ready = first_match(&mut child, &transcript, printed_port);
        let port = within("chromedriver", ready).await;
        port.map(|port| Self { child, port }).ok_or(transcript)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Killed together with its browsers: a failed test has not closed them.
impl Drop for Chromedriver {
    fn drop(&mut self) {
        let Some(group) = self.child.id() else { return };
        let kill = format!("kill -KILL -{group}");
        // A failure cannot be handled here, and nothing depends on success.
        let _ = process::Command::new("sh").args(["-c", &kill]).status();
    }
}

/// Reads the port from `ChromeDriver was started successfully on port 41497.`
fn printed_port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

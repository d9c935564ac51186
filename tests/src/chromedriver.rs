//! The program that drives the browser, one for each test, so that a test that fails takes nothing
//! with it and leaves nothing behind.

use std::env;
use std::process;

use tokio::process::{Child, Command};

use crate::deadline::within;
use crate::process::{Transcript, first_match, spawn};

pub struct Chromedriver {
    child: Child,
    port: u16,
}

/// Attempts to start it, for it may end with `IPv4 port not available`: asked for any port, it takes
/// a free one of IPv6, then that of IPv4 with the same number, which may be somebody else's.
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

    /// What it printed, if it ends without having opened a port.
    async fn attempt() -> Result<Self, Transcript> {
        let program = env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut command = Command::new(program);
        // A group of its own: the browsers that it starts belong to it.
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

/// Killed with its browsers: those of a failed test have not been closed.
impl Drop for Chromedriver {
    fn drop(&mut self) {
        let Some(group) = self.child.id() else { return };
        let kill = format!("kill -KILL -{group}");
        // Nothing can be done about a failure here, and nothing depends on success.
        let _ = process::Command::new("sh").args(["-c", &kill]).status();
    }
}

/// `ChromeDriver was started successfully on port 41497.`
fn printed_port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

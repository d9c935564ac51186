//! A command-line client that runs in parallel to the test.

use std::process::{ExitStatus, Stdio};

use harness::Carillon;
use harness::carillon::command;
use harness::deadline::within;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// A running program. Dropping the value kills it.
pub struct Program {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts `carillon NAME --server ... ARGUMENTS`.
    pub fn start(server: &Carillon, name: &str, arguments: &[&str]) -> Self {
        let mut command = command();
        command.args([name, "--server", &server.url("")]);
        command.args(arguments);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn();
        let mut child = child.expect("carillon starts");
        let stdout = child.stdout.take().expect("spawned with a pipe");
        let stderr = child.stderr.take().expect("spawned with a pipe");
        Self {
            child,
            printed: BufReader::new(stdout).lines(),
            said: BufReader::new(stderr).lines(),
        }
    }

    /// Returns the next line of the standard output.
    pub async fn prints(&mut self) -> String {
        line(&mut self.printed, "a line on standard output").await
    }

    /// Returns the next line on standard error that contains this text.
    pub async fn says(&mut self, part: &str) -> String {
        loop {
            let line = line(&mut self.said, part).await;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends the signal of Ctrl-C or a service manager, and waits for the end.
    pub async fn stop(self) -> ExitStatus {
        let id = self.child.id().expect("it runs");
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -TERM {id}")])
            .status();
        assert!(within("kill", kill).await.expect("sh").success());
        self.ended().await
    }

    /// Waits for the end of the program.
    pub async fn ended(mut self) -> ExitStatus {
        let status = within("the program's end", self.child.wait()).await;
        status.expect("it was started")
    }
}

async fn line<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>, what: &str) -> String {
    let line = within(what, lines.next_line()).await.expect("UTF-8");
    line.unwrap_or_else(|| panic!("the program ended without: {what}"))
}

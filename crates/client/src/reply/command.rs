//! Runs the command that answers requests: one process for each request, with limits on time and
//! output.

use std::{
    ffi::{OsStr, OsString},
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use super::request::Request;
use crate::connect::without_os_code;

/// The command to run, with its limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program<'o> {
    pub name: &'o OsStr,
    pub arguments: &'o [OsString],
    pub time: Duration,
    pub output_bytes: u64,
}

/// The reason why the command gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("{name}: {reason}")]
    NotStarted {
        name: String,
        reason: String,
        /// True if the command cannot be started for the next request either.
        is_final: bool,
    },
    #[error("the command failed ({0})")]
    Failed(ExitStatus),
    #[error("the command took longer than {} s", .0.as_secs_f64())]
    Overdue(Duration),
    #[error("the command printed more than {0} bytes")]
    TooMuch(u64),
    #[error("the command cannot be waited for: {0}")]
    Io(#[from] io::Error),
}

impl Program<'_> {
    /// Runs the command with the request on its standard input and in its environment. Returns its
    /// output.
    ///
    /// The process is killed if it exceeds its time or output limit, and if this future is dropped.
    pub(super) async fn answer(&self, request: &Request) -> Result<Vec<u8>, CommandError> {
        let mut child = self.start(request)?;
        match timeout(self.time, self.talk(&mut child, &request.body)).await {
            Ok(answer) => answer,
            Err(_) => Err(CommandError::Overdue(self.time)),
        }
    }

    fn start(&self, request: &Request) -> Result<Child, CommandError> {
        Command::new(self.name)
            .args(self.arguments)
            .envs(request.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &io::Error) -> CommandError {
        CommandError::NotStarted {
            name: self.name.to_string_lossy().into_owned(),
            reason: without_os_code(error),
            is_final: matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ),
        }
    }

    async fn talk(&self, child: &mut Child, body: &[u8]) -> Result<Vec<u8>, CommandError> {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (mut answer, (), status) = tokio::try_join!(
            self.read(stdout),
            async {
                write(stdin, body).await;
                Ok(())
            },
            async { Ok(child.wait().await?) },
        )?;
        if !status.success() {
            return Err(CommandError::Failed(status));
        }
        trim_line_end(&mut answer);
        Ok(answer)
    }

    async fn read(&self, stdout: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, CommandError> {
        let mut answer = Vec::new();
        if let Some(stdout) = stdout {
            let mut bounded = stdout.take(self.output_bytes.saturating_add(1));
            bounded.read_to_end(&mut answer).await?;
        }
        match answer.len() as u64 > self.output_bytes {
            true => Err(CommandError::TooMuch(self.output_bytes)),
            false => Ok(answer),
        }
    }
}

async fn write(stdin: Option<ChildStdin>, body: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A command need not read its input.
        let _ = stdin.write_all(body).await;
    }
}

/// Removes one line end from the end of a text, similar to the shell's `$(...)`, which removes all.
/// Answers that are not UTF-8 stay unchanged.
fn trim_line_end(answer: &mut Vec<u8>) {
    let without = answer.strip_suffix(b"\r\n").or(answer.strip_suffix(b"\n"));
    let length = without.map_or(answer.len(), <[u8]>::len);
    if std::str::from_utf8(answer).is_ok() {
        answer.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(script: &str, body: &[u8]) -> Result<String, String> {
        let arguments = ["-c".into(), script.into()];
        let program = Program {
            name: OsStr::new("sh"),
            arguments: &arguments,
            time: Duration::from_secs(20),
            output_bytes: 10,
        };
        let answer = program.answer(&Request::with_body(body)).await;
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(answer).unwrap())
    }

    #[tokio::test]
    async fn the_answer_is_the_output_of_the_command() {
        let table: [(&str, &[u8], Result<&str, &str>); 7] = [
            ("cat", b"hello", Ok("hello")),
            ("echo hello", b"not read", Ok("hello")),
            ("printf 'a\\n\\n'", b"", Ok("a\n")),
            ("tr a-z A-Z; printf '\\r\\n'", b"x\n", Ok("X\n")),
            ("exit 3", b"", Err("the command failed (exit status: 3)")),
            (
                "kill $$",
                b"",
                Err("the command failed (signal: 15 (SIGTERM))"),
            ),
            ("yes", b"", Err("the command printed more than 10 bytes")),
        ];
        for (script, body, wanted) in table {
            let found = run(script, body).await;
            assert_eq!(
                found,
                wanted.map(Into::into).map_err(Into::into),
                "{script}"
            );
        }
    }

    #[tokio::test]
    async fn a_command_that_does_not_read_its_input_succeeds() {
        let body = vec![b'x'; 1 << 20];
        assert_eq!(run("echo done", &body).await.as_deref(), Ok("done"));
    }

    #[tokio::test]
    async fn a_command_that_exceeds_its_time_is_ended() {
        let program = Program {
            name: OsStr::new("cat"),
            arguments: &["/dev/zero".into()],
            time: Duration::from_millis(1),
            output_bytes: u64::MAX,
        };
        let error = program.answer(&Request::with_body(b"")).await.unwrap_err();
        assert!(matches!(error, CommandError::Overdue(_)), "{error}");
    }

    #[tokio::test]
    async fn a_missing_command_is_a_final_error() {
        let program = Program {
            name: OsStr::new("/nowhere/carillon"),
            arguments: &[],
            time: Duration::from_secs(20),
            output_bytes: 10,
        };
        let error = program.answer(&Request::with_body(b"")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "/nowhere/carillon: No such file or directory"
        );
        assert!(matches!(
            error,
            CommandError::NotStarted { is_final: true, .. }
        ));
    }

    #[test]
    fn an_answer_that_is_not_utf_8_keeps_its_line_end() {
        let mut answer = b"\xff\n".to_vec();
        trim_line_end(&mut answer);
        assert_eq!(answer, b"\xff\n");
    }
}

//! Child processes with recorded output, so that a failing test can show it.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// The lines that a process has printed so far.
#[derive(Clone, Default)]
pub struct Transcript(Arc<Mutex<String>>);

impl Transcript {
    pub fn text(&self) -> String {
        self.0.lock().expect("no writer panics").clone()
    }

    fn add(&self, line: &str) {
        let mut text = self.0.lock().expect("no writer panics");
        text.push_str(line);
        text.push('\n');
    }
}

/// Starts a program with its output piped; it is killed when its handle is dropped.
pub fn spawn(command: &mut Command) -> Child {
    spawn_with_input(command, Stdio::null())
}

/// Does the same with this standard input.
pub fn spawn_with_input(command: &mut Command, input: Stdio) -> Child {
    command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

/// Reads the standard output up to the first line in which `find` returns a value, then continues
/// to read into the transcript, because a full pipe would block the program.
pub async fn first_match<T>(
    child: &mut Child,
    transcript: &Transcript,
    find: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let mut lines = lines(child.stdout.take());
    collect(lines_of_errors(child.stderr.take()), transcript.clone());
    while let Ok(Some(line)) = lines.next_line().await {
        transcript.add(&line);
        if let Some(found) = find(&line) {
            collect(lines, transcript.clone());
            return Some(found);
        }
    }
    None
}

fn lines(stdout: Option<ChildStdout>) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(stdout.expect("spawned with a pipe")).lines()
}

fn lines_of_errors(stderr: Option<ChildStderr>) -> Lines<BufReader<ChildStderr>> {
    BufReader::new(stderr.expect("spawned with a pipe")).lines()
}

fn collect<R>(mut lines: Lines<BufReader<R>>, transcript: Transcript)
where
    R: AsyncRead + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            transcript.add(&line);
        }
    });
}

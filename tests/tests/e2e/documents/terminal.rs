//! A folder, a server and terminals, in which the commands of one document run.
//!
//! The documents name the default ports; the commands get the ports of the server instead.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use harness::Carillon;
use harness::carillon::command;
use harness::data::fresh_path;
use harness::deadline::{eventually, within};
use harness::http::get;
use tokio::process::{Child, Command};

use super::chapter::{Block, Command as Expected};
use super::output::matches;

/// The environment of a document's commands. Dropping the value ends its programs and removes its folder.
pub struct Terminal {
    folder: PathBuf,
    server: Option<Carillon>,
    ports: Vec<(&'static str, String)>,
    open: Vec<OpenTerminal>,
}

/// A command that keeps running, with its output in a file.
struct OpenTerminal {
    /// Killed when the value is dropped.
    _child: Child,
    line: usize,
    output: PathBuf,
    expected: Vec<String>,
}

impl Terminal {
    pub fn new() -> Self {
        let folder = fresh_path("documents");
        let programs = folder.join("programs");
        fs::create_dir_all(&programs).expect("a temporary folder");
        let binary = command().as_std().get_program().to_owned();
        symlink(binary, programs.join("carillon")).expect("a link to the binary");
        Self {
            folder,
            server: None,
            ports: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Starts the server, after the end of the one before. `./` in an option is the folder of the document.
    pub async fn start_server(&mut self, options: &[String]) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        let folder = format!("{}/", self.folder.display());
        let options = options.iter().map(|option| option.replace("./", &folder));
        let mut options: Vec<_> = options.collect();
        let has_tls = options.iter().any(|option| option.starts_with("--tls-"));
        options.extend(["--mqtt", "127.0.0.1:0", "--stomp", "127.0.0.1:0"].map(str::to_owned));
        if has_tls {
            options.extend(["--mqtt-tls", "127.0.0.1:0"].map(str::to_owned));
        }
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let server = Carillon::with(&options).await;
        self.ports = vec![
            ("8080", server.address().port().to_string()),
            ("1883", server.mqtt_address().await.port().to_string()),
            ("61613", server.stomp_address().await.port().to_string()),
        ];
        if has_tls {
            let port = server.mqtt_tls_address().await.port();
            self.ports.push(("8883", port.to_string()));
        }
        self.write_wrappers();
        self.server = Some(server);
    }

    /// Writes programs that use the server's port of MQTT instead of Mosquitto's default.
    fn write_wrappers(&self) {
        for name in ["mosquitto_pub", "mosquitto_sub"] {
            let path = env::var("PATH").unwrap_or_default();
            let port = &self.ports[1].1;
            let script = format!("#!/bin/sh\nPATH='{path}' exec {name} -p {port} \"$@\"\n");
            let file = self.folder.join("programs").join(name);
            fs::write(&file, script).expect("a script");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its owner");
        }
    }

    /// Runs the commands of a block, and compares their output.
    pub async fn run(&self, block: &Block) -> Result<(), String> {
        let mut status = 0;
        for (index, expected) in block.commands.iter().enumerate() {
            let text = self.with_ports(&expected.text);
            let script = match expected.output {
                Some(_) => format!("(exit {status})\n{text}"),
                None => format!("set -e\n{text}"),
            };
            let mut shell = self.shell(&script);
            let output = within(&expected.text, shell.output()).await;
            let output = output.expect("sh starts");
            let printed = self.without_ports(&String::from_utf8_lossy(&output.stdout));
            status = output.status.code().unwrap_or(1);
            let shows_status = |next: &Expected| next.text == "echo $?";
            if status != 0 && !block.commands.get(index + 1).is_some_and(shows_status) {
                let text = &expected.text;
                return Err(format!(
                    "line {}: {text}\nstatus {status}:\n{printed}",
                    block.line
                ));
            }
            compare(block.line, expected, &printed)?;
        }
        Ok(())
    }

    /// Starts the command of a block, and waits until it is a subscriber. [`close_all`](Self::close_all) compares its output.
    pub async fn open(&mut self, block: &Block) -> Result<(), String> {
        let [expected] = &block.commands[..] else {
            return Err(format!("line {}: one command can be open", block.line));
        };
        let before = self.subscriptions().await;
        let output = self.folder.join(format!("open-{}", block.line));
        let file = fs::File::create(&output).expect("a file");
        let text = self.with_ports(&expected.text);
        let child = self.shell(&format!("exec {text}")).stdout(file).spawn();
        self.open.push(OpenTerminal {
            _child: child.expect("sh starts"),
            line: block.line,
            output,
            expected: expected.output.clone().unwrap_or_default(),
        });
        // It has subscribed, or said that it has started.
        let output = &self.open.last().expect("it was added").output;
        let is_ready = || async {
            let has_printed = fs::metadata(output).is_ok_and(|file| file.len() > 0);
            has_printed || self.subscriptions().await > before
        };
        eventually(&expected.text, is_ready, |is_ready| *is_ready).await;
        Ok(())
    }

    async fn subscriptions(&self) -> u64 {
        let server = self.server.as_ref().expect("a document has a server");
        let figures = get(server.url("/api/figures")).await;
        figures.json()["subscriptions"].as_u64().unwrap_or(0)
    }

    /// Waits until the open terminals show the expected lines, and closes them.
    pub async fn close_all(&mut self) {
        for terminal in std::mem::take(&mut self.open) {
            let printed = || async { self.without_ports(&read(&terminal.output)) };
            let is_complete = |printed: &String| {
                matches(&terminal.expected, &printed.lines().collect::<Vec<_>>())
            };
            let what = format!("line {}: {}", terminal.line, terminal.expected.join("\n"));
            eventually(&what, printed, is_complete).await;
        }
    }

    /// Returns a shell whose errors are part of its output.
    fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARILLON_")) {
            shell.env_remove(name);
        }
        let path = env::var("PATH").unwrap_or_default();
        let programs = self.folder.join("programs");
        shell
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", &self.folder)
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(server) = &self.server {
            shell.env("CARILLON_SERVER", server.url(""));
        }
        shell
    }

    fn with_ports(&self, text: &str) -> String {
        let ports = self.ports.iter();
        ports.fold(text.to_owned(), |text, (known, used)| {
            replace_number(&text, known, used)
        })
    }

    fn without_ports(&self, text: &str) -> String {
        let ports = self.ports.iter();
        ports.fold(text.to_owned(), |text, (known, used)| {
            replace_number(&text, used, known)
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A program that is being killed may still write.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn compare(line: usize, expected: &Expected, printed: &str) -> Result<(), String> {
    let Some(output) = &expected.output else {
        return Ok(());
    };
    match matches(output, &printed.lines().collect::<Vec<_>>()) {
        true => Ok(()),
        false => Err(format!(
            "line {line}: {}\nexpected:\n{}\nprinted:\n{printed}",
            expected.text,
            output.join("\n")
        )),
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// Replaces a number, but not its digits in other numbers.
fn replace_number(text: &str, from: &str, to: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, found) = rest.split_at(at);
        let after = &found[from.len()..];
        let is_part = before.ends_with(|c: char| c.is_ascii_digit())
            || after.starts_with(|c: char| c.is_ascii_digit());
        result.push_str(before);
        result.push_str(if is_part { from } else { to });
        rest = after;
    }
    result + rest
}

#[test]
fn only_whole_numbers_are_replaced() {
    let replaced = replace_number("8080, 18080 and http://h:8080/", "8080", "41");
    assert_eq!(replaced, "41, 18080 and http://h:41/");
}

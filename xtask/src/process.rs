//! Starts other programs for the tasks: their folder, their output, and the errors if they fail or
//! are missing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Returns the root folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
}

/// Returns a command of the cargo that runs this program, in the root folder. It does not get the
/// variables that cargo has set for xtask: build scripts would run again whenever a developer calls
/// cargo without xtask.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(cargo);
    command.args(arguments);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Returns a command of another program, in the root folder.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Prints a command and runs it. Returns an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    println!("xtask: {}", line(command));
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be started", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs one part of a task, and prints its duration.
pub fn stage<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("xtask: == {name}");
    let start = Instant::now();
    let outcome = work().with_context(|| name.to_owned())?;
    println!("xtask: == {name}: {:.0} s", start.elapsed().as_secs_f32());
    Ok(outcome)
}

/// Returns the output of a program, or None if it cannot be started or fails.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `cargo build`, and returns the files of the package as cargo reports them, independent of
/// target directories and profiles.
pub fn cargo_build(
    package: &str,
    arguments: &[&str],
    environment: &[(&str, PathBuf)],
) -> Result<Vec<PathBuf>> {
    let mut built = cargo_build_all(&[package], arguments, environment)?;
    built.pop().context("one package was built")
}

/// Builds several packages with one call of `cargo build`, and returns the files of each.
pub fn cargo_build_all(
    packages: &[&str],
    arguments: &[&str],
    environment: &[(&str, PathBuf)],
) -> Result<Vec<Vec<PathBuf>>> {
    let reports = "--message-format=json-render-diagnostics";
    let mut build = cargo(&["build", reports]);
    for package in packages {
        build.args(["--package", package]);
    }
    build.args(arguments).envs(environment.iter().cloned());
    println!("xtask: {}", line(&build));
    let output = build.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{} does not build", packages.join(" or "));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let files = packages.iter().map(|package| {
        let files = artifacts(&messages, package);
        ensure!(!files.is_empty(), "cargo reported no file for {package}");
        Ok(files)
    });
    files.collect()
}

/// Returns the path of a program on the `PATH`, or None.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(format!("{program}{}", env::consts::EXE_SUFFIX)))
        .find(|file| file.is_file())
}

fn artifacts(messages: &str, package: &str) -> Vec<PathBuf> {
    messages
        .lines()
        .filter_map(|message| serde_json::from_str::<Value>(message).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && is_of(message, package))
        .flat_map(|message| file_names(&message))
        .collect()
}

/// Returns true if a message is about a package, whose id looks like
/// `path+file:///…/frontend#carillon-frontend@0.1.0`.
fn is_of(message: &Value, package: &str) -> bool {
    message["package_id"]
        .as_str()
        .is_some_and(|id| id.contains(&format!("#{package}@")))
}

fn file_names(message: &Value) -> Vec<PathBuf> {
    let names = message["filenames"].as_array();
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(PathBuf::from).collect()
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_names_the_files_of_one_package() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"registry+x#frontend@1.0.0","filenames":["/t/a.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///c/frontend#carillon-frontend@0.1.0","filenames":["/t/frontend.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            artifacts(messages, "carillon-frontend"),
            [PathBuf::from("/t/frontend.wasm")]
        );
    }
}

//! Builds the server with the pages' files embedded, and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::dist;
use crate::process::{cargo_build, command, root};
use crate::profile::Profile;

/// Builds the pages, then the server, which embeds them.
pub fn build(profile: Profile) -> Result<PathBuf> {
    dist::build(profile)?;
    // The build script of the server reads the variable; without it, it takes `dist/`. A change of the
    // variable compiles the server again, so other calls of cargo must find it as it is here.
    let folder: &[_] = match profile {
        Profile::Quick => &[("CARILLON_DIST", profile.dist())],
        Profile::Release | Profile::Test => &[],
    };
    let binary = compile(profile, folder)?;
    match profile {
        Profile::Quick => link_to_short_path(&binary),
        Profile::Release | Profile::Test => Ok(binary),
    }
}

/// Links `target/quick/carillon`, the path that the documents name, to the binary, which cargo keeps in a folder of its target.
fn link_to_short_path(binary: &Path) -> Result<PathBuf> {
    let name = binary.file_name().context("a binary without a name")?;
    let short = root().join("target/quick").join(name);
    if short.exists() {
        fs::remove_file(&short)?;
    }
    fs::hard_link(binary, &short)
        .or_else(|_| fs::copy(binary, &short).map(drop))
        .with_context(|| format!("{} cannot be written", short.display()))?;
    Ok(short)
}

/// Builds the server without the pages, with these variables.
pub fn compile(profile: Profile, environment: &[(&str, PathBuf)]) -> Result<PathBuf> {
    let arguments = profile.of_server()?;
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    binary(&arguments, environment)
}

/// Builds the server with these arguments of cargo and these variables. Returns the binary.
pub fn binary(arguments: &[&str], environment: &[(&str, PathBuf)]) -> Result<PathBuf> {
    cargo_build("carillon-server", arguments, environment)?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == "carillon"))
        .context("carillon-server built, but without its binary")
}

/// Builds and starts the server with these arguments; with `--release` before them, the binary for
/// deployment.
pub fn run(arguments: &[String]) -> Result<()> {
    let (profile, arguments) = match arguments {
        [release, rest @ ..] if release == "--release" => (Profile::Release, rest),
        _ => (Profile::Quick, arguments),
    };
    let binary = build(profile)?;
    become_program(command(binary).args(arguments))
}

/// Replaces this process by the server, so that Ctrl-C, signals and the exit code are the server's.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("the server cannot be started")
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<()> {
    let status = command.status().context("the server cannot be started")?;
    std::process::exit(status.code().unwrap_or(1))
}

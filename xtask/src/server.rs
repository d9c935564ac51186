//! Builds the release binary with `dist/` embedded, and runs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::dist;
use crate::process::{cargo_build, command};

/// Builds the pages, then the server, which embeds them.
pub fn build() -> Result<PathBuf> {
    dist::build()?;
    cargo_build("carillon-server", &["--release"])?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == "carillon"))
        .context("carillon-server built, but without its binary")
}

pub fn run(arguments: &[String]) -> Result<()> {
    let binary = build()?;
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

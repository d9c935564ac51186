//! `cargo xtask public-api`: compares the interface of the crate `carillon` with its record,
//! `crates/carillon/public-api.txt`. With `--write` it replaces the record.
//!
//! `cargo-public-api` reads rustdoc's JSON, which stable compilers write only with `RUSTC_BOOTSTRAP`.
//! The variable is set for rustdoc alone: if cargo had it, it would compile many dependencies again.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{ask, cargo, command, root, run};
use crate::{packages, tools};

/// Compares or writes the record.
pub fn check(arguments: &[String]) -> Result<()> {
    let record = root().join("crates/carillon/public-api.txt");
    let actual = list()?;
    match arguments {
        [] => {}
        [one] if one == "--write" => return Ok(fs::write(record, actual)?),
        _ => bail!("usage: cargo xtask public-api [--write]"),
    }
    let recorded = fs::read_to_string(&record).with_context(|| record.display().to_string())?;
    if recorded == actual {
        return Ok(());
    }
    bail!(
        "the interface of the crate `carillon` is not that of {}. If the change is wanted, run `cargo xtask public-api --write`, \
         and name it in CHANGELOG.md; a removed or changed line needs a new major version (before 1.0, a new minor one):\n{}",
        record.display(),
        difference(&recorded, &actual)
    )
}

/// Returns the public items, one in a line.
fn list() -> Result<String> {
    let tool = tools::tool_with("cargo-public-api", &["--version", VERSION])?;
    let rustdoc = rustdoc_for_json()?;
    let mut doc = cargo(&["doc", "--no-deps", "--lib"]);
    doc.env("RUSTDOC", rustdoc)
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    run(packages::select(&mut doc, &packages::tested()?))?;
    let json = target_folder().join("doc/carillon.json");
    let mut public_api = command(tool);
    public_api
        .args(["public-api", "-ss", "--rustdoc-json"])
        .arg(json);
    let items = ask(&mut public_api).context(
        "cargo-public-api cannot read the output of rustdoc: another compiler needs another VERSION in xtask/src/public_api.rs",
    )?;
    Ok(items + "\n")
}

/// Returns a program that calls rustdoc as if it were of a nightly compiler.
fn rustdoc_for_json() -> Result<PathBuf> {
    let script = root().join("target/tools/rustdoc-for-json");
    fs::create_dir_all(script.parent().context("it is in a folder")?)?;
    fs::write(
        &script,
        "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n",
    )?;
    make_executable(&script)?;
    Ok(script)
}

#[cfg(unix)]
fn make_executable(script: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(
        script,
        fs::Permissions::from_mode(0o755),
    )?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    bail!("this task needs a Unix shell")
}

fn target_folder() -> PathBuf {
    let other = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    other.unwrap_or_else(|| root().join("target"))
}

/// Returns the lines that are in one list only.
fn difference(recorded: &str, actual: &str) -> String {
    let before: BTreeSet<_> = recorded.lines().collect();
    let after: BTreeSet<_> = actual.lines().collect();
    let removed = before.difference(&after).map(|line| format!("- {line}"));
    let added = after.difference(&before).map(|line| format!("+ {line}"));
    removed.chain(added).collect::<Vec<_>>().join("\n")
}

/// The version that reads the JSON of the stable compiler. Another version may write the items in another form.
const VERSION: &str = "0.52.0";

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn removed_and_added_lines_are_shown() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c");
    }
}

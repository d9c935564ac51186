//! The browser's half of Carillon: `frontend` compiled to WASM, and the JavaScript that loads it,
//! made by the `wasm-bindgen` library of the very version in Cargo.lock.
//!
//! What becomes of the bytes (names, compression, folders) is `dist`'s.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{self, ask, command, find};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// The name of the module's files before their hashes are known.
pub const MODULE: &str = "carillon";

/// Compiles the pages; answers with the WASM file as rustc left it.
pub fn compile() -> Result<PathBuf> {
    require_target()?;
    let arguments = ["--profile", "wasm-release", "--target", TARGET];
    process::cargo_build("carillon-frontend", &arguments)?
        .into_iter()
        .find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .context("carillon-frontend built, but without a .wasm file")
}

/// Writes the module that browsers load and its JavaScript into an empty `folder`. The module's function
/// names and the list of its compilers are left out: 40 kB that no page needs.
pub fn bind(wasm: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Bindgen::new()
        .input_path(wasm)
        .out_name(MODULE)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
        .with_context(|| format!("wasm-bindgen cannot read {}", wasm.display()))
}

/// rust-toolchain.toml names the target, so rustup has usually added it by itself.
pub fn require_target() -> Result<()> {
    if target_is_installed() {
        return Ok(());
    }
    if find("rustup").is_none() {
        bail!(
            "rustc has no {TARGET}: install it with `rustup target add {TARGET}`, or your distribution's package for it"
        );
    }
    process::run(command("rustup").args(["target", "add", TARGET]))
}

fn target_is_installed() -> bool {
    let question = ["--print", "target-libdir", "--target", TARGET];
    ask(command("rustc").args(question)).is_some_and(|folder| Path::new(&folder).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are two halves of one tool: a difference breaks the pages when they load.
    #[test]
    fn the_bindgen_library_is_of_the_locked_wasm_bindgen_version() {
        let lock = fs::read_to_string(process::root().join("Cargo.lock")).expect("Cargo.lock");
        assert_eq!(
            locked(&lock, "wasm-bindgen"),
            locked(&lock, "wasm-bindgen-cli-support")
        );
    }

    fn locked<'a>(lock: &'a str, package: &str) -> &'a str {
        let entry = format!("name = \"{package}\"\nversion = \"");
        let (_, rest) = lock.split_once(&entry).expect("the lock names the package");
        rest.split('"').next().expect("a version in quotes")
    }
}

//! Programs of cargo's ecosystem that tasks need, such as cargo-deny.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, find, root, run};

/// Returns a program from the `PATH`, else builds it once in `target/`.
pub fn tool(name: &str) -> Result<PathBuf> {
    tool_with(name, &[])
}

/// Returns a program like [`tool`]; `arguments` are further arguments of `cargo install`.
pub fn tool_with(name: &str, arguments: &[&str]) -> Result<PathBuf> {
    if let Some(program) = find(name) {
        return Ok(program);
    }
    let tools = root().join("target/tools");
    let program = tools
        .join("bin")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        // Without optimisation: compiling takes longer than all runs.
        let mut install = cargo(&["install", "--locked", "--debug", "--root"]);
        run(install.arg(&tools).arg(name).args(arguments))?;
    }
    Ok(program)
}

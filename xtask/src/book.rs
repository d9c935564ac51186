//! `cargo xtask book`: builds the book in `docs/` with mdBook, into `target/book/html`.
//!
//! The chapters are plain Markdown that a code host shows as it is, with links to files of the repository. mdBook would
//! leave these links broken, so the book is built from a copy that contains the linked files, too.

mod document;
mod faults;
mod staging;
mod summary;

use std::fs;

use anyhow::{Result, bail};

use crate::process::{command, root, run, stage};
use crate::tools::tool_with;

/// Checks the documents, and builds the book.
pub fn build() -> Result<()> {
    let faults = faults::of_repository()?;
    if !faults.is_empty() {
        bail!("the documents have faults:\n{}", faults.join("\n"));
    }
    let mdbook = tool_with("mdbook", &MDBOOK)?;
    let folder = root().join("target/book");
    stage("book", || {
        let _ = fs::remove_dir_all(&folder);
        staging::write(&folder)?;
        run(command(mdbook).arg("build").arg(&folder))
    })?;
    println!("xtask: open {}", folder.join("html/index.html").display());
    Ok(())
}

/// Without its own server and watcher, compiling mdBook takes 66 s of CPU time. So the book is built on demand, and not in
/// CI, where the tests check links and commands.
const MDBOOK: [&str; 5] = [
    "--version",
    "0.5.4",
    "--no-default-features",
    "--features",
    "search",
];

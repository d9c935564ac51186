//! The table of contents of the book, `docs/src/SUMMARY.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::document::Document;

pub const FILE: &str = "SUMMARY.md";

/// Returns the chapters that are listed and missing, listed twice, or present and not listed.
pub fn faults(book: &Path) -> Result<Vec<String>> {
    let summary = Document::parse(&fs::read_to_string(book.join(FILE))?);
    let present: BTreeSet<_> = markdown_files(book)?
        .into_iter()
        .filter_map(|file| Some(file.strip_prefix(book).ok()?.display().to_string()))
        .filter(|name| name != FILE)
        .collect();
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for link in summary.links {
        if !present.contains(&link.target) {
            faults.push(format!("{FILE}:{}: no chapter {}", link.line, link.target));
        }
        if !listed.insert(link.target.clone()) {
            faults.push(format!(
                "{FILE}:{}: {} is listed twice",
                link.line, link.target
            ));
        }
    }
    let unlisted = present.difference(&listed);
    faults.extend(unlisted.map(|name| format!("{FILE}: {name} is not listed")));
    Ok(faults)
}

/// Returns the Markdown files of a folder and its folders, in order.
pub fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(markdown_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

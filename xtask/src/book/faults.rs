//! The check of the documents' links: each relative link leads to a file, and to a heading if it names one.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::document::Document;
use super::summary;
use crate::process::root;

/// The documents in the root folder of the repository.
const ROOT_DOCUMENTS: [&str; 5] = [
    "README.md",
    "README.ko.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

/// Folders with documents.
const FOLDERS: [&str; 4] = ["docs", "examples", "deploy", "crates"];

/// The folder of the book's chapters.
pub const BOOK: &str = "docs/src";

/// Returns the faults of all documents of the repository, one in each line.
pub fn of_repository() -> Result<Vec<String>> {
    let mut files: Vec<_> = ROOT_DOCUMENTS
        .iter()
        .map(|name| root().join(name))
        .collect();
    for folder in FOLDERS {
        files.extend(summary::markdown_files(&root().join(folder))?);
    }
    let mut faults = summary::faults(&root().join(BOOK))?;
    faults.extend(of_links(root(), &files)?);
    Ok(faults)
}

/// Returns the links of these documents that lead nowhere.
fn of_links(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut documents = HashMap::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        documents.insert(file.clone(), Document::parse(&text));
    }
    let mut faults = Vec::new();
    for file in files {
        for link in &documents[file].links {
            if let Some(fault) = fault(file, &link.target, &documents) {
                let name = file.strip_prefix(root).unwrap_or(file);
                faults.push(format!("{}:{}: {fault}", name.display(), link.line));
            }
        }
    }
    Ok(faults)
}

fn fault(file: &Path, target: &str, documents: &HashMap<PathBuf, Document>) -> Option<String> {
    if is_absolute(target) {
        return None;
    }
    let (path, anchor) = split(target);
    let linked = resolve(file, path);
    if !linked.exists() {
        return Some(format!("{target}: no such file"));
    }
    let anchor = anchor?;
    match documents.get(&linked) {
        Some(document) if document.anchors.contains(anchor) => None,
        Some(_) => Some(format!("{target}: no such heading")),
        None => Some(format!("{target}: the headings of this file are not known")),
    }
}

/// Returns true for a link that leaves the repository.
pub fn is_absolute(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// Splits a link into its path, which may be empty, and its anchor.
pub fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    }
}

/// Returns the file to which a path in a document leads.
pub fn resolve(document: &Path, path: &str) -> PathBuf {
    if path.is_empty() {
        return document.to_owned();
    }
    let folder = document.parent().unwrap_or(document);
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_no_faults() -> Result<()> {
        let faults = of_repository()?;
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }

    #[test]
    fn links_that_lead_nowhere_are_found() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("carillon-xtask-{}", std::process::id()));
        fs::create_dir_all(folder.join("a"))?;
        let files = [folder.join("a/one.md"), folder.join("two.md")];
        fs::write(
            &files[0],
            "# One\n[ok](../two.md#two) [ok](#one) [ok](https://x.example/#y)\n[bad](three.md)\n",
        )?;
        fs::write(&files[1], "# Two\n[bad](a/one.md#two)\n[ok](a)\n")?;
        let faults = of_links(&folder, &files);
        fs::remove_dir_all(&folder)?;
        let expected = [
            "a/one.md:3: three.md: no such file",
            "two.md:2: a/one.md#two: no such heading",
        ];
        assert_eq!(faults?, expected);
        Ok(())
    }
}

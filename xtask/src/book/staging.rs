//! The copy of the chapters from which mdBook builds: with the files of the repository to which they link, under
//! `repository/`. Markdown files become chapters of a last part.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::document::Document;
use super::faults::{BOOK, is_absolute, resolve, split};
use super::summary;
use crate::process::root;

/// Writes the copy and the configuration of mdBook.
pub fn write(target: &Path) -> Result<()> {
    let book = root().join(BOOK);
    fs::create_dir_all(target)?;
    fs::copy(root().join("docs/book.toml"), target.join("book.toml"))?;
    let mut staging = Staging {
        places: BTreeMap::new(),
        waiting: VecDeque::new(),
        chapters: Vec::new(),
    };
    for file in summary::markdown_files(&book)? {
        staging.place(&file);
    }
    let target = target.join("src");
    while let Some(file) = staging.waiting.pop_front() {
        staging.copy(&file, &target)?;
    }
    let summary = fs::read_to_string(target.join(summary::FILE))?;
    let chapters = staging.chapters.join("\n");
    let summary = format!("{summary}\n# The repository\n\n{chapters}\n");
    Ok(fs::write(target.join(summary::FILE), summary)?)
}

struct Staging {
    /// The place of each file in the copy. Each file of the repository has one at most, so the copy ends.
    places: BTreeMap<PathBuf, PathBuf>,
    waiting: VecDeque<PathBuf>,
    /// The lines of the table of contents for files from outside of the book.
    chapters: Vec<String>,
}

impl Staging {
    /// Returns the place of a file in the copy, and has the file copied.
    fn place(&mut self, file: &Path) -> PathBuf {
        if let Some(place) = self.places.get(file) {
            return place.clone();
        }
        let in_repository = file.strip_prefix(root()).unwrap_or(file);
        let place = match in_repository.strip_prefix(BOOK) {
            Ok(chapter) => chapter.to_owned(),
            // mdBook makes the index of a folder of a README.
            Err(_) => match in_repository
                .file_name()
                .is_some_and(|name| name == "README.md")
            {
                true => Path::new("repository").join(in_repository.with_file_name("about.md")),
                false => Path::new("repository").join(in_repository),
            },
        };
        self.places.insert(file.to_owned(), place.clone());
        self.waiting.push_back(file.to_owned());
        place
    }

    fn copy(&mut self, file: &Path, target: &Path) -> Result<()> {
        let place = self.place(file);
        let copy = target.join(&place);
        fs::create_dir_all(copy.parent().unwrap_or(target))?;
        if file.extension().is_none_or(|extension| extension != "md") {
            fs::copy(file, copy)?;
            return Ok(());
        }
        let mut text = fs::read_to_string(file)?;
        let document = Document::parse(&text);
        for link in document.links {
            if is_absolute(&link.target) {
                continue;
            }
            let (path, anchor) = split(&link.target);
            let linked = resolve(file, path);
            if path.is_empty() || !linked.is_file() {
                continue;
            }
            let mut relative = relative(&place, &self.place(&linked));
            if let Some(anchor) = anchor {
                relative += &format!("#{anchor}");
            }
            text = text.replace(&format!("]({})", link.target), &format!("]({relative})"));
        }
        if place.starts_with("repository") {
            let title = document.title.unwrap_or_default();
            self.chapters
                .push(format!("- [{title}]({})", place.display()));
        }
        Ok(fs::write(copy, text)?)
    }
}

/// Returns the link from one file of the copy to another.
fn relative(from: &Path, to: &Path) -> String {
    let up = from.components().count() - 1;
    format!("{}{}", "../".repeat(up), to.display())
}

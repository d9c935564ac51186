//! A folder for a server's configuration and data. It is removed when the value is dropped.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(name: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-bench-{}-{number}-{name}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).with_context(|| format!("{} cannot be created", path.display()))?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in the folder, and returns its path.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.path.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Creates a folder in this one with symbolic links to those of `files` that exist.
    pub fn link(&self, folder: &str, files: &[&str]) -> Result<()> {
        let folder = self.path.join(folder);
        fs::create_dir_all(&folder)?;
        for file in files.iter().map(Path::new).filter(|file| file.exists()) {
            let name = file.file_name().context("a path has no file name")?;
            symlink(file, folder.join(name))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // On failure the system removes the folder when it clears its temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

//! A small file system in memory, mounted for one test: a disk that can be full.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs. It is unmounted, and its directory removed, when the value is dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts an empty file system of this size. Returns an error if the user may not mount.
    pub fn mount(mebibytes: usize) -> io::Result<Self> {
        let directory = crate::data::fresh_path("disk");
        fs::create_dir(&directory)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]);
        let disk = Self(directory);
        let output = mount.arg(&disk.0).output()?;
        match output.status.success() {
            true => Ok(disk),
            false => {
                let reason = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(io::Error::other(reason))
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Lets another program write until the disk is full.
    pub fn fill(&self) {
        let mut options = File::options();
        let file = options.append(true).create(true).open(self.filler());
        let mut file = file.expect("a file");
        let full = loop {
            if let Err(error) = file.write_all(&[1; 1 << 16]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    }

    /// Lets another program write this much.
    pub fn occupy(&self, mebibytes: usize) {
        let file = vec![1; mebibytes << 20];
        fs::write(self.filler(), file).expect("room");
    }

    /// Removes the file of the other program.
    pub fn clear(&self) {
        fs::remove_file(self.filler()).expect("it exists");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // At once for new accesses, although a process may still use it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

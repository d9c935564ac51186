//! The image of `deploy/Dockerfile`, made with buildah, which needs no service and no registry for it. The first stage, which
//! compiles in an image of a registry, is replaced by the program of the archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{ask, command, root, run};

/// Builds the last stage of the Dockerfile, and copies its files to a folder.
///
/// # Arguments
/// `program`: the static program. `target`: the folder to make.
pub fn unpack(program: &Path, target: &Path) -> Result<()> {
    let folder = root().join("target/image");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // The files that the first stage leaves for the last one.
    let stage = folder.join("build/image");
    fs::create_dir_all(stage.join("data"))?;
    fs::copy(program, stage.join("carillon"))?;
    let text = fs::read_to_string(root().join("deploy/Dockerfile"))?;
    let last = text.find("FROM scratch").context("no stage from scratch")?;
    let file = folder.join("Dockerfile");
    fs::write(&file, &text[last..])?;

    let storage = Storage(folder.join("storage"));
    let context = format!("build={}", folder.join("build").display());
    run(storage
        .command("build")
        .args(["--isolation", "chroot", "--format", "docker"])
        .args(["--build-context", &context, "--tag", "carillon", "--file"])
        .arg(&file)
        .arg(folder.join("build")))?;
    let container = ask(storage.command("from").arg("carillon")).context("no container")?;
    let mounted = ask(storage.command("mount").arg(&container)).context("not mounted")?;
    run(command("cp").arg("-a").arg(mounted).arg(target))?;
    run(storage.command("umount").arg(&container))?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// The folder in which buildah keeps images and containers.
struct Storage(PathBuf);

impl Storage {
    fn command(&self, name: &str) -> Command {
        let mut buildah = command("buildah");
        buildah.args(["--storage-driver", "vfs", "--root"]);
        buildah.arg(self.0.join("root")).arg("--runroot");
        buildah.arg(self.0.join("run")).arg(name);
        buildah
    }
}

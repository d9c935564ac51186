//! `cargo xtask package --try`: installs the files of `target/package/` in a clean Debian root, and uses them there.
//!
//! This needs Linux, root (for `chroot` and for a network of its own) and debootstrap. `try.sh` has the steps: install,
//! unit, manual pages, completions, use, upgrade, remove, purge, and the static program in an empty root, which is the image's
//! if buildah is there ([`super::image`]).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::image;
use crate::process::{ask, command, find, root, run, stage};

/// The release of Debian in the clean root.
const SUITE: &str = "bookworm";

/// The packages that the steps use. A shell's completions are tried in the shell itself.
const PACKAGES: &str =
    "bash-completion,curl,fish,iproute2,man-db,mosquitto-clients,passwd,systemd,util-linux,zsh";

const STEPS: &str = include_str!("try.sh");

/// Tries the files that `cargo xtask package` has written.
pub fn try_out() -> Result<()> {
    ensure!(
        ask(command("id").arg("-u")).as_deref() == Some("0"),
        "only root can do this: it needs chroot and a network of its own"
    );
    for program in ["debootstrap", "unshare"] {
        if find(program).is_none() {
            bail!("{program} is missing: on Debian and Ubuntu, install the package of this name");
        }
    }
    let folder = root().join("target/package");
    let package = only(&folder, ".deb")?;
    let archive = only(&folder, ".tar.gz")?;
    run(command("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(&folder))?;

    let pristine = root().join("target/clean-root");
    if !pristine.join("try").exists() {
        stage("clean root", || install_debian(&pristine))?;
    }
    // A copy, because a failed run leaves what it has installed.
    let used = root().join("target/used-root");
    remove(&used)?;
    run(command("cp").args(["-a"]).arg(&pristine).arg(&used))?;
    let inside = used.join("try");
    fs::copy(package, inside.join("carillon.deb"))?;
    fs::copy(&archive, inside.join("carillon.tar.gz"))?;
    fs::copy(root().join("deploy/Dockerfile"), inside.join("Dockerfile"))?;
    fs::write(inside.join("try.sh"), STEPS)?;
    if find("buildah").is_some() {
        stage("image", || {
            let unpacked = used.join("tmp/unpacked");
            fs::create_dir_all(&unpacked)?;
            run(command("tar")
                .args(["--strip-components=1", "-xzf"])
                .arg(&archive)
                .arg("-C")
                .arg(&unpacked))?;
            image::unpack(&unpacked.join("carillon"), &inside.join("image"))
        })?;
    } else {
        println!("xtask: buildah is not installed: the image of the Dockerfile is not built");
    }
    stage("installation", || {
        let mut namespace = command("unshare");
        namespace.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--"]);
        namespace.arg("chroot").arg(&used);
        run(namespace.args(["/bin/sh", "/try/try.sh"]))
    })?;
    remove(&used)
}

/// Makes the root, under another name until it is complete.
fn install_debian(folder: &Path) -> Result<()> {
    let begun = folder.with_extension("new");
    remove(&begun)?;
    let mut debootstrap = command("debootstrap");
    debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE]);
    run(debootstrap.arg(&begun))?;
    fs::create_dir(begun.join("try"))?;
    remove(folder)?;
    fs::rename(begun, folder)?;
    Ok(())
}

/// Removes a folder of `target/` if it exists.
fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// Returns the file of a folder whose name has this end.
fn only(folder: &Path, end: &str) -> Result<PathBuf> {
    let missing = || {
        format!(
            "{} has no {end}: run `cargo xtask package`",
            folder.display()
        )
    };
    for entry in fs::read_dir(folder).with_context(missing)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(end) {
            return Ok(path);
        }
    }
    bail!(missing())
}

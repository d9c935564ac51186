//! `cargo xtask package`: the files of a release in `target/package/`.
//!
//! ```text
//! carillon-VERSION-TARGET.tar.gz   the static program, manual pages, completions, deploy/ and documents
//! carillon_VERSION_ARCH.deb        the same as a Debian package, with a service
//! carillon-VERSION.cdx.json        the list of the crates in it (CycloneDX)
//! SHA256SUMS
//! ```
//!
//! The program is linked with musl and needs no library of the system, so it runs on every Linux with its processor.
//! `cargo xtask package --try` installs and uses these files ([`installation`]).

mod image;
mod installation;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::process::{ask, cargo, command, find, root, run, stage};
use crate::profile::Profile;
use crate::tools::tool;
use crate::{dist, server};

/// Builds all files, or tries those that were built.
pub fn run_with(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => build(),
        [option] if option == "--try" => installation::try_out(),
        _ => bail!("`cargo xtask package` has one option, --try"),
    }
}

fn build() -> Result<()> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    require(&target)?;
    let folder = root().join("target/package");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    stage("dist", || dist::build(Profile::Release))?;
    let program = stage("static program", || {
        server::binary(&["--release", "--target", &target], &[])
    })?;
    let content = folder.join("content");
    stage("manual pages and completions", || {
        collect(&program, &content)
    })?;
    let version = env!("CARGO_PKG_VERSION");
    stage("archive", || {
        let name = format!("carillon-{version}-{target}");
        archive(&content, &folder, &name)
    })?;
    stage("Debian package", || debian_package(&target, &folder))?;
    stage("list of crates", || list_crates(&folder, version))?;
    fs::remove_dir_all(&content)?;
    write_checksums(&folder)
}

/// Checks that the compilers for a static program are there.
fn require(target: &str) -> Result<()> {
    if find("musl-gcc").is_none() {
        bail!("musl-gcc is missing: on Debian and Ubuntu, install the package musl-tools");
    }
    let question = ["--print", "target-libdir", "--target", target];
    let is_installed =
        ask(command("rustc").args(question)).is_some_and(|folder| Path::new(&folder).exists());
    if !is_installed {
        run(command("rustup").args(["target", "add", target]))?;
    }
    Ok(())
}

/// Copies everything that is installed into a folder.
fn collect(program: &Path, content: &Path) -> Result<()> {
    fs::create_dir_all(content.join("completions"))?;
    fs::copy(program, content.join("carillon"))?;
    run(command(program).arg("manual").arg(content.join("man")))?;
    for shell in ["bash", "zsh", "fish"] {
        let script = ask(command(program).args(["completions", shell]));
        let script = script.with_context(|| format!("no completions for {shell}"))?;
        let file = content
            .join("completions")
            .join(format!("carillon.{shell}"));
        fs::write(file, script + "\n")?;
    }
    for document in ["README.md", "CHANGELOG.md", "LICENSE"] {
        fs::copy(root().join(document), content.join(document))?;
    }
    run(command("cp").args(["-R", "deploy"]).arg(content))?;
    // The package installs the program in another place than a person does.
    let unit = content.join("deploy/carillon.service");
    let text = fs::read_to_string(&unit)?;
    let packaged = text.replace("/usr/local/bin/carillon", "/usr/bin/carillon");
    let units = content.join("units");
    fs::create_dir_all(&units)?;
    fs::write(units.join("carillon.service"), packaged)?;
    Ok(())
}

/// Packs the content in a folder with the name of the archive. The result depends on the files only.
fn archive(content: &Path, folder: &Path, name: &str) -> Result<()> {
    let mut tar = command("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    tar.args([
        "--mtime=@0",
        "--exclude=./units",
        "--exclude=./deploy/debian",
    ]);
    tar.arg(format!("--transform=s,^\\.,{name},"));
    tar.arg("-C").arg(content);
    tar.arg("-czf").arg(folder.join(format!("{name}.tar.gz")));
    run(tar.arg("."))
}

/// Packs the content as `[package.metadata.deb]` of server/Cargo.toml describes it.
fn debian_package(target: &str, folder: &Path) -> Result<()> {
    let mut deb = command(tool("cargo-deb")?);
    deb.args(["--no-build", "--no-strip", "--package", "carillon-server"]);
    deb.args(["--target", target, "--output"]).arg(folder);
    run(&mut deb)
}

fn list_crates(folder: &Path, version: &str) -> Result<()> {
    let name = "carillon";
    let mut list = command(tool("cargo-cyclonedx")?);
    list.args([
        "cyclonedx",
        "--format",
        "json",
        "--manifest-path",
        "server/Cargo.toml",
    ]);
    run(list.args(["--override-filename", name]))?;
    let written = root().join("server").join(format!("{name}.json"));
    fs::rename(written, folder.join(format!("carillon-{version}.cdx.json")))?;
    // The tool writes a list for each package of the workspace.
    let metadata = ask(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]));
    for other in packages_of(&metadata.unwrap_or_default()) {
        let list = other.with_file_name(format!("{name}.json"));
        if list.exists() {
            fs::remove_file(list)?;
        }
    }
    Ok(())
}

/// Returns the manifests of the packages in the output of `cargo metadata`.
fn packages_of(metadata: &str) -> Vec<PathBuf> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap_or_default();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter_map(|package| package["manifest_path"].as_str().map(PathBuf::from))
        .collect()
}

/// Writes the hashes in the format of `sha256sum --check`.
fn write_checksums(folder: &Path) -> Result<()> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut sums = String::new();
    for file in &files {
        let name = file.file_name().context("a file has a name")?;
        let hash = Sha256::digest(fs::read(file)?);
        let hash = hash.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        writeln!(sums, "{hash}  {}", name.display())?;
        println!(
            "xtask: {:>10} bytes  {}",
            fs::metadata(file)?.len(),
            file.display()
        );
    }
    fs::write(folder.join("SHA256SUMS"), sums)?;
    Ok(())
}

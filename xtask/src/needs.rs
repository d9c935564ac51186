//! The programs and packages that the tests need besides Rust: a browser with its driver, Node.js,
//! Python, curl, Mosquitto and its clients, and the packages of `tests/package-lock.json` and
//! `tests/python/requirements.txt`. Missing programs are installed if possible, on Debian and
//! Ubuntu as root; otherwise the error names them in one line.

use std::fs;

use anyhow::{Result, bail};

use crate::process::{ask, command, find, root, run};

struct Program {
    /// The names of the program. One of them on the `PATH` is enough.
    names: &'static [&'static str],
    debian_package: &'static str,
}

const PROGRAMS: [Program; 10] = [
    Program {
        names: &["node"],
        debian_package: "nodejs",
    },
    Program {
        names: &["npm"],
        debian_package: "npm",
    },
    Program {
        names: &["chromium", "chromium-browser", "google-chrome"],
        debian_package: "chromium",
    },
    Program {
        names: &["chromedriver"],
        debian_package: "chromium-driver",
    },
    Program {
        names: &["python3"],
        debian_package: "python3",
    },
    Program {
        names: &["pip3"],
        debian_package: "python3-pip",
    },
    Program {
        names: &["curl"],
        debian_package: "curl",
    },
    // For faults of the disk.
    Program {
        names: &["strace"],
        debian_package: "strace",
    },
    Program {
        names: &["mosquitto_sub"],
        debian_package: "mosquitto-clients",
    },
    // The broker itself, for its bridge. Its folder is not on every `PATH`.
    Program {
        names: &["mosquitto", "/usr/sbin/mosquitto"],
        debian_package: "mosquitto",
    },
];

/// The reaction to missing programs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MissingPrograms {
    /// Installs their Debian packages if possible, else reports them.
    Install,
    /// Reports them.
    Report,
}

/// Checks that all programs and packages are there.
pub fn ensure(missing_programs: MissingPrograms) -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        if missing_programs == MissingPrograms::Report || !can_install() {
            bail!("{}", advice(&missing));
        }
        install(&missing)?;
    }
    install_node_packages()?;
    install_python_packages()
}

fn missing() -> Vec<&'static Program> {
    PROGRAMS
        .iter()
        .filter(|program| is_missing(program))
        .collect()
}

fn is_missing(program: &Program) -> bool {
    program.names.iter().all(|name| find(name).is_none())
}

fn advice(missing: &[&Program]) -> String {
    let names: Vec<_> = missing.iter().map(|program| program.names[0]).collect();
    format!(
        "the tests need these programs on the PATH: {} (Debian packages: {})",
        names.join(", "),
        debian_packages(missing).join(" ")
    )
}

fn debian_packages(programs: &[&Program]) -> Vec<&'static str> {
    let packages = programs.iter().map(|program| program.debian_package);
    packages.collect()
}

/// Returns true if Debian packages can be installed: on a system with apt-get, as root.
pub fn can_install() -> bool {
    find("apt-get").is_some() && ask(command("id").arg("-u")).is_some_and(|user| user == "0")
}

fn install(missing: &[&Program]) -> Result<()> {
    announce(&debian_packages(missing));
    run(apt_get().arg("update"))?;
    for program in missing {
        // One by one, because some packages of nodejs include npm and conflict with the package
        // npm.
        if !is_missing(program) {
            continue;
        }
        let mut install = apt_get();
        install.args(["install", "--yes", "--no-install-recommends"]);
        run(install.arg(program.debian_package))?;
    }
    Ok(())
}

/// Installs Debian packages. To be called only if [`can_install`] returns true.
pub fn install_packages(packages: &[&str]) -> Result<()> {
    announce(packages);
    run(apt_get().arg("update"))?;
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]);
    run(install.args(packages))
}

/// Prints the packages that are about to be installed.
fn announce(packages: &[&str]) {
    println!(
        "xtask: installing Debian packages with apt-get: {}",
        packages.join(" ")
    );
}

/// Returns an apt-get command that waits up to 300 s while another package manager is running.
fn apt_get() -> std::process::Command {
    let mut apt_get = command("apt-get");
    apt_get
        .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

/// Installs the packages of Node.js. `npm ci` replaces `node_modules` each time, so a copy of the
/// lock file records what is installed.
fn install_node_packages() -> Result<()> {
    let folder = root().join("tests");
    let installed = folder.join("node_modules/.installed-lock.json");
    let lock = fs::read(folder.join("package-lock.json"))?;
    if fs::read(&installed).is_ok_and(|known| known == lock) {
        return Ok(());
    }
    let mut npm = command("npm");
    run(npm
        .current_dir(&folder)
        .args(["ci", "--no-audit", "--no-fund"]))?;
    Ok(fs::write(installed, lock)?)
}

/// Installs the packages of Python in a folder in `target/` that only the tests use. The system's
/// packages are neither changed nor needed, except pip.
fn install_python_packages() -> Result<()> {
    let requirements = root().join("tests/python/requirements.txt");
    let folder = root().join("target/python");
    let installed = folder.join(".installed-requirements.txt");
    let wanted = fs::read(&requirements)?;
    if fs::read(&installed).is_ok_and(|known| known == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut pip = command("pip3");
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"]);
    run(pip
        .arg("--target")
        .arg(&folder)
        .arg("--requirement")
        .arg(requirements))?;
    Ok(fs::write(installed, wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_named_in_one_line() {
        let missing: Vec<_> = PROGRAMS.iter().skip(2).take(2).collect();
        assert_eq!(
            advice(&missing),
            "the tests need these programs on the PATH: chromium, chromedriver \
             (Debian packages: chromium chromium-driver)"
        );
    }
}

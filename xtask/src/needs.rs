//! What the tests need beyond Rust, and how packages are installed: a browser with its driver, Node.js, Python and
//! Mosquitto with its clients, and the packages of `tests/package-lock.json` and `tests/python/requirements.txt`.
//! Installed where that is possible without asking, on Debian and Ubuntu as root; said in one line where it is not.

use std::fs;

use anyhow::{Result, bail};

use crate::process::{ask, command, find, root, run};

struct Program {
    /// Any of these on the `PATH` will do.
    names: &'static [&'static str],
    debian_package: &'static str,
}

const PROGRAMS: [Program; 8] = [
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
        names: &["mosquitto_sub"],
        debian_package: "mosquitto-clients",
    },
    // The broker itself, for its bridge. Its folder is not on everybody's `PATH`.
    Program {
        names: &["mosquitto", "/usr/sbin/mosquitto"],
        debian_package: "mosquitto",
    },
];

pub fn ensure() -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        if !can_install() {
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
    let packages: Vec<_> = missing
        .iter()
        .map(|program| program.debian_package)
        .collect();
    format!(
        "the tests need {} on the PATH: install it (Debian's packages: {})",
        names.join(", "),
        packages.join(" ")
    )
}

/// Whether packages can be installed without asking.
pub fn can_install() -> bool {
    find("apt-get").is_some() && ask(command("id").arg("-u")).is_some_and(|user| user == "0")
}

fn install(missing: &[&Program]) -> Result<()> {
    run(apt_get().arg("update"))?;
    for program in missing {
        // One by one: some packages of nodejs bring npm along, and refuse the one of that name.
        if !is_missing(program) {
            continue;
        }
        let mut install = apt_get();
        install.args(["install", "--yes", "--no-install-recommends"]);
        run(install.arg(program.debian_package))?;
    }
    Ok(())
}

/// Installs these packages of Debian, after [`can_install`].
pub fn install_packages(packages: &[&str]) -> Result<()> {
    run(apt_get().arg("update"))?;
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]);
    run(install.args(packages))
}

/// Waits its turn when another package manager is at work.
fn apt_get() -> std::process::Command {
    let mut apt_get = command("apt-get");
    apt_get
        .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

/// `npm ci` replaces `node_modules` each time, so a copy of the lock file tells what is in there.
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

/// Into a folder of their own below `target/`, where only the tests look: nothing of the system's is
/// touched, and nothing of it is needed beyond pip.
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
    fn what_is_missing_is_said_in_one_line() {
        let missing: Vec<_> = PROGRAMS.iter().skip(2).take(2).collect();
        assert_eq!(
            advice(&missing),
            "the tests need chromium, chromedriver on the PATH: install it \
             (Debian's packages: chromium chromium-driver)"
        );
    }
}

//! The packages that the tasks give to cargo, always in the same selections: another selection of
//! features would compile dependencies again.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::process::root;

/// The packages that use Leptos, with the features of the server.
pub const LEPTOS: [&str; 2] = ["carillon-server", "carillon-app"];

/// The packages that run in browsers. Named together with `frontend`, `app` is built for the
/// browser instead of the server.
pub const BROWSER: [&str; 8] = [
    "carillon-wire",
    "carillon-broker",
    "carillon-store",
    "carillon-app",
    "carillon-frontend",
    "carillon-tools",
    "carillon-order",
    "carillon-boards",
];

/// Returns the libraries: `carillon-NAME` for each folder `crates/NAME`, and `carillon` itself.
pub fn libraries() -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            let folder = entry.file_name();
            packages.push(match folder.to_string_lossy().as_ref() {
                "carillon" => "carillon".to_owned(),
                name => format!("carillon-{name}"),
            });
        }
    }
    packages.sort();
    Ok(packages)
}

/// Returns all packages that run on this machine.
pub fn native() -> Result<Vec<String>> {
    let mut packages = tested()?;
    packages.push("carillon-xtask".to_owned());
    Ok(packages)
}

/// Returns the packages that run on this machine, without xtask, which has a profile of its own.
pub fn tested() -> Result<Vec<String>> {
    let mut packages = libraries()?;
    packages.extend(LEPTOS.map(str::to_owned));
    packages.push("carillon-tests".to_owned());
    Ok(packages)
}

/// Adds `-p PACKAGE` for each package.
pub fn select<'a, S: AsRef<str>>(command: &'a mut Command, packages: &[S]) -> &'a mut Command {
    for package in packages {
        command.args(["-p", package.as_ref()]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_of_crates_is_a_library() -> Result<()> {
        let libraries = libraries()?;
        for library in ["carillon", "carillon-broker", "carillon-wire"] {
            assert!(
                libraries.iter().any(|name| name == library),
                "{libraries:?}"
            );
        }
        Ok(())
    }
}

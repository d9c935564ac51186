//! The ways to build the pages and the server: small and fast programs, a short build, or a build with
//! checks.

use std::path::PathBuf;

use anyhow::Result;

use crate::packages;
use crate::process::root;

/// Build profile of the pages and the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// For deployment: optimised, with compressed files in `dist/`.
    Release,
    /// For `cargo xtask run`: the profile `quick` of Cargo.toml, without compressed files and
    /// without jemalloc, which takes long to compile.
    Quick,
    /// For the tests: the pages as for deployment, the server in cargo's profile `dev`, with debug
    /// assertions and checks for overflow. The tests of `server` and `app` share its dependencies.
    Test,
}

impl Profile {
    /// Returns the name of cargo's profile for the pages.
    pub fn of_pages(self) -> &'static str {
        match self {
            Self::Release | Self::Test => "wasm-release",
            Self::Quick => "quick",
        }
    }

    /// Returns cargo's arguments for the server.
    pub fn of_server(self) -> Result<Vec<String>> {
        let arguments = match self {
            Self::Release => vec!["--release".to_owned()],
            Self::Quick => ["--profile", "quick", "--no-default-features"]
                .map(str::to_owned)
                .to_vec(),
            // The tests are compiled with the same packages, so both share what they depend on.
            Self::Test => {
                let packages = packages::tested()?;
                let packages = packages
                    .iter()
                    .map(|package| format!("--package={package}"));
                packages.chain(["--bins".to_owned()]).collect()
            }
        };
        Ok(arguments)
    }

    /// Returns the folder of the pages' files. Each profile has its own, so that a build with one
    /// does not cause a build with the other.
    pub fn dist(self) -> PathBuf {
        root().join(match self {
            Self::Release | Self::Test => "dist",
            Self::Quick => "target/dist.quick",
        })
    }
}

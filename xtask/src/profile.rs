//! The ways to build the pages and the server: small and fast programs, a short build, or a build with
//! checks.

use std::path::PathBuf;

use anyhow::Result;

use crate::packages;
use crate::process::root;

/// Cargo's setting with which Leptos boxes the views of a page, instead of making one type of them. It changes nothing that
/// a page shows, and halves the time to compile `app`. The first module would be 11 % larger with it, so that only
/// [`Profile::Quick`] has it.
const ERASED_VIEWS: &str = r#"build.rustflags=["--cfg","erase_components"]"#;

/// Build profile of the pages and the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// For deployment: optimised, with compressed files in `dist/`.
    Release,
    /// For `cargo xtask run`: the profile `quick` of Cargo.toml, without compressed files, without jemalloc, which takes
    /// long to compile, and with [`ERASED_VIEWS`].
    Quick,
    /// For the tests: the pages as for deployment, the server in cargo's profile `dev`, with debug
    /// assertions and checks for overflow. The tests of `server` and `app` share its dependencies.
    Test,
}

impl Profile {
    /// Returns cargo's arguments for the pages.
    pub fn of_pages(self) -> &'static [&'static str] {
        match self {
            Self::Release | Self::Test => &["--profile", "wasm-release"],
            Self::Quick => &["--profile", "quick", "--config", ERASED_VIEWS],
        }
    }

    /// Returns cargo's arguments for the server.
    pub fn of_server(self) -> Result<Vec<String>> {
        let arguments = match self {
            Self::Release => vec!["--release".to_owned()],
            // With a target named, cargo does not compile macros and build scripts with the flags, so that xtask and the
            // pages share them.
            Self::Quick => [
                self.of_pages(),
                &["--no-default-features", "--target", "host-tuple"],
            ]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
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

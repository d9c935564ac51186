//! The two ways to build the pages and the server: small and fast programs, or a short build.

use std::path::PathBuf;

use crate::process::root;

/// Build profile of the pages and the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// For deployment: optimised, with compressed files in `dist/`.
    Release,
    /// For `cargo xtask run`: the profile `quick` of Cargo.toml, without compressed files and
    /// without jemalloc, which takes long to compile.
    Quick,
}

impl Profile {
    /// Returns the name of cargo's profile for the pages.
    pub fn of_pages(self) -> &'static str {
        match self {
            Self::Release => "wasm-release",
            Self::Quick => "quick",
        }
    }

    /// Returns cargo's arguments for the server.
    pub fn of_server(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["--release"],
            Self::Quick => &["--profile", "quick", "--no-default-features"],
        }
    }

    /// Returns the folder of the pages' files. Each profile has its own, so that a build with one
    /// does not cause a build with the other.
    pub fn dist(self) -> PathBuf {
        root().join(match self {
            Self::Release => "dist",
            Self::Quick => "target/dist.quick",
        })
    }
}

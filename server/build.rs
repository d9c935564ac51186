//! Gives the crate the folder of the pages' files: `CARILLON_DIST` or `dist/`. Creates the folder if it does not exist,
//! and lets Cargo build again when a file in it changes. The server compiles without these files; its pages are then not
//! updated in the browser.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    let folder = env::var_os("CARILLON_DIST").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist"));
    if let Err(error) = fs::create_dir_all(&folder) {
        println!("cargo::error=cannot create {}: {error}", folder.display());
    }
    println!("cargo::rustc-env=CARILLON_DIST={}", folder.display());
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-env-changed=CARILLON_DIST");
}

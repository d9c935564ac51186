//! Creates the folder of the pages' files if it does not exist, and lets Cargo build again when a file in it changes. The
//! server compiles without these files; its pages are then not updated in the browser.

use std::{fs, path::Path};

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    if let Err(error) = fs::create_dir_all(&dist) {
        println!("cargo::error=cannot create {}: {error}", dist.display());
    }
    println!("cargo::rerun-if-changed=../dist");
}

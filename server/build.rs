//! Sees to it that the folder of the pages' files is there to be embedded, and that new files in it are
//! noticed: without them the server compiles, and serves pages without life.

use std::{fs, path::Path};

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    if let Err(error) = fs::create_dir_all(&dist) {
        println!("cargo::error=cannot make {}: {error}", dist.display());
    }
    println!("cargo::rerun-if-changed=../dist");
}

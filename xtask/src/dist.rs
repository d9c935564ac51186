//! `dist/`: the files that the server embeds and browsers fetch.
//!
//! ```text
//! dist/pkg/carillon-<hash>.js        the module that loads the pages' WASM
//! dist/pkg/carillon_bg-<hash>.wasm   the pages
//! dist/pkg/carillon-<hash>.css       style/main.css
//! dist/...                           public/, unchanged
//! ```
//!
//! The server finds a file in `pkg/` by its extension. Compressed forms (`.br`, `.gz`) are in the
//! same folder as the files. `cargo xtask run` has a folder of its own with the same layout, without
//! compressed forms. A folder is replaced as a whole, and only if its contents change, because a
//! change makes cargo build the server again.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};

use crate::assets::{self, Assets, hashed_name};
use crate::pages::{self, MODULE};
use crate::process::root;
use crate::profile::Profile;

/// Brings the files for a profile up to date.
pub fn build(profile: Profile) -> Result<()> {
    let wasm = pages::compile(profile)?;
    let inputs = inputs(&wasm)?;
    let folder = profile.dist();
    if is_current(&folder, &inputs) {
        println!("xtask: {} is current", folder.display());
        return Ok(());
    }
    let mut assets = assemble(&wasm)?;
    if profile != Profile::Quick {
        assets::compress(&mut assets)?;
    }
    replace_folder(&folder, &assets)?;
    let stamp_text = stamp_text(&inputs, &read_folder(&folder)?);
    fs::write(stamp(&folder), stamp_text)?;
    print_sizes(&folder, &assets);
    Ok(())
}

fn assemble(wasm: &Path) -> Result<Assets> {
    let mut assets = module(wasm)?;
    let css = style()?;
    assets.insert(hashed_name(&pkg(MODULE), "css", &css), css);
    assets.extend(read_folder(&root().join("public"))?);
    Ok(assets)
}

fn style() -> Result<Vec<u8>> {
    let css = root().join("style/main.css");
    fs::read(&css).with_context(|| format!("{} cannot be read", css.display()))
}

/// Returns the WASM module and its JavaScript. The WASM is named first, because the JavaScript
/// contains its name.
fn module(wasm: &Path) -> Result<Assets> {
    let bound = scratch("dist.module");
    pages::bind(wasm, &bound)?;
    let mut files = read_folder(&bound)?;
    let background = format!("{MODULE}_bg");
    let wasm = files
        .remove(&format!("{background}.wasm"))
        .context("wasm-bindgen wrote no WASM")?;
    let javascript = files
        .remove(&format!("{MODULE}.js"))
        .context("wasm-bindgen wrote no JavaScript")?;

    let wasm_name = hashed_name(&background, "wasm", &wasm);
    let javascript =
        String::from_utf8(javascript)?.replace(&format!("{background}.wasm"), &wasm_name);
    let javascript = javascript.into_bytes();

    // The remaining files are snippets: JavaScript of other crates, whose folder names have a hash
    // already.
    let mut assets: Assets = files
        .into_iter()
        .map(|(name, bytes)| (pkg(&name), bytes))
        .collect();
    assets.insert(hashed_name(&pkg(MODULE), "js", &javascript), javascript);
    assets.insert(pkg(&wasm_name), wasm);
    Ok(assets)
}

fn pkg(name: &str) -> String {
    format!("pkg/{name}")
}

/// Replaces a folder. The new folder is written under another name and then renamed, so that other
/// processes see either the old or the new folder.
fn replace_folder(folder: &Path, assets: &Assets) -> Result<()> {
    if folder.exists() && read_folder(folder)? == *assets {
        return Ok(());
    }
    let (new, old) = (scratch("dist.new"), scratch("dist.old"));
    for leftover in [&new, &old] {
        if leftover.exists() {
            fs::remove_dir_all(leftover)?;
        }
    }
    for (name, bytes) in assets {
        let path = new.join(name);
        fs::create_dir_all(path.parent().expect("a file inside dist.new"))?;
        fs::write(&path, bytes)?;
    }
    if folder.exists() {
        fs::rename(folder, &old)?;
    }
    fs::rename(&new, folder)?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

/// Returns a path that git ignores, on the same file system as `dist/`.
fn scratch(name: &str) -> PathBuf {
    root().join("target").join(name)
}

fn stamp(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    scratch(&format!("{name}.stamp"))
}

fn is_current(folder: &Path, inputs: &str) -> bool {
    let Ok(contents) = read_folder(folder) else {
        return false;
    };
    fs::read_to_string(stamp(folder)).is_ok_and(|stamp| stamp == stamp_text(inputs, &contents))
}

fn stamp_text(inputs: &str, contents: &Assets) -> String {
    format!("{inputs}\n{}\n", fingerprint(contents))
}

/// Returns a fingerprint of all inputs of `dist/`. The build time of this program stands for its
/// code.
fn inputs(wasm: &Path) -> Result<String> {
    let mut files = read_folder(&root().join("public"))?;
    files.insert("main.css".into(), style()?);
    files.insert("wasm".into(), fs::read(wasm)?);
    let built = fs::metadata(env::current_exe()?)?.modified()?;
    let built = built.duration_since(UNIX_EPOCH)?.as_nanos();
    Ok(format!("{} {built}", fingerprint(&files)))
}

fn fingerprint(files: &Assets) -> String {
    let parts = files
        .iter()
        .flat_map(|(name, bytes)| [name.as_bytes(), b"\0", bytes, b"\0"]);
    assets::digest(parts)
}

/// Returns all files below a folder, or none if the folder does not exist.
fn read_folder(folder: &Path) -> Result<Assets> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        if !next.exists() {
            continue;
        }
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(name_inside(folder, &path), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

fn name_inside(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).expect("found below the folder");
    let levels: Vec<_> = inside.iter().map(|level| level.to_string_lossy()).collect();
    levels.join("/")
}

/// Checks that the WASM and JavaScript that a browser fetches before the page is live, compressed
/// with brotli, do not exceed [`BUDGET_BYTES`].
pub fn check_budget() -> Result<()> {
    let files = read_folder(&Profile::Release.dist())?;
    let is_code = |name: &str| name.ends_with(".wasm.br") || name.ends_with(".js.br");
    let code = files.iter().filter(|(name, _)| is_code(name));
    let bytes: usize = code.map(|(_, bytes)| bytes.len()).sum();
    ensure!(bytes > 0, "dist/ holds no compressed WASM or JavaScript");
    ensure!(
        bytes <= BUDGET_BYTES,
        "WASM and JavaScript take {bytes} bytes after brotli, over the budget of {BUDGET_BYTES}; see docs/page-size.md for the cost of each part"
    );
    println!("xtask: WASM and JavaScript take {bytes} of {BUDGET_BYTES} bytes after brotli");
    Ok(())
}

/// Maximum compressed size of the WASM and JavaScript, in bytes. It is lowered when the pages get
/// smaller, to 1 kB above their size: folder names that the compiler hashes change the size by some
/// hundred bytes.
const BUDGET_BYTES: usize = 133_000;

fn print_sizes(folder: &Path, assets: &Assets) {
    for (name, bytes) in assets.iter().filter(|(name, _)| name.starts_with("pkg/")) {
        println!(
            "xtask: {:>9} bytes  {}/{name}",
            bytes.len(),
            folder.display()
        );
    }
}

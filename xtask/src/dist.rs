//! `dist/`: everything that the server embeds and browsers fetch.
//!
//! ```text
//! dist/pkg/carillon-<hash>.js        the module that loads the pages' WASM
//! dist/pkg/carillon_bg-<hash>.wasm   the pages
//! dist/pkg/carillon-<hash>.css       style/main.css
//! dist/...                           public/, as it is
//! ```
//!
//! The server finds a file in `pkg/` by its extension. Compressed forms (`.br`, `.gz`) lie beside
//! the files. The folder is replaced as a whole and only when its contents change, since a change
//! makes cargo build the server again.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};

use crate::assets::{self, Assets, hashed_name};
use crate::pages::{self, MODULE};
use crate::process::root;

/// Brings `dist/` up to date.
pub fn build() -> Result<()> {
    let wasm = pages::compile()?;
    let inputs = inputs(&wasm)?;
    if is_current(&inputs) {
        println!("xtask: dist/ is current");
        return Ok(());
    }
    let mut assets = assemble(&wasm)?;
    assets::compress(&mut assets)?;
    replace_folder(&assets)?;
    fs::write(stamp(), stamp_text(&inputs, &read_folder(&folder())?))?;
    tell_sizes(&assets);
    Ok(())
}

fn folder() -> PathBuf {
    root().join("dist")
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

/// The WASM is named first, because its name is part of the JavaScript's bytes.
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

    // What is left are snippets: JavaScript of other crates, whose folders carry a hash already.
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

/// Written beside, then renamed: whoever looks sees the old folder or the new one.
fn replace_folder(assets: &Assets) -> Result<()> {
    if folder().exists() && read_folder(&folder())? == *assets {
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
    if folder().exists() {
        fs::rename(folder(), &old)?;
    }
    fs::rename(&new, folder())?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

/// A place on the same file system as `dist/` that git ignores.
fn scratch(name: &str) -> PathBuf {
    root().join("target").join(name)
}

fn stamp() -> PathBuf {
    scratch("dist.stamp")
}

fn is_current(inputs: &str) -> bool {
    let Ok(contents) = read_folder(&folder()) else {
        return false;
    };
    fs::read_to_string(stamp()).is_ok_and(|stamp| stamp == stamp_text(inputs, &contents))
}

fn stamp_text(inputs: &str, contents: &Assets) -> String {
    format!("{inputs}\n{}\n", fingerprint(contents))
}

/// All that `dist/` is made of; this program's own age stands for what it does with it.
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

/// Every file below a folder; none when there is no such folder.
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

/// What a browser fetches before the page is live, WASM and JavaScript after brotli, stays within
/// [`BUDGET_BYTES`].
pub fn check_budget() -> Result<()> {
    let files = read_folder(&folder())?;
    let is_code = |name: &str| name.ends_with(".wasm.br") || name.ends_with(".js.br");
    let code = files.iter().filter(|(name, _)| is_code(name));
    let bytes: usize = code.map(|(_, bytes)| bytes.len()).sum();
    ensure!(bytes > 0, "dist/ holds no compressed WASM or JavaScript");
    ensure!(
        bytes <= BUDGET_BYTES,
        "WASM and JavaScript take {bytes} bytes after brotli, of {BUDGET_BYTES}; what costs what is in docs/page-size.md"
    );
    println!("xtask: WASM and JavaScript take {bytes} bytes after brotli, of {BUDGET_BYTES}");
    Ok(())
}

/// It is lowered whenever the pages get smaller, to 1 kB above what they take: names of folders that the compiler
/// hashes make a difference of some hundred bytes.
const BUDGET_BYTES: usize = 132_500;

fn tell_sizes(assets: &Assets) {
    for (name, bytes) in assets.iter().filter(|(name, _)| name.starts_with("pkg/")) {
        println!("xtask: {:>9} bytes  dist/{name}", bytes.len());
    }
}

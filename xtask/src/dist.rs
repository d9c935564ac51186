//! `dist/`: the files that the server embeds and browsers fetch.
//!
//! ```text
//! dist/pkg/carillon-<hash>.js        loads the WASM of the first module
//! dist/pkg/carillon_bg-<hash>.wasm   the overview and the demonstration
//! dist/pkg/carillon-<hash>.css       style/main.css
//! dist/pkg/tools-<hash>.js           loads the WASM of the second module
//! dist/pkg/tools_bg-<hash>.wasm      the pages of topics, queues and connections
//! dist/pkg/order-<hash>.js           loads the WASM of the third module
//! dist/pkg/order_bg-<hash>.wasm      the page of the order
//! dist/pkg/boards-<hash>.js          loads the WASM of the fourth module
//! dist/pkg/boards_bg-<hash>.wasm     the pages of boards
//! dist/...                           public/, unchanged
//! ```
//!
//! The server finds a file in `pkg/` by its extension; those of the other modules begin with `tools`, `order` and
//! `boards`. Compressed forms (`.br`, `.gz`) are in the same folder as the files. `cargo xtask run` has a folder of its own with the same layout, without
//! compressed forms. A folder is replaced as a whole, and only if its contents change, because a
//! change makes cargo build the server again.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};

use crate::assets::{self, Assets, hashed_name};
use crate::pages::{self, MODULES, Module};
use crate::process::root;
use crate::profile::Profile;

/// Brings the files for a profile up to date.
pub fn build(profile: Profile) -> Result<()> {
    let compiled = pages::compile(profile)?;
    let inputs = inputs(&compiled)?;
    let folder = profile.dist();
    if is_current(&folder, &inputs) {
        println!("xtask: {} is current", folder.display());
        return Ok(());
    }
    let mut assets = assemble(&compiled)?;
    if profile != Profile::Quick {
        assets::compress(&mut assets)?;
    }
    replace_folder(&folder, &assets)?;
    let stamp_text = stamp_text(&inputs, &read_folder(&folder)?);
    fs::write(stamp(&folder), stamp_text)?;
    print_sizes(&folder, &assets);
    Ok(())
}

fn assemble(compiled: &[PathBuf]) -> Result<Assets> {
    let css = style()?;
    let mut assets = Assets::from([(hashed_name("pkg/carillon", "css", &css), css)]);
    // At the same time: without optimisation, as in `cargo xtask run`, wasm-bindgen takes seconds for each module.
    let modules = thread::scope(|scope| {
        let mut running = Vec::new();
        for (module, wasm) in MODULES.into_iter().zip(compiled) {
            running.push(scope.spawn(move || bound(module, wasm)));
        }
        running
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect::<Vec<_>>()
    });
    for module in modules {
        let module = module.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assets.extend(module?);
    }
    assets.extend(read_folder(&root().join("public"))?);
    Ok(assets)
}

fn style() -> Result<Vec<u8>> {
    let css = root().join("style/main.css");
    fs::read(&css).with_context(|| format!("{} cannot be read", css.display()))
}

/// Returns a WASM module and its JavaScript. The WASM is named first, because the JavaScript
/// contains its name.
fn bound(module: Module, wasm: &Path) -> Result<Assets> {
    let folder = scratch(&format!("dist.{}", module.name));
    pages::bind(module, wasm, &folder)?;
    let mut files = read_folder(&folder)?;
    let Module { name, .. } = module;
    let background = format!("{name}_bg");
    let wasm = files
        .remove(&format!("{background}.wasm"))
        .context("wasm-bindgen wrote no WASM")?;
    let javascript = files
        .remove(&format!("{name}.js"))
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
    assets.insert(hashed_name(&pkg(name), "js", &javascript), javascript);
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
fn inputs(compiled: &[PathBuf]) -> Result<String> {
    let mut files = read_folder(&root().join("public"))?;
    files.insert("main.css".into(), style()?);
    for (module, wasm) in MODULES.iter().zip(compiled) {
        files.insert(format!("{}.wasm", module.name), fs::read(wasm)?);
    }
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

/// Checks for each module that the WASM and JavaScript that a browser fetches before the page is live, compressed
/// with brotli, do not exceed the module's budget.
pub fn check_budget() -> Result<()> {
    let files = read_folder(&Profile::Release.dist())?;
    for module in MODULES {
        let Module {
            name,
            budget_bytes: budget,
            ..
        } = module;
        let bytes = code_bytes(&files, name);
        ensure!(
            bytes > 0,
            "dist/ holds no compressed WASM or JavaScript of {name}"
        );
        ensure!(
            bytes <= budget,
            "WASM and JavaScript of {name} take {bytes} bytes after brotli, over the budget of {budget}; see docs/src/measure/page-size.md for the cost of each part"
        );
        println!(
            "xtask: WASM and JavaScript of {name} take {bytes} of {budget} bytes after brotli"
        );
    }
    Ok(())
}

/// Returns the compressed size of a module's code. Snippets of other crates, if there were any, would count for both modules.
fn code_bytes(files: &Assets, module: &str) -> usize {
    let (javascript, wasm) = (format!("pkg/{module}-"), format!("pkg/{module}_bg-"));
    let is_code = |name: &str| {
        let is_compressed_code = name.ends_with(".wasm.br") || name.ends_with(".js.br");
        let is_of_module = [&*javascript, &wasm, "pkg/snippets/"]
            .iter()
            .any(|start| name.starts_with(start));
        is_compressed_code && is_of_module
    };
    let code = files.iter().filter(|(name, _)| is_code(name));
    code.map(|(_, bytes)| bytes.len()).sum()
}

fn print_sizes(folder: &Path, assets: &Assets) {
    for (name, bytes) in assets.iter().filter(|(name, _)| name.starts_with("pkg/")) {
        println!(
            "xtask: {:>9} bytes  {}/{name}",
            bytes.len(),
            folder.display()
        );
    }
}

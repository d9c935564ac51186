//! Takes from the pages' module what browsers would fetch for nothing, before and after `wasm-bindgen`
//! has read it: together an eighth of it.
//!
//! What is compiled into it at all is decided by the crates and the profile.

pub mod javascript;
mod links;
mod panics;
mod places;
mod reach;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use walrus::{Module, ModuleConfig, RawCustomSection};

use links::Links;

/// The compiled module, without what only debuggers read, what only a panic would say, and what
/// nothing in it needs then.
pub fn read(wasm: &Path) -> Result<Module> {
    let file = fs::read(wasm).with_context(|| format!("{} cannot be read", wasm.display()))?;
    let mut config = ModuleConfig::new();
    config
        .generate_dwarf(false)
        .generate_name_section(false)
        .generate_producers_section(false)
        .strict_validate(false);
    let mut module = config.parse(&file)?;
    let links = Links::read(&file, &module)?;
    links::drop_sections(&mut module);
    drop_unused_classes(&mut module)?;
    let trap = panics::cut(&mut module)?;
    places::forget(&mut module);
    reach::keep_reached(&mut module, &links, trap);
    Ok(module)
}

/// Removes classes that a library offers to JavaScript. Everything that is exported counts as needed
/// otherwise.
fn drop_unused_classes(module: &mut Module) -> Result<()> {
    let is_unused = |name: &str| UNUSED_IN_EXPORTS.iter().any(|part| name.contains(part));
    let exports = module.exports.iter();
    let unused: Vec<_> = exports
        .filter(|export| is_unused(&export.name))
        .map(|export| export.id())
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
    let section = module.customs.remove_raw(PROGRAMS);
    let mut section = section.context("the module holds nothing for wasm-bindgen")?;
    section.data = without_unused_classes(&section.data)?;
    module.customs.add(RawCustomSection { ..section });
    Ok(())
}

/// What the macro of wasm-bindgen leaves for its tool: pairs of a version and a program, each with its
/// length in front.
fn without_unused_classes(section: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut rest = section;
    while !rest.is_empty() {
        let before = rest;
        take(&mut rest)?;
        let program = take(&mut rest)?;
        let is_unused = |class: &[u8]| program.windows(class.len()).any(|part| part == class);
        if !is_unused(UNUSED_CLASSES.as_bytes()) {
            kept.extend_from_slice(&before[..before.len() - rest.len()]);
        }
    }
    Ok(kept)
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8]> {
    let taken = rest.split_first_chunk().and_then(|(length, behind)| {
        let length = u32::from_le_bytes(*length) as usize;
        behind.split_at_checked(length)
    });
    let Some((taken, behind)) = taken else {
        bail!("wasm-bindgen's section is not as this version's");
    };
    *rest = behind;
    Ok(taken)
}

/// Of wasm-streams, which Leptos brings along for server functions; the pages call none.
const UNUSED_CLASSES: &str = "IntoUnderlying";
const UNUSED_IN_EXPORTS: [&str; 2] = ["intounderlying", "into_underlying"];

/// The custom section in which `wasm-bindgen` finds what its macro left.
const PROGRAMS: &str = "__wasm_bindgen_unstable";

#[cfg(test)]
mod tests {
    use super::*;

    fn section(programs: &[&str]) -> Vec<u8> {
        let mut section = Vec::new();
        for part in programs.iter().flat_map(|program| ["{}", *program]) {
            section.extend_from_slice(&(part.len() as u32).to_le_bytes());
            section.extend_from_slice(part.as_bytes());
        }
        section
    }

    #[test]
    fn only_programs_of_unused_classes_are_dropped() {
        let all = section(&["one", "class IntoUnderlyingSink", "other"]);
        let kept = without_unused_classes(&all).expect("a section");
        assert_eq!(kept, section(&["one", "other"]));
    }

    #[test]
    fn a_section_of_another_form_is_refused() {
        let all = section(&["one"]);
        assert!(without_unused_classes(&all[..all.len() - 1]).is_err());
    }
}

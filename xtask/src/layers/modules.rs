//! The modules of a crate, and the imports between them. A module is one file; inline modules belong
//! to their file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::circles::Edges;
use super::source::{self, Source};

/// The name of the crate's root: `lib.rs`, or `main.rs` if the crate is no library. Beside a `lib.rs`, `main.rs` is a crate of its
/// own.
pub const ROOT: &str = "crate";

/// One path in one module that leads to another module.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    pub from: String,
    pub to: String,
    /// The importing file, below the crate's folder.
    pub file: String,
    pub line: usize,
}

pub struct Modules {
    modules: BTreeMap<String, Module>,
    imports: Vec<Import>,
}

struct Module {
    file: String,
    source: Source,
}

impl Modules {
    /// Reads all files below the folder of a crate's sources.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut modules = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        let is_library = folder.join("lib.rs").is_file();
        while let Some(next) = folders.pop() {
            let entries =
                fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let file = path.strip_prefix(folder).expect("found below the folder");
                    let file = file.to_string_lossy().replace('\\', "/");
                    if is_library && file == "main.rs" {
                        continue;
                    }
                    add(&mut modules, file, &fs::read_to_string(&path)?);
                }
            }
        }
        Ok(Self::new(modules))
    }

    #[cfg(test)]
    pub fn from_files(files: &[(&str, &str)]) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            add(&mut modules, (*file).to_owned(), text);
        }
        Self::new(modules)
    }

    fn new(mut modules: BTreeMap<String, Module>) -> Self {
        let tests: Vec<_> = modules
            .iter()
            .flat_map(|(name, module)| {
                let declared = module.source.test_modules.iter();
                declared.map(|child| join(&[segments(name), vec![child.clone()]].concat()))
            })
            .collect();
        modules.retain(|name, _| !tests.iter().any(|test| is_inside(name, test)));
        let exports = exports(&modules);
        let imports = modules
            .iter()
            .flat_map(|(name, module)| imports_of(name, module, &modules, &exports))
            .collect();
        Self { modules, imports }
    }

    /// Returns the names of the modules, for example `queue::store`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.imports.iter()
    }

    /// Returns the imports as edges between groups of modules. The root is left out, because it
    /// imports everything. Modules without a group are left out.
    pub fn edges(&self, group: impl Fn(&str) -> Option<String>) -> Edges {
        let mut edges = Edges::new();
        let inner = self
            .imports
            .iter()
            .filter(|import| import.from != ROOT && import.to != ROOT);
        for import in inner {
            if let (Some(from), Some(to)) = (group(&import.from), group(&import.to)) {
                edges.entry(from).or_default().insert(to);
            }
        }
        edges
    }
}

/// Returns true if a module is `outer` or is inside it.
pub fn is_inside(module: &str, outer: &str) -> bool {
    module
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn add(modules: &mut BTreeMap<String, Module>, file: String, text: &str) {
    let name = name_of(&file);
    let source = Source::parse(text);
    modules.insert(name, Module { file, source });
}

/// Returns the module of a file: `queue::store` for `queue/store.rs`, `queue` for `queue/mod.rs`.
fn name_of(file: &str) -> String {
    let stem = file.trim_end_matches(".rs");
    match stem {
        "lib" | "main" => ROOT.to_owned(),
        _ => stem.trim_end_matches("/mod").replace('/', "::"),
    }
}

fn segments(module: &str) -> Vec<String> {
    match module {
        ROOT => Vec::new(),
        _ => module.split("::").map(str::to_owned).collect(),
    }
}

fn join(segments: &[String]) -> String {
    match segments {
        [] => ROOT.to_owned(),
        _ => segments.join("::"),
    }
}

/// Returns the names that the crate's root exports, with their paths.
fn exports(modules: &BTreeMap<String, Module>) -> BTreeMap<String, Vec<String>> {
    let root = modules.get(ROOT).into_iter();
    root.flat_map(|module| &module.source.paths)
        .filter_map(|path| Some((path.exported_as.clone()?, path.segments.clone())))
        .collect()
}

fn imports_of(
    name: &str,
    module: &Module,
    modules: &BTreeMap<String, Module>,
    exports: &BTreeMap<String, Vec<String>>,
) -> Vec<Import> {
    let mut seen = BTreeSet::new();
    let mut imports = Vec::new();
    for path in &module.source.paths {
        let Some(absolute) = absolute(&segments(name), path, modules) else {
            continue;
        };
        let mut to = longest_module(&absolute, modules);
        if to == ROOT
            && let Some(exported) = absolute.first().and_then(|name| exports.get(name))
        {
            to = longest_module(exported, modules);
        }
        if to != name && seen.insert((to.clone(), path.line)) {
            imports.push(Import {
                from: name.to_owned(),
                to,
                file: module.file.clone(),
                line: path.line,
            });
        }
    }
    imports
}

/// Returns a path from the crate's root, or None if the path leads to another crate or to an item
/// that is in scope.
fn absolute(
    module: &[String],
    path: &source::Path,
    modules: &BTreeMap<String, Module>,
) -> Option<Vec<String>> {
    let mut base = [module, &path.inside].concat();
    let mut rest = path.segments.as_slice();
    match path.segments[0].as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while let Some((first, after)) = rest.split_first()
                && first == "super"
            {
                base.pop();
                rest = after;
            }
        }
        // A path that begins with the name of a child module.
        child => {
            base = module.to_vec();
            let inner = join(&[module, &[child.to_owned()]].concat());
            modules.get(&inner)?;
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}

fn longest_module(path: &[String], modules: &BTreeMap<String, Module>) -> String {
    (0..=path.len())
        .rev()
        .map(|length| join(&path[..length]))
        .find(|name| modules.contains_key(name))
        .unwrap_or_else(|| ROOT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let modules = Modules::from_files(files);
        let imports = modules.imports();
        imports
            .map(|import| format!("{} {}", import.from, import.to))
            .collect()
    }

    #[test]
    fn paths_are_resolved_from_the_root_the_parent_and_the_module_itself() {
        let files = [
            ("main.rs", "mod a;"),
            ("a/mod.rs", "mod b; use b::B; use self::c::C;"),
            (
                "a/b.rs",
                "use super::c::C; use super::super::d::D; use crate::d;",
            ),
            ("a/c.rs", "mod inner { use super::X; use super::super::A; }"),
            ("d.rs", "use std::fmt; use a::B;"),
        ];
        let found = ["a a::b", "a a::c", "a::b a::c", "a::b d", "a::c a"];
        assert_eq!(imports(&files), found);
    }

    #[test]
    fn names_that_the_root_exports_lead_to_their_module() {
        let files = [
            ("lib.rs", "pub use a::b::{B, C as D};"),
            ("a/mod.rs", ""),
            ("a/b.rs", ""),
            ("e.rs", "use crate::D;"),
            ("f.rs", "use crate::Other;"),
        ];
        assert_eq!(imports(&files), ["crate a::b", "e a::b", "f crate"]);
    }

    #[test]
    fn files_of_test_modules_are_left_out() {
        let files = [
            ("a/mod.rs", "#[cfg(test)] mod tests;"),
            ("a/tests/mod.rs", "use crate::b;"),
            ("a/tests/more.rs", "use crate::b;"),
            ("b.rs", ""),
        ];
        assert!(imports(&files).is_empty());
        assert_eq!(Modules::from_files(&files).names().count(), 2);
    }
}

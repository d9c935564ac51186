//! The names by which the module and its JavaScript know each other, as short as possible, and the
//! JavaScript without what only people read.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use walrus::Module;

/// New names by the old ones.
pub type Names = BTreeMap<String, String>;

/// Gives the imports the shortest names there are: theirs end with hashes, which no compression makes
/// smaller.
pub fn shorten_imports(module: &mut Module) -> Names {
    let mut names = Names::new();
    for (number, import) in module.imports.iter_mut().enumerate() {
        let short = format!("_{number:x}");
        names.insert(std::mem::replace(&mut import.name, short.clone()), short);
    }
    names
}

/// The same for the exports of closures.
pub fn shorten_closures(module: &mut Module) -> Names {
    let mut names = Names::new();
    let exports = module.exports.iter_mut();
    let closures = exports.filter(|export| export.name.starts_with(CLOSURES));
    for (number, export) in closures.enumerate() {
        let short = format!("call{number}");
        names.insert(std::mem::replace(&mut export.name, short.clone()), short);
    }
    names
}

/// Gives imports their new names in the JavaScript, where each is a member of an object, on a line of its
/// own.
pub fn rename_imports(javascript: &str, names: &Names) -> Result<String> {
    let mut renamed = 0;
    let lines = javascript.lines().map(|line| {
        let member = line.trim_start().split_once(": ");
        let short = member.and_then(|(name, value)| Some((names.get(name)?, value)));
        short.map_or(line.to_owned(), |(short, value)| {
            renamed += 1;
            format!("{short}: {value}")
        })
    });
    let lines: Vec<_> = lines.collect();
    ensure!(
        renamed == names.len(),
        "of {} imports, {renamed} were found in the JavaScript",
        names.len()
    );
    Ok(lines.join("\n"))
}

/// Gives closures their new names. A name may begin with another, so the last comes first.
pub fn rename_closures(javascript: &str, names: &Names) -> String {
    let all = names.iter().rev();
    all.fold(javascript.to_owned(), |text, (name, short)| {
        text.replace(name, short)
    })
}

/// Leaves out comments that have their lines for themselves, indentation, and empty lines. No text of
/// `wasm-bindgen`'s goes over several lines.
pub fn without_comments(javascript: &str) -> String {
    let mut is_comment = false;
    let lines = javascript.lines().map(str::trim).filter(|line| {
        let begins = line.starts_with("/*");
        let is_left_out = is_comment || begins || line.starts_with("//") || line.is_empty();
        is_comment = (is_comment || begins) && !line.ends_with("*/");
        !is_left_out
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How the names of what calls a closure begin; a hash follows.
const CLOSURES: &str = "wasm_bindgen__convert__closures_";

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [(&str, &str); N]) -> Names {
        names
            .map(|(long, short)| (long.into(), short.into()))
            .into()
    }

    #[test]
    fn imports_are_renamed_where_they_are_defined() {
        let names = names([("__wbg_new_0a1b", "_0"), ("__wbg_log_2c3d", "_1")]);
        let javascript = "  __wbg_log_2c3d: function() {\n    log();\n  },\n  __wbg_new_0a1b: f,";
        assert_eq!(
            rename_imports(javascript, &names).ok().as_deref(),
            Some("_1: function() {\n    log();\n  },\n_0: f,")
        );
        assert!(rename_imports("nothing", &names).is_err());
    }

    #[test]
    fn closures_are_renamed_wherever_they_are_named() {
        let names = names([("invoke_h1b", "call0"), ("invoke_h1b_4", "call1")]);
        let javascript = "function invoke_h1b_4() { wasm.invoke_h1b_4(); wasm.invoke_h1b(); }";
        assert_eq!(
            rename_closures(javascript, &names),
            "function call1() { wasm.call1(); wasm.call0(); }"
        );
    }

    #[test]
    fn only_code_is_left() {
        let javascript = "/**\n * Starts.\n */\nexport function start() {\n    // Now.\n    a(); // b\n\n}\n/* c */\nd();";
        assert_eq!(
            without_comments(javascript),
            "export function start() {\na(); // b\n}\nd();"
        );
    }
}

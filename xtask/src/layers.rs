//! `cargo xtask layers`: checks that the modules of `broker` and `server` import only from their own
//! layer's module or from lower layers. `--report` also prints the modules that import each other in
//! a circle.
//!
//! `table` holds the layers and the known exceptions. `source` reads the paths from a file, `modules`
//! resolves them to modules, `circles` finds the circles. Code for tests is not checked.

mod circles;
mod modules;
mod source;
mod table;

use std::path::Path;

use anyhow::{Result, bail};

use crate::process::root;
use modules::{Import, Modules, is_inside};
use table::{CRATES, Crate};

/// Checks all crates of the table. `arguments` may contain `--report`.
pub fn check(arguments: &[String]) -> Result<()> {
    let report = match arguments {
        [] => Report::Faults,
        [one] if one == "--report" => Report::FaultsAndCircles,
        _ => bail!("usage: cargo xtask layers [--report]"),
    };
    let mut faults = Vec::new();
    for krate in CRATES {
        let modules = Modules::read(&root().join(krate.folder))?;
        if let Report::FaultsAndCircles = report {
            print_circles(krate, &modules);
        }
        faults.extend(faults_of(krate, &modules));
        let (count, exceptions) = (modules.names().count(), krate.exceptions.len());
        println!(
            "xtask: {}: {count} modules, {exceptions} exceptions",
            krate.folder
        );
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!(
        "the layers in xtask/src/layers/table.rs do not hold:\n{}",
        faults.join("\n")
    )
}

enum Report {
    Faults,
    FaultsAndCircles,
}

fn faults_of(krate: &Crate, modules: &Modules) -> Vec<String> {
    let mut faults = Vec::new();
    let unplaced = modules.names().filter(|name| krate.place(name).is_none());
    faults.extend(unplaced.map(|name| format!("{}: `{name}` is in no layer", krate.folder)));
    let entries = krate.layers.iter().copied().flatten();
    let unused = entries.filter(|entry| !modules.names().any(|name| is_inside(name, entry)));
    faults.extend(unused.map(|entry| {
        format!(
            "{}: there is no module `{entry}`: delete its entry",
            krate.folder
        )
    }));

    let against: Vec<_> = modules
        .imports()
        .filter(|import| is_against_layers(krate, import))
        .collect();
    let unexpected = against.iter().filter(|import| !is_exception(krate, import));
    faults.extend(unexpected.map(|import| describe(krate, import)));

    let unneeded = krate.exceptions.iter().filter(|exception| {
        let is_met = |import: &&Import| (import.from.as_str(), import.to.as_str()) == **exception;
        !against.iter().any(is_met)
    });
    faults.extend(unneeded.map(|(from, to)| {
        format!(
            "{}: the exception `{from}` -> `{to}` is not needed any more: delete it",
            krate.folder
        )
    }));
    faults
}

/// Returns true if the imported module is in a higher layer, or is another module of the same layer.
fn is_against_layers(krate: &Crate, import: &Import) -> bool {
    let (Some(from), Some(to)) = (krate.place(&import.from), krate.place(&import.to)) else {
        return false;
    };
    from.entry != to.entry && from.layer >= to.layer
}

fn is_exception(krate: &Crate, import: &Import) -> bool {
    krate
        .exceptions
        .contains(&(import.from.as_str(), import.to.as_str()))
}

fn describe(krate: &Crate, import: &Import) -> String {
    let file = Path::new(krate.folder).join(&import.file);
    format!(
        "{}:{}: `{}` imports `{}`, which is not in a lower layer",
        file.display(),
        import.line,
        import.from,
        import.to
    )
}

fn print_circles(krate: &Crate, modules: &Modules) {
    let files = modules.edges(|name| Some(name.to_owned()));
    print_circles_of(&format!("{}: files", krate.folder), &files);
    let entries = modules.edges(|name| krate.place(name).map(|place| place.entry.to_owned()));
    print_circles_of(&format!("{}: entries of the table", krate.folder), &entries);
}

fn print_circles_of(title: &str, edges: &circles::Edges) {
    let circles = circles::find(edges);
    println!("{title}: {} circles", circles.len());
    for circle in circles {
        println!("  {}: {}", circle.len(), circle.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERED: Crate = Crate {
        folder: "src",
        layers: &[&["crate"], &["session"], &["queue", "topic"], &["name"]],
        exceptions: &[("name::index", "topic")],
    };

    /// Files that make all entries and exceptions of the table needed.
    const BASE: [(&str, &str); 5] = [
        ("lib.rs", ""),
        ("session.rs", ""),
        ("queue/mod.rs", ""),
        ("topic.rs", ""),
        ("name/index.rs", "use crate::topic::T;"),
    ];

    /// Returns the faults of a crate with the files of [`BASE`], some of them replaced by `files`.
    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        faults_of(&LAYERED, &Modules::from_files(&[&BASE, files].concat()))
    }

    #[test]
    fn imports_from_lower_layers_and_from_the_same_folder_are_allowed() {
        let files = [
            ("lib.rs", "use session::Session;"),
            ("session.rs", "use crate::{name::Name, queue};"),
            (
                "queue/mod.rs",
                "mod store; use store::Store; fn f() { crate::name::g() }",
            ),
            ("queue/store.rs", "use super::Fault;"),
            ("name/mod.rs", ""),
        ];
        assert!(faults(&files).is_empty(), "{:?}", faults(&files));
    }

    #[test]
    fn an_import_from_a_higher_layer_is_reported_with_file_and_line() {
        let files = [("topic.rs", "use std::fmt;\nuse crate::session::Session;")];
        let fault = "src/topic.rs:2: `topic` imports `session`, which is not in a lower layer";
        assert_eq!(faults(&files), [fault]);
    }

    #[test]
    fn modules_of_one_layer_do_not_import_each_other() {
        let files = [
            ("topic.rs", "use super::queue::store::S;"),
            ("queue/store.rs", ""),
        ];
        let fault = "src/topic.rs:1: `topic` imports `queue::store`, which is not in a lower layer";
        assert_eq!(faults(&files), [fault]);
    }

    #[test]
    fn the_table_lists_each_module_and_nothing_else() {
        let modules = Modules::from_files(&[("other.rs", "")]);
        assert_eq!(
            faults_of(&LAYERED, &modules),
            [
                "src: `other` is in no layer",
                "src: there is no module `crate`: delete its entry",
                "src: there is no module `session`: delete its entry",
                "src: there is no module `queue`: delete its entry",
                "src: there is no module `topic`: delete its entry",
                "src: there is no module `name`: delete its entry",
                "src: the exception `name::index` -> `topic` is not needed any more: delete it",
            ]
        );
        assert!(faults(&[]).is_empty());
    }

    #[test]
    fn the_project_keeps_its_layers() -> Result<()> {
        check(&[])
    }
}

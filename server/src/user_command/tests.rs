//! Tests of the commands that need no terminal.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::{UserCommand, check, file::FileEditor};
use crate::cli::{Cli, Command};

/// A directory that is removed at the end of the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("carillon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `carillon user check` with these arguments; returns its text, or its error.
fn explained(path: &Path, arguments: &[&str]) -> Result<String, String> {
    let path = path.to_str().expect("a text");
    let fixed = ["carillon", "user", "check", "--users", path];
    let cli =
        Cli::try_parse_from(fixed.iter().chain(arguments)).map_err(|error| error.to_string())?;
    let Some(Command::User(options)) = cli.command else {
        panic!("not the command `user`");
    };
    let UserCommand::Check(options) = options.command else {
        panic!("not the command `user check`");
    };
    let mut out = Vec::new();
    check::run(&options, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).expect("a text"))
}

#[test]
fn a_decision_is_explained_with_its_rule_and_groups() {
    let directory = Directory::new("user-check");
    let path = directory.0.join("users.toml");
    let text = "[users.anna]\ngroups = [\"editors\"]\n[groups.editors]\npublish = [\"news.>\"]\nmanage = [\"/queue/>\"]\n";
    std::fs::write(&path, text).expect("a file");
    let table = [
        (
            &["anna", "publish", "news.a"][..],
            "allowed: [groups.editors] publish = \"news.>\"\nanna is in editors\n",
        ),
        (
            &["anna", "publish", "weather"],
            "denied: no rule allows it\nanna is in editors\n",
        ),
        (
            &["anna", "manage", "/queue/a"],
            "allowed: [groups.editors] manage = \"/queue/>\"\nanna is in editors\n",
        ),
    ];
    for (arguments, expected) in table {
        assert_eq!(
            explained(&path, arguments).as_deref(),
            Ok(expected),
            "{arguments:?}"
        );
    }
    let faults = [
        (
            &["ben", "publish", "news.a"][..],
            "there is no user \"ben\"",
        ),
        (
            &["anonymous", "publish", "news.a"],
            "anonymous clients are not accepted",
        ),
        (&["anna", "manage", "a"], "write /topic/a or /queue/a"),
        (&["anna", "send", "/topic/a"], "does not apply"),
        (&["anna", "publish", "a..b"], "a level is empty"),
        (&["anna", "read", "a"], "publish, subscribe, send"),
    ];
    for (arguments, expected) in faults {
        let error = explained(&path, arguments).expect_err("a fault");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn a_decision_about_a_user_with_a_jwt_is_explained_by_the_groups_of_the_claim() {
    let directory = Directory::new("user-check-jwt");
    let path = directory.0.join("users.toml");
    let rules = "[users.anna]\npublish = [\"a\"]\n[groups.editors]\npublish = [\"news.>\"]\n";
    std::fs::write(&path, rules).expect("a file");
    let arguments = ["anna", "publish", "news.a", "--jwt-group", "editors"];
    let error = explained(&path, &arguments).expect_err("no rules for JWTs");
    assert!(error.contains("[jwt]"), "{error}");
    let rules = format!("{rules}[jwt]\nkeys = \"jwks.json\"\naudience = \"carillon\"\n");
    std::fs::write(&path, rules).expect("a file");
    let expected = "allowed: [groups.editors] publish = \"news.>\"\nanna is in editors\n";
    assert_eq!(explained(&path, &arguments).as_deref(), Ok(expected));
    let arguments = ["anna", "publish", "a", "--jwt-group", "other"];
    let expected = "denied: no rule allows it\nanna is in no group\n";
    assert_eq!(explained(&path, &arguments).as_deref(), Ok(expected));
}

#[test]
fn a_new_file_belongs_to_its_owner_and_a_changed_one_keeps_owner_and_permissions() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let directory = Directory::new("user-file");
    let path = directory.0.join("users.toml");
    let mode = || {
        let metadata = std::fs::metadata(&path).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    let mut editor = FileEditor::open_or_new(&path).expect("a new file");
    editor
        .users
        .add_user("anna", None, &[])
        .expect("a new user");
    editor.save().expect("a written file");
    assert_eq!(mode(), 0o600);
    let permissions = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&path, permissions).expect("permissions");
    // Only root may give a file away; then root edits the file of the server's user.
    let is_given_away = std::os::unix::fs::chown(&path, Some(OTHER_USER), None).is_ok();
    let mut editor = FileEditor::open(&path).expect("the file");
    editor.users.add_user("ben", None, &[]).expect("a new user");
    editor.save().expect("a written file");
    assert_eq!(mode(), 0o640);
    let owner = std::fs::metadata(&path).expect("the file").uid();
    assert_eq!(owner == OTHER_USER, is_given_away);
    let left = std::fs::read_dir(&directory.0)
        .expect("a directory")
        .count();
    assert_eq!(left, 1, "no temporary file is left");
    assert!(
        FileEditor::open(&path)
            .expect("the file")
            .check_user("anna")
            .is_ok()
    );
}

/// A user that need not exist.
const OTHER_USER: u32 = 54_321;

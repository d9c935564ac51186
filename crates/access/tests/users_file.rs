//! Reading and editing the users file.

use access::{
    EditError, SALT_BYTES, TOKEN_BYTES, TokenHash, Users, UsersEditor, hash_password, write_token,
};

#[test]
fn a_fault_is_reported_with_its_line() {
    let hash = TokenHash::of(&write_token(&[1; TOKEN_BYTES])).expect("a token");
    let table = [
        ("[users.a\n".to_owned(), 1, ""),
        (
            "\n[users.a]\npasword = \"x\"\n".to_owned(),
            3,
            "unknown field `pasword`",
        ),
        (
            "[users.a]\npassword = \"secret\"\n".to_owned(),
            2,
            "not a password hash",
        ),
        (
            "[users.a]\ngroups = [\"b\"]\n".to_owned(),
            2,
            "there is no group \"b\"",
        ),
        (
            "[groups.a]\npublish = [\n \"ok\",\n \"a..b\",\n]\n".to_owned(),
            4,
            "a level is empty",
        ),
        (
            "[groups.a]\npublish = [\"a.%x\"]\n".to_owned(),
            2,
            "after '%'",
        ),
        (
            "[groups.a]\nsend = [\"/topic/x\"]\n".to_owned(),
            2,
            "the right send is for queues",
        ),
        (
            "[groups.a]\npassword = \"x\"\n".to_owned(),
            2,
            "unknown field `password`",
        ),
        (
            "[groups.a]\ndeny.publsh = [\"x\"]\n".to_owned(),
            2,
            "unknown field `publsh`",
        ),
        ("[tokens.ci]\ngroups = []\n".to_owned(), 1, "has no hash"),
        (
            format!("[tokens.ci]\nhash = \"{hash}\"\nuser = \"x\"\n"),
            3,
            "there is no user \"x\"",
        ),
        (
            format!("[users.ci]\n[tokens.ci]\nhash = \"{hash}\"\n"),
            2,
            "the same name",
        ),
        (
            format!("[tokens.a]\nhash = \"{hash}\"\n[tokens.b]\nhash = \"{hash}\"\n"),
            3,
            "the same hash",
        ),
        ("[users.\"a:b\"]\n".to_owned(), 1, "':' are not allowed"),
        (
            "[users.a]\ncertificate = \"CN=x\"\n[users.b]\ncertificate = \"CN=x\"\n".to_owned(),
            4,
            "same certificate",
        ),
        ("[user.a]\n".to_owned(), 1, "unknown field `user`"),
    ];
    for (text, line, message) in table {
        let error = Users::parse(&text).expect_err(&text);
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn an_empty_file_allows_nothing() {
    let users = Users::parse("").expect("a legal file");
    assert!(!users.accepts_anonymous());
    assert_eq!(users.names().count(), 0);
}

#[test]
fn tokens_stand_for_users_or_for_themselves() {
    let (one, other) = (
        write_token(&[1; TOKEN_BYTES]),
        write_token(&[2; TOKEN_BYTES]),
    );
    let hash = |token: &str| TokenHash::of(token).expect("a token");
    let mut editor = UsersEditor::new("[users.anna]\n").expect("a legal file");
    editor
        .add_token("phone", hash(&one), Some("anna"), &[])
        .expect("a new token");
    editor
        .add_token("ci", hash(&other), None, &["build".to_owned()])
        .expect("a new token");
    let users = Users::parse(&editor.text()).expect("a legal file");
    assert_eq!(users.token(&one).map(|name| &**name), Some("anna"));
    assert_eq!(users.token(&other).map(|name| &**name), Some("ci"));
    assert_eq!(users.token(&write_token(&[3; TOKEN_BYTES])), None);
    assert_eq!(users.groups_of("ci").collect::<Vec<_>>(), ["build"]);
    assert!(users.has("ci") && !users.has("phone"));
    // Without the user, the token would stand for nothing.
    editor.remove_user("anna").expect("a known user");
    assert_eq!(editor.users().token(&one), None);
}

#[test]
fn edits_keep_comments_and_order() {
    let text = "# Our users.\n[users.anna] # editor in chief\ngroups = [\"editors\"]\n\n[groups.editors]\n# Everything.\npublish = [\">\"]\n";
    let mut editor = UsersEditor::new(text).expect("a legal file");
    let hash = hash_password(b"secret", &[7; SALT_BYTES]).expect("a hash");
    editor.set_password("anna", &hash).expect("a known user");
    editor
        .add_user(
            "ben",
            Some(&hash),
            &["editors".to_owned(), "new".to_owned()],
        )
        .expect("a new user");
    let edited = editor.text();
    for part in [
        "# Our users.",
        "# editor in chief",
        "# Everything.",
        "[users.ben]",
        "[groups.new]",
    ] {
        assert!(edited.contains(part), "{part} in {edited}");
    }
    assert!(
        editor
            .users()
            .password_hash("anna")
            .is_some_and(|hash| hash.verify(b"secret"))
    );
    editor.remove_user("ben").expect("a known user");
    editor.remove_user("anna").expect("a known user");
    assert!(editor.text().contains("# Everything."));
}

#[test]
fn comments_of_a_file_without_tables_stay_at_its_beginning() {
    let mut editor = UsersEditor::new("# Ours.\n").expect("a legal file");
    editor.add_user("anna", None, &[]).expect("a new user");
    assert_eq!(editor.text(), "# Ours.\n\n[users.anna]\n");
    let mut editor = UsersEditor::new(&editor.text()).expect("a legal file");
    editor.add_user("ben", None, &[]).expect("a new user");
    assert_eq!(editor.text(), "# Ours.\n\n[users.anna]\n\n[users.ben]\n");
    editor.remove_user("anna").expect("a known user");
    assert_eq!(editor.text(), "# Ours.\n\n[users.ben]\n");
}

#[test]
fn impossible_edits_change_nothing() {
    let mut editor = UsersEditor::new("[users.anna]\n").expect("a legal file");
    let exists = editor.add_user("anna", None, &[]);
    assert!(
        matches!(exists, Err(EditError::Exists { .. })),
        "{exists:?}"
    );
    let unknown = editor.remove_user("ben");
    assert!(
        matches!(unknown, Err(EditError::Unknown { .. })),
        "{unknown:?}"
    );
    let invalid = UsersEditor::new("[users.anna]\n")
        .expect("a legal file")
        .add_user("a:b", None, &[]);
    assert!(matches!(invalid, Err(EditError::File(_))), "{invalid:?}");
    assert_eq!(editor.text(), "[users.anna]\n");
}

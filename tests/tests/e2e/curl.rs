//! curl, with the rights of a user.

use harness::deadline::within;
use harness::users::UsersFile;
use tokio::process::Command;

#[tokio::test]
async fn it_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    let right = format!("visitor:{token}");
    for (user, path, body, expected) in [
        ("visitor:wrong", "/api/topics/open.a", Some("1"), "401"),
        (&*right, "/api/topics/open.a", Some("1"), "200"),
        (&*right, "/api/topics/shut.a", Some("1"), "403"),
        (&*right, "/api/topics/open.a", None, "200"),
        (&*right, "/api/topics/shut.a/events", None, "403"),
    ] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ]);
        curl.args(["--user", user]);
        curl.args(body.iter().flat_map(|body| ["--data", body]));
        let output = within("curl", curl.arg(server.url(path)).output()).await;
        let output = output.expect("curl starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{path}");
    }
}

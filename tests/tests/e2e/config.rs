//! The configuration file: its options in force, `carillon config`, and what changes at SIGHUP.

use std::fs;
use std::path::Path;
use std::process::Output;

use harness::Carillon;
use harness::carillon::{command, run};
use harness::deadline::{eventually, within};
use harness::http::{Answer, post, request, send};
use harness::tls::{self, Pair, Trust};
use harness::users::UsersFile;
use http::{HeaderValue, Method, StatusCode};

/// A file in a directory of its own. Its text has the paths of other files as a whole.
struct ConfigFile(UsersFile);

impl ConfigFile {
    fn new(text: &str) -> Self {
        Self(UsersFile::new(text))
    }

    async fn server(&self) -> Carillon {
        Carillon::with(&["--config", self.0.path()]).await
    }
}

/// Returns the exit status and the lines of both outputs.
fn result(output: &Output) -> (Option<i32>, Vec<String>) {
    let lines = [&output.stdout, &output.stderr].into_iter();
    let lines = lines.flat_map(|text| {
        String::from_utf8_lossy(text)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    (output.status.code(), lines.collect())
}

/// Asks for a list as a page of another origin does.
async fn list_for(server: &Carillon, origin: &'static str) -> Answer {
    let mut request = request(Method::GET, server.url("/api/topics"), "");
    let headers = request.headers_mut();
    headers.insert("origin", HeaderValue::from_static(origin));
    send(request).await
}

#[tokio::test]
async fn a_server_runs_with_the_options_of_its_file() {
    // The harness sets CARILLON_MQTT and --listen, which win.
    let file = ConfigFile::new("listen = \"127.0.0.1:1\"\nmqtt = \"127.0.0.1:1\"\nmax-body = 10\n");
    let server = file.server().await;
    let url = server.url("/api/topics/a");
    let accepted = post(&url, "text/plain", "0123456789").await;
    assert_eq!(accepted.status, StatusCode::OK);
    let refused = post(&url, "text/plain", "0123456789x").await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_configuration_of_the_service_has_no_faults() {
    // The file names its neighbours by relative paths.
    let file = UsersFile::new(include_str!("../../../deploy/carillon.toml"));
    let neighbour = |name: &str| Path::new(file.path()).with_file_name(name);
    let pair = Pair::new();
    fs::create_dir(neighbour("tls")).expect("a directory");
    for (from, to) in [
        (pair.cert(), "tls/fullchain.pem"),
        (pair.key(), "tls/privkey.pem"),
    ] {
        fs::copy(from, neighbour(to)).expect("a copy");
    }
    let config = neighbour("carillon.toml");
    fs::rename(file.path(), &config).expect("the file");
    file.replace("[users.anna]\n");
    let mut check = command();
    check.args(["config", "check", "--config"]).arg(&config);
    let checked = within("the check", check.output())
        .await
        .expect("a process");
    assert_eq!(result(&checked).0, Some(0), "{checked:?}");
}

#[tokio::test]
async fn a_server_with_a_faulty_file_does_not_start_and_reports_the_place() {
    let table = [
        (
            "\nmax-topic = 5\n",
            "line 2, column 1: there is no option \"max-topic\"; the most similar one is max-topics",
        ),
        ("lag = 0\n", "line 1, column 7: lag cannot be 0"),
        (
            "lag = 1\nlisten = \"0.0.0.0:0\"\n",
            "line 2, column 1: 0.0.0.0:0 can be reached from other machines",
        ),
        (
            "users = \"none.toml\"\n",
            "line 1, column 1: cannot read the users file",
        ),
        (
            "durable-topics = [\"a\"]\n",
            "line 1, column 1: --durable-topics needs --data",
        ),
    ];
    for (text, expected) in table {
        let file = ConfigFile::new(text);
        let (status, lines) = result(&run(&["serve", "--config", file.0.path()]).await);
        assert_eq!(status, Some(1), "{lines:?}");
        let is_found = lines.iter().any(|line| line.contains(expected));
        assert!(is_found, "{expected}: {lines:?}");
    }
}

#[tokio::test]
async fn check_reports_every_fault_and_its_place() {
    let users = UsersFile::new("[users.anna]\npublish = [\"a..b\"]\n");
    let pair = Pair::new();
    fs::write(pair.key(), "no key").expect("written");
    let text = format!(
        "users = {:?}\ntls-cert = {:?}\ntls-key = {:?}\n",
        users.path(),
        tls::text(&pair.cert()),
        tls::text(&pair.key())
    );
    let file = ConfigFile::new(&text);
    let check = async || result(&run(&["config", "check", "--config", file.0.path()]).await);
    let (status, lines) = check().await;
    assert_eq!((status, lines.len()), (Some(1), 2), "{lines:?}");
    assert!(lines[0].contains("line 1, column 1: "), "{lines:?}");
    assert!(
        lines[0].contains("users.toml, line 2, column 12: "),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("line 3, column 1: there is no PRIVATE KEY in"),
        "{lines:?}"
    );

    users.replace("[users.anna]\n");
    pair.renew();
    let (status, lines) = check().await;
    assert_eq!((status, lines.len()), (Some(0), 1), "{lines:?}");
    let (status, lines) = result(&run(&["config", "check"]).await);
    assert_eq!(status, Some(1));
    assert!(lines[0].contains("CARILLON_CONFIG"), "{lines:?}");
}

#[tokio::test]
async fn show_prints_each_value_with_its_source() {
    let file = ConfigFile::new("lag = 7\nlag-bytes = 1000\nhistory = 8\n");
    let mut show = command();
    show.env("CARILLON_CONFIG", file.0.path());
    show.env("CARILLON_LAG_BYTES", "2000");
    show.env("CARILLON_ALLOW_HOST", "a,b");
    show.args(["config", "show", "--history", "9"]);
    let output = within("the options", show.output())
        .await
        .expect("an output");
    let (status, lines) = result(&output);
    assert_eq!(status, Some(0), "{lines:?}");
    for expected in [
        "lag = 7 # file, line 1",
        "lag-bytes = 2000 # environment variable CARILLON_LAG_BYTES",
        "allow-host = [\"a\", \"b\"] # environment variable CARILLON_ALLOW_HOST",
        "history = 9 # command line",
        "overflow = \"drop-oldest\" # default",
        "# data is not set",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {lines:?}"
        );
    }
    // The output is a file.
    let shown = ConfigFile::new(&lines.join("\n"));
    let (status, again) = result(&run(&["config", "show", "--config", shown.0.path()]).await);
    assert_eq!(status, Some(0), "{again:?}");
    let settings = |lines: &[String]| -> Vec<String> {
        let lines = lines.iter().filter(|line| !line.starts_with('#'));
        let settings = lines.map(|line| line.split(" # ").next().unwrap_or_default().to_owned());
        settings.collect()
    };
    assert_eq!(settings(&lines), settings(&again));
}

#[tokio::test]
async fn sighup_applies_what_needs_no_restart_and_names_the_rest() {
    let before = "log = \"warn\"\nallow-origin = [\"https://a.example\"]\nmax-topics = 5\n";
    let file = ConfigFile::new(before);
    let server = file.server().await;
    let allowed = list_for(&server, "https://a.example").await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://a.example"
    );

    let after = "log = \"info\"\nallow-origin = [\"https://b.example\"]\nmax-topics = 6\nlag = 9\n";
    file.0.replace(after);
    server.hang_up().await;
    // The first line appears only with the new filter of the log.
    server.logged("the configuration file was read again").await;
    server
        .logged("these options changed, and need a restart")
        .await;
    server.logged("options=\"max-topics lag\"").await;
    let allowed = list_for(&server, "https://b.example").await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://b.example"
    );
    let refused = list_for(&server, "https://a.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");

    // A file with a fault changes nothing.
    file.0
        .replace("allow-origin = [\"https://c.example\"]\nlag = 0\n");
    server.hang_up().await;
    server.logged("line 2, column 7: lag cannot be 0").await;
    server.logged("the old values stay in force").await;
    let allowed = list_for(&server, "https://b.example").await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://b.example"
    );

    fs::remove_file(file.0.path()).expect("the file");
    server.hang_up().await;
    server.logged("cannot read the configuration file").await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn sighup_reads_other_files_that_the_file_names() {
    let (closed, open) = (
        UsersFile::new("[anonymous]\n"),
        UsersFile::new("[anonymous]\npublish = [\">\"]\n"),
    );
    let (first, second) = (Pair::new(), Pair::new());
    let text = |users: &UsersFile, pair: &Pair| {
        format!(
            "users = {:?}\ntls-cert = {:?}\ntls-key = {:?}\n",
            users.path(),
            tls::text(&pair.cert()),
            tls::text(&pair.key())
        )
    };
    let file = ConfigFile::new(&text(&closed, &first));
    let server = file.server().await;
    let url = server.url("/api/topics/a");
    let refused = post(&url, "text/plain", "x").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let connects = async |trust: Trust| trust.try_connect(server.address()).await.is_ok();
    assert!(connects(first.trust()).await);
    assert!(!connects(second.trust()).await);

    file.0.replace(&text(&open, &second));
    server.hang_up().await;
    let is_second = || connects(second.trust());
    eventually("the second certificate", is_second, |is_second| *is_second).await;
    let publish = || async { post(&url, "text/plain", "x").await.status };
    let is_open = |status: &StatusCode| *status == StatusCode::OK;
    eventually("the second users file", publish, is_open).await;

    // The new files are the ones that are watched.
    open.replace("[anonymous]\n");
    let is_closed = |status: &StatusCode| *status == StatusCode::FORBIDDEN;
    eventually("the change", publish, is_closed).await;
    assert!(!server.transcript().contains("need a restart"));
}

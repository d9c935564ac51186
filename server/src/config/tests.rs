//! Tests of configuration files, without environment variables, which the end-to-end tests set.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use clap::Arg;

use super::{
    Configuration, Refusal,
    definitions::{Definitions, ValueType, takes_several, value_type},
    setting::{self, Setting, expected},
    show::show,
    values::Source,
};

/// A configuration file in a directory that is removed at the end of the test.
struct File {
    directory: PathBuf,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-config-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let path = directory.join("carillon.toml");
        fs::write(&path, text).expect("a file");
        Self { directory, path }
    }

    /// Parses the options of a command line with this file.
    fn with(&self, options: &[&str]) -> Result<Configuration, Refusal> {
        let mut arguments: Vec<OsString> = vec!["carillon".into(), "--config".into()];
        arguments.push(self.path.clone().into());
        arguments.extend(options.iter().map(OsString::from));
        Configuration::parse(arguments).map(|(_, configuration)| configuration)
    }

    /// Returns the faults, without the path of the file.
    fn faults(&self, options: &[&str]) -> Vec<String> {
        let refusal = self.with(options).expect_err("a fault");
        let prefix = format!("{}, ", self.path.display());
        let lines = refusal.lines().into_iter();
        lines.map(|line| line.replace(&prefix, "")).collect()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn parse(text: &str) -> Result<Vec<Setting>, Vec<String>> {
    let faults = |faults: Vec<super::Fault>| faults.iter().map(ToString::to_string).collect();
    setting::parse(text, Path::new("/etc/carillon")).map_err(faults)
}

fn value<'a>(configuration: &'a Configuration, name: &str) -> (Vec<&'a str>, &'a Source) {
    let mut values = configuration.values.iter();
    let option = values.find(|option| option.name == name);
    let option = option.unwrap_or_else(|| panic!("{name}"));
    let texts = option.values.iter().map(|one| one.to_str().expect("UTF-8"));
    (texts.collect(), &option.source)
}

/// Returns a text of the right type, which may have a wrong value.
fn sample(option: &Arg) -> &'static str {
    match (value_type(option), takes_several(option)) {
        (ValueType::Flag, _) => "true",
        (ValueType::Number, false) => "1",
        (ValueType::Number, true) => "[1]",
        (_, false) => "\"1\"",
        (_, true) => "[\"1\"]",
    }
}

#[test]
fn every_option_can_be_in_a_file() {
    let definitions = Definitions::new();
    assert!(definitions.all().count() > 40);
    for option in definitions.all() {
        let name = option.get_long().expect("a name");
        let text = format!("{name} = {}", sample(option));
        match parse(&text) {
            Ok(settings) => assert_eq!(settings[0].name, name),
            // clap knows the option, and refuses only its value.
            Err(faults) => assert!(
                faults[0].contains("cannot be") && !faults[0].ends_with(expected(option)),
                "{text}: {faults:?}"
            ),
        }
    }
}

#[test]
fn an_option_with_a_numeric_default_is_a_number() {
    for option in Definitions::new().all() {
        let defaults = option.get_default_values().iter();
        let mut numbers = defaults.filter_map(|one| one.to_str()?.parse::<u64>().ok());
        let is_number = value_type(option) == ValueType::Number;
        assert!(numbers.next().is_none() || is_number, "{option}");
    }
}

#[test]
fn settings_become_arguments() {
    let table: &[(&str, &[&str])] = &[
        ("max-topics = 1_000", &["--max-topics=1000"]),
        ("history-bytes = 0x10_0000", &["--history-bytes=1048576"]),
        ("listen = \"0.0.0.0:80\"", &["--listen=0.0.0.0:80"]),
        ("tls-only = true", &["--tls-only"]),
        ("tls-only = false", &[]),
        ("overflow = \"latest\"", &["--overflow=latest"]),
        (
            "allow-origin = [\"https://a.example\", \"https://b.example\"]",
            &[
                "--allow-origin=https://a.example",
                "--allow-origin=https://b.example",
            ],
        ),
        ("allow-origin = \"*\"", &["--allow-origin=*"]),
        ("allow-host = []", &[]),
        (
            "users = \"users.toml\"",
            &["--users=/etc/carillon/users.toml"],
        ),
        ("users = \"/srv/users.toml\"", &["--users=/srv/users.toml"]),
        (
            "[[policy]]\nfor = \"/queue/a.>\"\nlength = 1_000\n[[policy]]\nfor = \"/topic/b\"\nbytes = 5",
            &[
                "--policy=/queue/a.> length=1000",
                "--policy=/topic/b bytes=5",
            ],
        ),
        (
            "policy = \"/queue/a length=1\"",
            &["--policy=/queue/a length=1"],
        ),
        ("# nothing", &[]),
    ];
    for (text, expected) in table {
        let settings = parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        let arguments = settings.iter().flat_map(|setting| &setting.arguments);
        let arguments: Vec<_> = arguments.collect();
        assert_eq!(arguments, *expected, "{text}");
    }
}

#[test]
fn faults_have_their_place_and_their_reason() {
    let table = [
        (
            "\nmax_topics = 5",
            "line 2, column 1: there is no option \"max_topics\"; the most similar one is max-topics",
        ),
        (
            "[colour]\nred = 1",
            "line 1, column 2: there is no option \"colour\"; `carillon serve --help` lists them",
        ),
        (
            "config = \"other.toml\"",
            "line 1, column 1: there is no option \"config\"; `carillon serve --help` lists them",
        ),
        (
            "max-topics = \"1000\"",
            "line 1, column 14: max-topics cannot be \"1000\": expected a number",
        ),
        (
            "max-topics = true",
            "line 1, column 14: max-topics cannot be true: expected a number",
        ),
        (
            "max-topics = [1]",
            "line 1, column 14: max-topics cannot be [1]: expected a number",
        ),
        (
            "tls-only = \"yes\"",
            "line 1, column 12: tls-only cannot be \"yes\": expected true or false",
        ),
        (
            "listen = 8080",
            "line 1, column 10: listen cannot be 8080: expected a text in quotation marks",
        ),
        (
            "listen = \"8080\"",
            "line 1, column 10: listen cannot be \"8080\": neither ADDRESS:PORT nor unix:PATH",
        ),
        (
            "  max-body = 0",
            "line 1, column 14: max-body cannot be 0: 0 is not in 1..=1073741824",
        ),
        (
            "overflow = \"drop\"",
            "line 1, column 12: overflow cannot be \"drop\": the possible values are drop-oldest, latest, disconnect, block",
        ),
        (
            "users = \"\"",
            "line 1, column 9: users cannot be \"\": a value is required",
        ),
        (
            "durable-topics = [\"ü\", 7]",
            "line 1, column 24: durable-topics cannot be 7: expected a text in quotation marks or a list of such texts",
        ),
        (
            "[[policy]]\nfor = \"/queue/a\"\nlength = 5\noverflow = \"latest\"",
            "line 4, column 12: overflow: expected refuse or drop-oldest",
        ),
        (
            "[[policy]]\nfor = \"queue/a\"\nlength = 5",
            "line 2, column 7: expected /queue/FILTER or /topic/FILTER",
        ),
        (
            "policy = [\"/queue/a length=x\"]",
            "line 1, column 11: policy cannot be \"/queue/a length=x\": length: expected a number from 1 to 18446744073709551615",
        ),
        (
            "[[policy]]\nlength = 5",
            "line 1, column 1: a policy needs for = \"/queue/FILTER\" or \"/topic/FILTER\"",
        ),
        ("lag = 1\nlag = 2", "line 2, column 1: duplicate key"),
    ];
    for (text, expected) in table {
        let faults = parse(text).expect_err(text);
        assert_eq!(faults[0], expected, "{text}");
    }
}

#[test]
fn all_faults_are_reported_in_their_order() {
    let faults = parse("lag = 0\nlisten = 1\nhistory = 5\nabc = 1").expect_err("faults");
    let lines: Vec<_> = faults
        .iter()
        .filter_map(|fault| fault.split(',').next())
        .collect();
    assert_eq!(lines, ["line 1", "line 2", "line 4"]);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let file = File::new("lag = 7\nhistory = 5\nallow-host = [\"a\", \"b\"]\ntls-only = true\n");
    let configuration = file.with(&["--history", "6", "--allow-host", "c"]);
    let configuration = configuration.expect("no fault");
    assert_eq!(value(&configuration, "lag"), (vec!["7"], &Source::File(1)));
    assert_eq!(
        value(&configuration, "history"),
        (vec!["6"], &Source::CommandLine)
    );
    assert_eq!(
        value(&configuration, "allow-host"),
        (vec!["c"], &Source::CommandLine)
    );
    assert_eq!(
        value(&configuration, "tls-only"),
        (vec!["true"], &Source::File(4))
    );
    assert_eq!(
        value(&configuration, "overflow"),
        (vec!["drop-oldest"], &Source::Default)
    );
}

#[test]
fn options_of_the_file_and_of_the_command_line_complete_each_other() {
    let file = File::new("tls-key = \"key.pem\"\n");
    let configuration = file.with(&["--tls-cert", "cert.pem"]).expect("no fault");
    assert_eq!(
        value(&configuration, "tls-cert"),
        (vec!["cert.pem"], &Source::CommandLine)
    );
    assert_eq!(value(&configuration, "tls-key").1, &Source::File(1));
}

#[test]
fn options_that_conflict_or_need_others_are_found() {
    let table: &[(&str, &[&str], &str)] = &[
        (
            "lag = 1\ntls-cert = \"a\"",
            &[],
            "line 2, column 1: tls-cert needs tls-key",
        ),
        (
            "anonymous = \"all\"\nusers = \"a\"",
            &[],
            "line 1, column 1: anonymous cannot be used with users (line 2)",
        ),
        (
            "users = \"a\"",
            &["--anonymous", "all"],
            "line 1, column 1: users cannot be used with anonymous (on the command line)",
        ),
    ];
    for (text, options, expected) in table {
        assert_eq!(File::new(text).faults(options), [*expected], "{text}");
    }
}

#[test]
fn a_fault_of_the_command_line_is_reported_as_one() {
    let file = File::new("lag = 1");
    for options in [
        &["--history", "x"][..],
        &["--tls-cert", "a"],
        &["--no-option"],
    ] {
        let refusal = file.with(options).expect_err("a fault");
        assert!(matches!(refusal, Refusal::CommandLine(_)), "{refusal:?}");
    }
    let arguments = ["carillon", "--config", "/no/file"].map(OsString::from);
    let refusal = Configuration::parse(arguments.into()).expect_err("a fault");
    assert!(refusal.lines()[0].contains("/no/file"), "{refusal:?}");
}

#[test]
fn what_is_shown_is_a_file_with_the_same_values() {
    let text = "lag = 7\nallow-host = [\"a\"]\nmqtt = \"off\"\nusers = \"u \\\" #.toml\"\ntls-self-signed = true";
    let first = File::new(text).with(&["--history", "6"]).expect("no fault");
    let shown = show(&first);
    for line in [
        "lag = 7 # file, line 1\n",
        "history = 6 # command line\n",
        "tls-self-signed = true # file, line 5\n",
        "tls-only = false # default\n",
        "durable-topics = [] # default\n",
        "# data is not set\n",
        "# stomp is not set; default: 127.0.0.1:61613; skipped if it is in use\n",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let second = File::new(&shown)
        .with(&[])
        .unwrap_or_else(|refusal| panic!("{refusal:?}\n{shown}"));
    for (first, second) in first.values.iter().zip(&second.values) {
        assert_eq!(first.values, second.values, "{}", first.name);
    }
}

#[test]
fn errors_get_the_place_of_the_option_that_they_name() {
    let file = File::new("lag = 1\nlisten = \"10.0.0.1:80\"\nusers = \"users.toml\"\n");
    let configuration = file.with(&[]).expect("no fault");
    let directory = file.directory.display();
    let table = [
        ("choose another address with --listen".to_owned(), Some(2)),
        (format!("cannot read {directory}/users.toml"), Some(3)),
        ("--listener".to_owned(), None),
        ("lag".to_owned(), None),
    ];
    for (text, line) in table {
        let located = configuration.locate(anyhow::anyhow!("{text}"));
        let expected = match line {
            Some(line) => format!("{}, line {line}, column 1: {text}", file.path.display()),
            None => text,
        };
        assert_eq!(format!("{located:#}"), expected);
    }
}

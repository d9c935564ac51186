//! The command line.

mod config;

use std::{path::PathBuf, time::Duration};

use admin::AdminCommand;
use anyhow::{anyhow, ensure};
use axum::http::{Uri, uri::Authority};
use bench::BenchOptions;
use broker::{DeadLetterQueue, Limits, Overflow, Policies, TopicFilter};
use clap::{Args, Parser, Subcommand, ValueEnum};
use wire::stomp::server::Subscribe;

pub use config::{ConfigCommand, ConfigOptions};

use crate::{
    listeners::Ports,
    mqtt::MqttArguments,
    net::ListenAddress,
    policy::PolicySetting,
    port::Port,
    public_url::PublicUrl,
    redelivery::RedeliveryArguments,
    scheduling::SchedulingArguments,
    serve::Options,
    server,
    shell_files::{CompletionsOptions, ManualOptions},
    spans::SpanArguments,
    stomp::StompOptions,
    storage::{DurableTopics, StorageOptions, durable_filter},
    store_command::StoreOptions,
    tls::TlsOptions,
    trusted_proxies::{TrustedProxies, TrustedProxy},
    user_command::{TokenOptions, UserOptions},
};

/// A broker for topics and queues in one binary: MQTT, STOMP, WebSocket, HTTP and live pages.
#[derive(Debug, Parser)]
#[command(name = "carillon", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The command; `None` means `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `serve` if no command is given.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// The commands of `carillon`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server; the default without a command
    Serve(Box<ServeOptions>),
    /// Publish a message, or each line of standard input
    Pub(client::PublishOptions),
    /// Print the messages of a topic, a filter or a queue, one per line
    Sub(client::SubscribeOptions),
    /// Send requests, and print the answers
    Request(client::RequestOptions),
    /// Answer requests with a text or the output of a command
    Reply(client::ReplyOptions),
    #[command(flatten)]
    Admin(Box<AdminCommand>),
    /// Generate load for a server, Carillon or another, and report its performance
    Bench(Box<BenchOptions>),
    /// Describe, check, export or repair the store of a stopped server
    Store(StoreOptions),
    /// Add, change, list or remove users, and explain their rights
    User(UserOptions),
    /// Add, list or revoke tokens
    Token(TokenOptions),
    /// Check a configuration file, or show the options in force
    Config(ConfigOptions),
    /// Print the completions of a shell for the commands and options of carillon
    Completions(CompletionsOptions),
    /// Write the manual pages of all commands into a directory
    Manual(ManualOptions),
}

/// The command-line options of `carillon serve`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// File with options by their names, such as `max-topics = 1000`, in TOML. The command line and the environment win over
    /// the file. Relative paths in it begin at its directory. SIGHUP reads it again
    #[arg(long, env = "CARILLON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port of HTTP, WebSocket and the pages, or a Unix socket such as `unix:/run/carillon/http.sock`; port 0 takes
    /// any free port. The owner and the group of the server may use the socket, or those of the mode in
    /// `unix:/run/carillon/http.sock?mode=0666`
    #[arg(
        long,
        env = "CARILLON_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT|unix:PATH"
    )]
    listen: ListenAddress,
    /// Address and port of STOMP over TCP, a Unix socket such as `unix:/run/carillon/stomp.sock`, or `off`; port 0 takes any free
    /// port
    /// [default: 127.0.0.1:61613; skipped if it is in use]
    #[arg(
        long,
        env = "CARILLON_STOMP",
        value_name = "ADDRESS:PORT|unix:PATH|off"
    )]
    stomp: Option<Port>,
    /// Address and port of STOMP over TLS, a Unix socket, or `off`; port 0 takes any free port
    /// [default: 127.0.0.1:61614 with a certificate; skipped if it is in use]
    #[arg(
        long,
        env = "CARILLON_STOMP_TLS",
        value_name = "ADDRESS:PORT|unix:PATH|off"
    )]
    stomp_tls: Option<Port>,
    /// Address and port, or Unix socket, of the metrics at `/metrics`, over HTTP without TLS and without a login, for a monitoring system.
    /// They have the names of queues and no content. By default, metrics are only at `/metrics` of --listen, with the rights of
    /// management
    #[arg(long, env = "CARILLON_METRICS", value_name = "ADDRESS:PORT|unix:PATH")]
    metrics: Option<ListenAddress>,
    #[command(flatten)]
    tls: TlsOptions,
    /// Allow pages of another origin, such as `https://example.org`, to use the server; `*` allows all.
    /// May be given more than once
    #[arg(
        value_parser = origin,
        long = "allow-origin",
        env = "CARILLON_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    allow_origins: Vec<String>,
    /// Accept requests for this host name, such as `board.example`; `*` accepts every name. Without this option, a
    /// server on a loopback address accepts only loopback names and the hosts of --allow-origin, so that pages of a
    /// foreign name cannot read its data; a server on another address accepts every name. May be given more than once
    #[arg(
        value_parser = host_name,
        long = "allow-host",
        env = "CARILLON_ALLOW_HOST",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    allow_hosts: Vec<String>,
    /// Address at which browsers reach the server behind a proxy, such as `https://board.example/carillon/`. Its host and
    /// its origin are allowed. With a path, the server answers below this path as well as at `/`
    #[arg(long, env = "CARILLON_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Address of a proxy, or network of proxies such as `10.0.0.0/8`, that may name the address of a client: with the
    /// header of the PROXY protocol at the beginning of a connection to any port, or with X-Forwarded-For in a request.
    /// `unix` stands for every process that may open a Unix socket of the server, `unix:uid=33` for those of one user. May be
    /// given more than once
    #[arg(
        long = "trusted-proxy",
        env = "CARILLON_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "ADDRESS|NETWORK|unix"
    )]
    trusted_proxies: Vec<TrustedProxy>,
    /// QR code of the pages' address, with which a phone opens them, after the addresses at the start
    #[arg(long, env = "CARILLON_QR_CODE", value_enum, default_value_t = QrCodeRule::Auto, value_name = "WHEN")]
    qr_code: QrCodeRule,
    /// Maximum size of a message's body, in bytes
    #[arg(long, env = "CARILLON_MAX_BODY", default_value_t = 1 << 20, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(1..=(1 << 30)))]
    max_body: u32,
    /// Maximum number of connections
    #[arg(long, env = "CARILLON_MAX_CONNECTIONS", default_value_t = 100_000, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Maximum number of topics
    #[arg(long, env = "CARILLON_MAX_TOPICS", default_value_t = Limits::default().topics, value_name = "COUNT")]
    max_topics: usize,
    /// Time without a message after which a topic is removed, with the messages that it keeps, unless it retains one or a
    /// subscription names it. By default, only at --max-topics
    #[arg(long, env = "CARILLON_TOPIC_IDLE", value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=u64::MAX / 2_000))]
    topic_idle: Option<u64>,
    /// Maximum number of subscriptions of one connection
    #[arg(long, env = "CARILLON_MAX_SUBSCRIPTIONS", default_value_t = Limits::default().subscriptions_per_session,
          value_name = "COUNT")]
    max_subscriptions: usize,
    /// Messages that each topic keeps for late and returning subscribers, at least 1
    #[arg(long, env = "CARILLON_HISTORY", default_value_t = Limits::default().history_entries, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(1..))]
    history: u64,
    /// Bytes that each topic keeps for them; the newest message is kept whatever its size
    #[arg(long, env = "CARILLON_HISTORY_BYTES", default_value_t = Limits::default().history_bytes, value_name = "BYTES")]
    history_bytes: u64,
    /// Maximum lag of a subscription in messages; above it the rule of --overflow applies
    #[arg(long, env = "CARILLON_LAG", default_value_t = Limits::default().lag_entries, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(1..))]
    lag: u64,
    /// Maximum lag of a subscription in bytes, with the same rule
    #[arg(long, env = "CARILLON_LAG_BYTES", default_value_t = Limits::default().lag_bytes, value_name = "BYTES")]
    lag_bytes: u64,
    /// Maximum number of bytes of all messages. When it is reached, the topics without a publication for the longest
    /// time lose their history, but not retained messages; if that is not enough, publications are refused
    #[arg(long, env = "CARILLON_MEMORY", default_value_t = Limits::default().memory_bytes, value_name = "BYTES")]
    memory: u64,
    /// Directory in which queues, durable subscriptions and retained messages survive a restart; created if it is missing.
    /// Without it everything is in memory only
    #[arg(long, env = "CARILLON_DATA", value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Bytes of the disk of --data that must stay free: below it persistent messages, new queues and new lasting
    /// subscriptions are refused
    /// [default: a twentieth of the disk, at least 1 GiB]
    #[arg(long, env = "CARILLON_DISK_FREE", value_name = "BYTES")]
    disk_free: Option<u64>,
    /// Topics whose messages all survive a crash, such as `orders.>`: each message is written to --data, persistent or not,
    /// for as long as the topic keeps it. May be given more than once
    #[arg(
        value_parser = durable_filter,
        long = "durable-topics",
        env = "CARILLON_DURABLE_TOPICS",
        value_delimiter = ',',
        value_name = "FILTER"
    )]
    durable_topics: Vec<TopicFilter>,
    /// File with users and their rights, which is read again when it changes; `carillon user add` creates it. Without it
    /// everything is allowed
    #[arg(long, env = "CARILLON_USERS", value_name = "FILE")]
    users: Option<PathBuf>,
    /// File to which logins, refusals, changes of users and management are appended, as JSON lines. SIGHUP opens it again
    #[arg(long, env = "CARILLON_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Allow everything without a login, also from other machines: only `all`, and only without --users
    #[arg(
        long,
        env = "CARILLON_ANONYMOUS",
        value_enum,
        value_name = "all",
        conflicts_with = "users"
    )]
    anonymous: Option<Anonymous>,
    /// Default rule for subscriptions with too much lag
    #[arg(long, env = "CARILLON_OVERFLOW", value_enum, default_value_t = OverflowRule::DropOldest, value_name = "RULE")]
    overflow: OverflowRule,
    /// Maximum number of queues. When it is reached, empty and unused queues are removed
    #[arg(long, env = "CARILLON_MAX_QUEUES", default_value_t = Limits::default().queues, value_name = "COUNT")]
    max_queues: usize,
    /// Maximum number of messages in one queue; a SEND to a full queue is refused
    #[arg(long, env = "CARILLON_QUEUE_LENGTH", default_value_t = Limits::default().queue_entries, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(1..))]
    queue_length: u64,
    /// Maximum number of bytes in one queue, with the same rule; all queues together take at most half of --memory. With
    /// --data, messages that are on disk only count in queues that topics feed, and not in others
    #[arg(long, env = "CARILLON_QUEUE_BYTES", default_value_t = Limits::default().queue_bytes, value_name = "BYTES")]
    queue_bytes: u64,
    /// Default for the maximum number of unacknowledged messages of a consumer
    #[arg(long, env = "CARILLON_PREFETCH", default_value_t = StompOptions::PREFETCH, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=Subscribe::MAX_PREFETCH as i64))]
    prefetch: u32,
    #[command(flatten)]
    redelivery: RedeliveryArguments,
    /// The queue for messages that could not be delivered
    #[arg(long, env = "CARILLON_DEAD_LETTERS", value_enum, default_value_t = DeadLetters::Shared, value_name = "WHERE")]
    dead_letters: DeadLetters,
    /// Rules for the topics or queues that match a filter, such as `/queue/orders.> length=1000 max-redeliveries=3`; the policy
    /// with the most specific filter holds. Settings: time-to-live, length, bytes, overflow, dead-letters, max-redeliveries and
    /// the redelivery delays. In a file it may be a table, with the filter as `for`. May be given more than once
    #[arg(
        long = "policy",
        env = "CARILLON_POLICY",
        value_delimiter = ';',
        value_name = "POLICY"
    )]
    policies: Vec<PolicySetting>,
    /// Maximum number of durable subscriptions of all clients
    #[arg(long, env = "CARILLON_MAX_DURABLES", default_value_t = Limits::default().durables, value_name = "COUNT")]
    max_durables: usize,
    /// Maximum number of bytes in the open transactions of one connection
    #[arg(long, env = "CARILLON_MAX_TRANSACTION_BYTES", default_value_t = StompOptions::TRANSACTION_BYTES,
          value_name = "BYTES")]
    max_transaction_bytes: usize,
    /// Heart-beat that the server offers to and requests from STOMP clients, in milliseconds; 0 disables it
    #[arg(long, env = "CARILLON_HEART_BEAT", default_value_t = wire::stomp::HeartBeat::DEFAULT_MS, value_name = "MS")]
    heart_beat: u32,
    /// Shortest heart-beat for STOMP clients that request less than --heart-beat, in milliseconds
    #[arg(long, env = "CARILLON_MIN_HEART_BEAT", default_value_t = wire::stomp::server::Config::HEART_BEAT_MIN_MS,
          value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    min_heart_beat: u32,
    #[command(flatten)]
    mqtt: MqttArguments,
    #[command(flatten)]
    scheduling: SchedulingArguments,
    /// Maximum time for connections to end when the server stops, in seconds
    #[arg(
        long,
        env = "CARILLON_GRACE",
        default_value_t = 5,
        value_name = "SECONDS"
    )]
    grace: u64,
    /// Level of the log: off, error, warn, info, debug, trace, or a filter of tracing-subscriber
    #[arg(
        long,
        env = "CARILLON_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,
    /// Format of the log
    #[arg(long, env = "CARILLON_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    #[command(flatten)]
    pub spans: SpanArguments,
}

/// The value of `--anonymous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Anonymous {
    /// Allow everything
    All,
}

/// The values of `--qr-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QrCodeRule {
    /// In a terminal, if other machines can reach --listen or --public-url
    Auto,
    /// Never
    Off,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people
    Text,
    /// One JSON object per line
    Json,
    /// Text without a time, each line with its priority, for the journal of systemd; `text` becomes this if standard error
    /// is the journal
    Journal,
}

/// The values of `--overflow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OverflowRule {
    /// Skip the oldest messages, and report the missed range to the client
    DropOldest,
    /// Deliver only the newest message: for screens
    Latest,
    /// End the connection
    Disconnect,
    /// Make publishers wait
    Block,
}

/// The values of `--dead-letters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeadLetters {
    /// ActiveMQ.DLQ, for all queues
    Shared,
    /// DLQ.NAME, one for each queue
    Own,
}

impl From<DeadLetters> for DeadLetterQueue {
    fn from(letters: DeadLetters) -> Self {
        match letters {
            DeadLetters::Shared => Self::Shared,
            DeadLetters::Own => Self::Own,
        }
    }
}

impl From<OverflowRule> for Overflow {
    fn from(rule: OverflowRule) -> Self {
        match rule {
            OverflowRule::DropOldest => Self::DropOldest,
            OverflowRule::Latest => Self::Latest,
            OverflowRule::Disconnect => Self::Disconnect,
            OverflowRule::Block => Self::Block,
        }
    }
}

impl ServeOptions {
    /// Returns the options of the server.
    ///
    /// # Errors
    /// An option needs another one.
    pub fn server_options(&self) -> anyhow::Result<Options> {
        let overflow = self.overflow.into();
        Ok(Options {
            ports: Ports {
                http: Port::At(self.listen.clone()),
                stomp: self.stomp.clone().unwrap_or(Port::if_free(STOMP_PORT)),
                stomp_tls: self.stomp_tls.clone(),
                mqtt: self.mqtt.port(),
                mqtt_tls: self.mqtt.tls_port(),
                metrics: self.metrics.clone(),
            },
            tls: self.tls.clone(),
            allow_origins: self.allow_origins.clone(),
            allow_hosts: self.allow_hosts.clone(),
            public_url: self.public_url.clone(),
            path: String::new(),
            shared: server::Options {
                limits: self.limits(),
                overflow,
                max_body_bytes: self.max_body as usize,
                trusted_proxies: TrustedProxies::new(&self.trusted_proxies),
            },
            max_connections: self.max_connections as usize,
            stomp: self.stomp_options(overflow),
            mqtt: self.mqtt.options(overflow, self.max_body),
            grace: Duration::from_secs(self.grace),
            policies: self.policies()?,
            storage: self.storage_options()?,
            users: self.users.clone(),
            audit: self.audit.clone(),
            allows_anonymous: self.anonymous == Some(Anonymous::All),
            shows_qr_code: self.qr_code == QrCodeRule::Auto,
        })
    }

    fn policies(&self) -> anyhow::Result<Policies> {
        let redelivery = self.redelivery.redelivery();
        let policies = PolicySetting::policies(&self.policies, redelivery);
        let policies = policies.map_err(|error| anyhow!("--policy: {error}"))?;
        let checked = policies.check_dead_letters(&self.dead_letters.into());
        checked.map_err(|error| anyhow!("--policy: {error}"))?;
        Ok(policies)
    }

    fn storage_options(&self) -> anyhow::Result<Option<StorageOptions>> {
        let Some(directory) = self.data.clone() else {
            ensure!(
                self.durable_topics.is_empty(),
                "--durable-topics needs --data: without a directory no message survives a restart"
            );
            return Ok(None);
        };
        Ok(Some(StorageOptions {
            directory,
            disk_free: self.disk_free,
            durable_topics: DurableTopics::new(self.durable_topics.clone()),
        }))
    }

    fn limits(&self) -> Limits {
        Limits {
            history_entries: self.history,
            history_bytes: self.history_bytes,
            lag_entries: self.lag,
            lag_bytes: self.lag_bytes,
            memory_bytes: self.memory,
            topics: self.max_topics,
            topic_idle_ms: self.topic_idle.map(|seconds| seconds * 1_000),
            subscriptions_per_session: self.max_subscriptions,
            queues: self.max_queues,
            queue_entries: self.queue_length,
            queue_bytes: self.queue_bytes,
            durables: self.max_durables,
            sessions: self.mqtt.sessions(),
            scheduled: self.scheduling.max_scheduled,
            max_delay_ms: self.scheduling.max_delay_ms(),
            redelivery: self.redelivery.redelivery(),
            dead_letters: self.dead_letters.into(),
            ..Limits::default()
        }
    }

    fn stomp_options(&self, overflow: Overflow) -> StompOptions {
        let heart_beat = wire::stomp::HeartBeat {
            send_ms: self.heart_beat,
            receive_ms: self.heart_beat,
        };
        StompOptions {
            limits: wire::stomp::Limits {
                body_bytes: self.max_body,
                ..wire::stomp::Limits::DEFAULT
            },
            session: wire::stomp::server::Config {
                heart_beat,
                heart_beat_min_ms: self.min_heart_beat,
                ..wire::stomp::server::Config::DEFAULT
            },
            overflow,
            prefetch: self.prefetch as usize,
            transaction_bytes: self.max_transaction_bytes,
        }
    }
}

const STOMP_PORT: u16 = 61613;

/// Parses an origin in the form of browsers (RFC 6454, 6.2): scheme, host and, unless it is the scheme's default, port.
fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.path_and_query().is_none_or(|path| path == "/")
            && !text.ends_with('/')
            && !text.contains(char::is_uppercase)
            && !text.contains('@')
    });
    if is_origin || text == "*" {
        Ok(text.to_owned())
    } else {
        Err("expected SCHEME://HOST[:PORT] in lower case, or *".to_owned())
    }
}

/// Parses a host name without a port, in lower case for comparisons, or `*`.
fn host_name(text: &str) -> Result<String, String> {
    let is_name = text
        .parse::<Authority>()
        .is_ok_and(|name| name.host() == text && !text.is_empty() && !text.ends_with('.'));
    if is_name || text == "*" {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected a host name without a port, or *".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_describes_the_program_and_not_a_group_of_options() {
        let program = Cli::command();
        let serve = program.find_subcommand("serve").expect("a command");
        let described = [&program, serve].map(|one| one.get_about().map(ToString::to_string));
        let expected = [
            "A broker for topics and queues in one binary: MQTT, STOMP, WebSocket, HTTP and live pages",
            "Run the server; the default without a command",
        ];
        assert_eq!(described, expected.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        let table = [
            ("https://example.org", true),
            ("http://localhost:3000", true),
            ("*", true),
            ("https://example.org/", false),
            ("https://Example.org", false),
            ("example.org", false),
            ("https://example.org/page", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(origin(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn host_names_have_no_port() {
        let table = [
            ("board.example", Some("board.example")),
            ("Board.Example", Some("board.example")),
            ("192.168.1.1", Some("192.168.1.1")),
            ("[::2]", Some("[::2]")),
            ("*", Some("*")),
            ("board.example:8080", None),
            ("board.example.", None),
            ("http://board.example", None),
            ("user@board.example", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(host_name(text).ok().as_deref(), expected, "{text}");
        }
    }
}

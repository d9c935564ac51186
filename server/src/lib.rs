//! Carillon: a broker for topics and queues in one binary.
//!
//! This library is the program `carillon`, and the server that the crate `carillon` embeds in other programs. Its only stable
//! interface is the command line. It contains everything that waits: sockets, the connection loop, HTTP, the pages' first rendering, the
//! command line. `wire` encodes and decodes bytes, `broker` stores and routes messages, and `app` draws the pages.

mod access_control;
mod advisory;
#[cfg(test)]
mod allocations;
mod audit;
mod cli;
mod clock;
mod config;
mod connection;
mod connection_control;
mod connection_limit;
mod connection_shares;
mod content_type;
mod context;
mod delivery;
mod dialect;
#[doc(hidden)]
pub mod embedding;
mod fairness;
mod figures;
mod file_watch;
mod gate;
mod handler;
mod housekeeping;
mod http;
mod http_port;
mod inherited_listeners;
mod listener;
mod listeners;
mod log;
mod log_rate;
mod measurements;
mod message;
mod metrics;
mod mqtt;
mod name_cache;
mod net;
mod partial_input;
mod peek;
mod policy;
mod polled_peer;
mod port;
mod protocol_detection;
mod proxy_header;
mod public_url;
mod qr_code;
mod queue_history;
mod queues;
mod reachable_address;
mod redelivery;
mod refused_connections;
mod scheduler;
mod scheduling;
mod serve;
mod server;
mod server_publication;
mod service_manager;
mod shared_headers;
mod shell_files;
mod socket;
mod spans;
mod stomp;
mod stopping;
mod storage;
mod store_command;
mod subscription_options;
mod survey;
mod system_topics;
mod tls;
mod trace;
mod transport;
mod trusted_proxies;
mod upgrade;
mod user_command;

use std::process::ExitCode;

use clap::CommandFactory as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::block_in_place,
};

use cli::{Cli, Command, ServeOptions};
use config::{Configuration, Reloader};
use serve::Signals;
use spans::SpanExport;
use storage::StopError;
use store::StoreError;

/// Runs the command that the command line names. Returns the exit status of the program.
#[tokio::main]
pub async fn main() -> ExitCode {
    let (cli, configuration) = match Configuration::parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(refusal) => return refusal.report(),
    };
    let done = match cli.command {
        None => serve(&cli.serve, configuration).await,
        Some(Command::Serve(options)) => serve(&options, configuration).await,
        Some(Command::Pub(options)) => client::publish(options).await,
        Some(Command::Sub(options)) => client::subscribe(options).await,
        Some(Command::Request(options)) => client::request(options).await,
        Some(Command::Reply(options)) => client::reply(options).await,
        Some(Command::Admin(command)) => admin::run(*command).await,
        Some(Command::Bench(options)) => block_in_place(|| bench::bench(*options)),
        Some(Command::User(options)) => match block_in_place(|| user_command::run_user(&options)) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => {
                printable::note(&format!("carillon: {error:#}"));
                return ExitCode::from(2);
            }
        },
        Some(Command::Token(options)) => block_in_place(|| user_command::run_token(&options)),
        Some(Command::Config(options)) => match config::run(&options, &configuration) {
            Ok(status) => return status,
            Err(error) => Err(error),
        },
        Some(Command::Completions(options)) => {
            shell_files::print_completions(&options, Cli::command())
        }
        Some(Command::Manual(options)) => {
            block_in_place(|| shell_files::write_manual(&options, Cli::command()))
        }
        Some(Command::Store(options)) => {
            return block_in_place(|| store_command::run(&options));
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printable::note(&format!("carillon: {error:#}"));
            exit_code(&error)
        }
    }
}

async fn serve(options: &ServeOptions, configuration: Configuration) -> anyhow::Result<()> {
    let located = |error| configuration.locate(error);
    let log = log::init(options).map_err(located)?;
    let signals = Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hangup: signal(SignalKind::hangup())?,
        user_defined2: signal(SignalKind::user_defined2())?,
    };
    upgrade::release_signals()?;
    let server_options = options.server_options().map_err(located)?;
    let spans = SpanExport::start(&options.spans).map_err(located)?;
    let mut reloader = Reloader::new(configuration.clone(), log);
    let reload = Box::new(move || reloader.reload());
    let ended = serve::run(server_options, signals, reload).await;
    spans.stop().await;
    match ended.map_err(located)? {
        Some(upgrade) => Err(upgrade.perform()),
        None => Ok(()),
    }
}

/// Returns the exit status of a failed command.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_disk_failure = error
        .chain()
        .any(|cause| cause.is::<StoreError>() || cause.is::<StopError>());
    match is_disk_failure {
        true => ExitCode::from(DISK_FAILED),
        false => ExitCode::FAILURE,
    }
}

/// The exit status of a server whose disk has failed: `EX_IOERR` of sysexits.h.
const DISK_FAILED: u8 = 74;

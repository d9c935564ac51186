//! The commands that show and change a running server: `carillon topics`, `queues`, `connections`, `sessions`, `users`,
//! `scheduled`, `bans`, `trace` and `health`.
//!
//! They speak HTTP with the server, as any other client of its API does (`server/api`). This crate owns the requests
//! (`api`), the tables (`table`), the questions before a change (`confirmation`), and a module for each command. The address,
//! the login and TLS are those of the crate `client`.
//!
//! The caller sets the exit code and prints errors. The text of an error is complete without its sources.

#![warn(missing_docs, unreachable_pub)]

mod api;
mod bans;
mod confirmation;
mod connections;
mod health;
mod message;
mod options;
mod output;
mod queues;
mod scheduled;
mod sessions;
mod table;
mod target;
mod topics;
mod trace;
mod units;
mod users;

use std::io;

use clap::Subcommand;

/// A command for a running server.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// List the topics of a running server; show or clear one
    Topics(topics::TopicsOptions),
    /// List the queues of a running server; show, browse or delete one
    Queues(queues::QueuesOptions),
    /// List the connections of a running server; show or end one
    Connections(connections::ConnectionsOptions),
    /// List the MQTT sessions of a running server; end one
    Sessions(sessions::SessionsOptions),
    /// List what each user of a running server has and publishes
    Users(users::UsersOptions),
    /// List the scheduled messages of a running server; cancel one
    Scheduled(scheduled::ScheduledOptions),
    /// List the bans of a running server; add or remove one
    Bans(bans::BansOptions),
    /// Show what clients and a running server send each other, while it happens
    Trace(trace::TraceOptions),
    /// Check that a server accepts work: exit status 0 if it does, else 1 with the reason
    Health(health::HealthOptions),
}

/// Runs a command.
///
/// # Errors
/// The server cannot be reached or refused the request, or standard output cannot be written to. A reader that closed its end
/// is not an error.
pub async fn run(command: AdminCommand) -> anyhow::Result<()> {
    let done = match command {
        AdminCommand::Topics(options) => topics::run(options).await,
        AdminCommand::Queues(options) => queues::run(options).await,
        AdminCommand::Connections(options) => connections::run(options).await,
        AdminCommand::Sessions(options) => sessions::run(options).await,
        AdminCommand::Users(options) => users::run(options).await,
        AdminCommand::Scheduled(options) => scheduled::run(options).await,
        AdminCommand::Bans(options) => bans::run(options).await,
        AdminCommand::Trace(options) => trace::run(options).await,
        AdminCommand::Health(options) => health::run(options).await,
    };
    match done {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        done => done,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

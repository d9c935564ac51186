//! `carillon sessions`.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    api::Api,
    confirmation::{Confirmation, counted},
    options::{ListOptions, ServerOptions},
    output::{lines, print},
    table::{Align, Table},
    target::Target,
    units,
};

/// The options of `carillon sessions`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SessionsOptions {
    #[command(subcommand)]
    command: Option<SessionsCommand>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List the sessions by client id, connected or not; the default without a command
    List(ListOptions),
    /// End a session, and its connection if there is one
    End {
        /// The client id
        client: String,

        #[command(flatten)]
        confirmation: Confirmation,

        #[command(flatten)]
        server: ServerOptions,
    },
}

/// Runs the command.
pub(crate) async fn run(options: SessionsOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(SessionsCommand::List(options)) => list(&options).await,
        Some(SessionsCommand::End {
            client,
            confirmation,
            server,
        }) => end(&client, &confirmation, &server).await,
    }
}

async fn list(options: &ListOptions) -> anyhow::Result<()> {
    let render = |found: Sessions| {
        let last = found.sessions.last().filter(|_| found.more);
        let next = last.map(|session| session.client.clone());
        (found.render(), next)
    };
    let ListOptions { page, show } = options;
    show.print_list(Target::new(SESSIONS), page, render).await
}

async fn end(
    client: &str,
    confirmation: &Confirmation,
    server: &ServerOptions,
) -> anyhow::Result<()> {
    let api = Api::new(server)?;
    confirmation.ask(&format!(
        "The session of client {client} will be ended: 1 session, its subscriptions and the messages that wait for it."
    ))?;
    api.delete(&Target::new(SESSIONS).part(client)).await?;
    print(&format!("the session of client {client:?} was ended\n"))
}

/// The JSON of `/api/sessions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sessions {
    sessions: Vec<Session>,
    more: bool,
    away: u64,
}

/// A session in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Session {
    client: String,
    connected: bool,
    subscriptions: Option<u64>,
    has_messages: bool,
    expires_in_seconds: Option<u64>,
}

impl Sessions {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("CLIENT", Align::Left),
            ("CONNECTED", Align::Left),
            ("SUBSCRIPTIONS", Align::Right),
            ("MESSAGES WAIT", Align::Left),
            ("ENDS IN", Align::Right),
        ]);
        for session in &self.sessions {
            let yes_or_no = |is_true| if is_true { "yes" } else { "no" }.to_owned();
            let subscriptions = session.subscriptions.map(|count| count.to_string());
            table.row([
                session.client.clone(),
                yes_or_no(session.connected),
                subscriptions.unwrap_or_default(),
                match session.connected {
                    true => String::new(),
                    false => yes_or_no(session.has_messages),
                },
                session
                    .expires_in_seconds
                    .map(units::duration)
                    .unwrap_or_default(),
            ]);
        }
        let mut text = lines(&table, self.sessions.is_empty(), "no sessions");
        if self.away > 0 {
            text.push_str(&format!(
                "{} without a connection\n",
                counted(self.away, "session")
            ));
        }
        text
    }
}

const SESSIONS: &str = "/api/sessions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_a_connection_shows_what_it_has() {
        let json = r#"{"sessions":[{"client":"a","connected":true},
            {"client":"b","connected":false,"subscriptions":2,"hasMessages":true,"expiresInSeconds":61}],
            "more":false,"away":1,"endedEarly":0}"#;
        let sessions: Sessions = serde_json::from_str(json).expect("sessions");
        let expected = "\
CLIENT  CONNECTED  SUBSCRIPTIONS  MESSAGES WAIT    ENDS IN
a       yes
b       no                     2  yes            1 min 1 s
1 session without a connection
";
        assert_eq!(sessions.render(), expected);
    }
}

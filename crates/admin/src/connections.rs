//! `carillon connections`.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    api::Api,
    confirmation::Confirmation,
    options::{ListOptions, ServerOptions, ShowOptions},
    output::{lines, note_next, print, print_json, read},
    table::{Align, Table, record},
    target::Target,
    units,
};

/// The options of `carillon connections`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConnectionsOptions {
    #[command(subcommand)]
    command: Option<ConnectionsCommand>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum ConnectionsCommand {
    /// List connections, the oldest first; the default without a command
    List(ListOptions),
    /// Show a connection
    Show {
        /// The id of the connection in the list
        id: u64,

        #[command(flatten)]
        show: ShowOptions,
    },
    /// End a connection. Its client is informed, and may connect again
    End {
        /// The id of the connection in the list
        id: u64,

        #[command(flatten)]
        confirmation: Confirmation,

        #[command(flatten)]
        server: ServerOptions,
    },
}

/// Runs the command.
pub(crate) async fn run(options: ConnectionsOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(ConnectionsCommand::List(options)) => list(&options).await,
        Some(ConnectionsCommand::Show { id, show: options }) => show(id, &options).await,
        Some(ConnectionsCommand::End {
            id,
            confirmation,
            server,
        }) => end(id, &confirmation, &server).await,
    }
}

async fn list(options: &ListOptions) -> anyhow::Result<()> {
    let target = Target::new(CONNECTIONS)
        .query("after", options.page.after.as_ref())
        .query("limit", Some(options.page.limit));
    let found = Api::new(&options.show.server)?.get(&target).await?;
    let mut next = None;
    options.show.print(&found, |found: Connections| {
        next = found.next.map(|id| id.to_string());
        found.render()
    })?;
    note_next(next.as_deref());
    Ok(())
}

async fn show(id: u64, options: &ShowOptions) -> anyhow::Result<()> {
    let (connection, json) = find(&Api::new(&options.server)?, id).await?;
    match options.json {
        true => print_json(json.to_string().as_bytes()),
        false => print(&connection.record()),
    }
}

async fn end(id: u64, confirmation: &Confirmation, server: &ServerOptions) -> anyhow::Result<()> {
    let api = Api::new(server)?;
    let (connection, _) = find(&api, id).await?;
    let name = &connection.name;
    let (protocol, address) = (&connection.protocol, &connection.address);
    confirmation.ask(&format!(
        "Connection {id} ({name}, {protocol} from {address}) will be ended."
    ))?;
    let target = Target::new(CONNECTIONS).part(&id.to_string());
    api.delete(&target).await?;
    print(&format!("connection {id} ({name:?}) was ended\n"))
}

/// Returns a connection, also as JSON. The list has the connections by id, so the wanted one is first.
async fn find(api: &Api, id: u64) -> anyhow::Result<(Connection, serde_json::Value)> {
    let target = Target::new(CONNECTIONS)
        .query("after", id.checked_sub(1))
        .query("limit", Some(1));
    let found: serde_json::Value = read(&api.get(&target).await?)?;
    let json = found["connections"][0].clone();
    match serde_json::from_value::<Connection>(json.clone()) {
        Ok(connection) if connection.id == id => Ok((connection, json)),
        _ => bail!("there is no connection {id}; `carillon connections` lists them"),
    }
}

/// The JSON of `/api/connections`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Connections {
    connections: Vec<Connection>,
    next: Option<u64>,
}

/// A connection in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Connection {
    id: u64,
    name: String,
    protocol: String,
    address: String,
    user: Option<String>,
    client: Option<String>,
    since: u64,
    subscriptions: u64,
    delivered: u64,
    dropped: u64,
}

impl Connections {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("ID", Align::Right),
            ("NAME", Align::Left),
            ("PROTOCOL", Align::Left),
            ("USER", Align::Left),
            ("ADDRESS", Align::Left),
            ("AGE", Align::Right),
            ("SUBSCRIPTIONS", Align::Right),
            ("DELIVERED", Align::Right),
            ("DROPPED", Align::Right),
        ]);
        for connection in &self.connections {
            table.row([
                connection.id.to_string(),
                connection.name.clone(),
                connection.protocol.clone(),
                connection.user.clone().unwrap_or_default(),
                connection.address.clone(),
                units::age(connection.since),
                connection.subscriptions.to_string(),
                connection.delivered.to_string(),
                connection.dropped.to_string(),
            ]);
        }
        lines(&table, self.connections.is_empty(), "no connections")
    }
}

impl Connection {
    fn record(&self) -> String {
        let mut fields = vec![
            ("id", self.id.to_string()),
            ("name", self.name.clone()),
            ("protocol", self.protocol.clone()),
            ("address", self.address.clone()),
        ];
        fields.extend(self.user.clone().map(|user| ("user", user)));
        fields.extend(self.client.clone().map(|client| ("client id", client)));
        fields.extend([
            ("since", units::time(self.since.saturating_mul(1_000))),
            ("subscriptions", self.subscriptions.to_string()),
            ("delivered", self.delivered.to_string()),
            ("dropped", self.dropped.to_string()),
        ]);
        record(&fields)
    }
}

const CONNECTIONS: &str = "/api/connections";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn ids_are_numbers() {
        let options: ConnectionsOptions = parse(&["end", "7", "-y"]).expect("options");
        assert!(matches!(
            options.command,
            Some(ConnectionsCommand::End { id: 7, .. })
        ));
        assert!(parse::<ConnectionsOptions>(&["end", "x"]).is_err());
    }

    #[test]
    fn a_record_has_what_is_known() {
        let json =
            r#"{"id":7,"name":"n","protocol":"mqtt","address":"127.0.0.1","since":1767225600}"#;
        let connection: Connection = serde_json::from_str(json).expect("a connection");
        let record = connection.record();
        assert!(
            record.contains("since          2026-01-01T00:00:00Z\n"),
            "{record}"
        );
        assert!(!record.contains("user"), "{record}");
    }
}

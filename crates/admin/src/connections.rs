//! `carillon connections`.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    api::Api,
    confirmation::Confirmation,
    options::{PageOptions, ServerOptions, ShowOptions},
    output::{lines, print, read},
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
    list: ConnectionList,
}

#[derive(Debug, Args)]
struct ConnectionList {
    /// Only connections whose name, client id, user, address or protocol contains this text
    text: Option<String>,

    #[command(flatten)]
    page: PageOptions,

    #[command(flatten)]
    show: ShowOptions,
}

#[derive(Debug, Subcommand)]
enum ConnectionsCommand {
    /// List connections, the oldest first; the default without a command
    List(ConnectionList),
    /// Show a connection and its first subscriptions
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

async fn list(options: &ConnectionList) -> anyhow::Result<()> {
    let target = Target::new(CONNECTIONS).query("text", options.text.as_ref());
    let render = |found: Connections| (found.render(), found.next.map(|id| id.to_string()));
    options.show.print_list(target, &options.page, render).await
}

async fn show(id: u64, options: &ShowOptions) -> anyhow::Result<()> {
    let target = Target::new(CONNECTIONS)
        .part(&id.to_string())
        .query("limit", Some(MAX_SUBSCRIPTIONS));
    let found = Api::new(&options.server)?.get(&target).await?;
    options.print(&found, |details: Details| details.render())
}

async fn end(id: u64, confirmation: &Confirmation, server: &ServerOptions) -> anyhow::Result<()> {
    let api = Api::new(server)?;
    let target = Target::new(CONNECTIONS).part(&id.to_string());
    let Details { connection, .. } =
        read(&api.get(&target.clone().query("limit", Some(0))).await?)?;
    let name = &connection.name;
    let (protocol, address) = (&connection.protocol, &connection.address);
    confirmation.ask(&format!(
        "Connection {id} ({name}, {protocol} from {address}) will be ended."
    ))?;
    api.delete(&target).await?;
    print(&format!("connection {id} ({name:?}) was ended\n"))
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
#[serde(default, rename_all = "camelCase")]
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
    published: u64,
    delivered_per_second: f64,
    published_per_second: f64,
    lag: u64,
}

/// The JSON of `/api/connections/{id}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    connection: Connection,
    subscriptions: Vec<Subscription>,
    next: Option<u64>,
}

/// A subscription in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Subscription {
    kind: String,
    filter: String,
    selector: Option<String>,
    lag: Option<u64>,
    skipped: u64,
    held: Option<u64>,
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
            ("LAG", Align::Right),
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
                connection.lag.to_string(),
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
            ("lag", self.lag.to_string()),
            (
                "delivered",
                per_second(self.delivered, self.delivered_per_second),
            ),
            (
                "published",
                per_second(self.published, self.published_per_second),
            ),
            ("dropped", self.dropped.to_string()),
        ]);
        record(&fields)
    }
}

impl Details {
    fn render(&self) -> String {
        let mut text = self.connection.record();
        if self.subscriptions.is_empty() {
            return text;
        }
        let mut table = Table::new(&[
            ("KIND", Align::Left),
            ("FILTER", Align::Left),
            ("LAG", Align::Right),
            ("SKIPPED", Align::Right),
            ("HELD", Align::Right),
            ("SELECTOR", Align::Left),
        ]);
        let number = |number: Option<u64>| number.map_or_else(String::new, |one| one.to_string());
        for subscription in &self.subscriptions {
            table.row([
                subscription.kind.clone(),
                subscription.filter.clone(),
                number(subscription.lag),
                subscription.skipped.to_string(),
                number(subscription.held),
                subscription.selector.clone().unwrap_or_default(),
            ]);
        }
        text.push('\n');
        text.push_str(&lines(&table, false, ""));
        if self.next.is_some() {
            text.push_str("and more\n");
        }
        text
    }
}

/// Returns a number of messages with their rate.
fn per_second(messages: u64, rate: f64) -> String {
    format!("{messages}, {rate:.1} per second")
}

const CONNECTIONS: &str = "/api/connections";
/// Maximum number of subscriptions that are shown of a connection.
const MAX_SUBSCRIPTIONS: usize = 100;

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
    fn subscriptions_follow_their_connection() {
        let json = r#"{"connection":{"id":7,"delivered":3,"deliveredPerSecond":0.5},"next":2,"subscriptions":
            [{"kind":"queue","filter":"jobs","skipped":0,"held":2,"prefetch":9}]}"#;
        let details: Details = serde_json::from_str(json).expect("a connection");
        let text = details.render();
        assert!(
            text.contains("delivered      3, 0.5 per second\n"),
            "{text}"
        );
        let expected = "
KIND   FILTER  LAG  SKIPPED  HELD  SELECTOR
queue  jobs               0     2
and more
";
        assert!(text.ends_with(expected), "{text}");
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

//! `carillon bans`.

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    api::Api,
    options::{ListOptions, ServerOptions, ShowOptions},
    output::{lines, print},
    table::{Align, Table},
    target::Target,
    units,
};

/// The options of `carillon bans`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BansOptions {
    #[command(subcommand)]
    command: Option<BansCommand>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum BansCommand {
    /// List the bans in force; the default without a command
    List(ListOptions),
    /// Ban a user, a client id or a network for a time: its connections end, and new ones are refused
    Add {
        /// The kind of NAME
        kind: BanKind,

        /// The user, the client id, or an address or network such as 192.0.2.0/24
        name: String,

        /// Duration of the ban: seconds, or a number with s, m, h or d, such as 10m; at most ten years
        #[arg(long = "for", value_name = "DURATION", value_parser = units::parse_duration)]
        seconds: u64,

        /// Reason that the client gets
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,

        #[command(flatten)]
        show: ShowOptions,
    },
    /// End a ban
    Remove {
        /// The id of the ban in the list
        id: u64,

        #[command(flatten)]
        server: ServerOptions,
    },
}

/// The object of a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BanKind {
    /// A user
    User,
    /// A client id of MQTT or STOMP
    Client,
    /// An address or a network
    Address,
}

/// Runs the command.
pub(crate) async fn run(options: BansOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(BansCommand::List(options)) => list(&options).await,
        Some(BansCommand::Add {
            kind,
            name,
            seconds,
            reason,
            show,
        }) => add(&NewBan::new(kind, &name, seconds, &reason), &show).await,
        Some(BansCommand::Remove { id, server }) => remove(id, &server).await,
    }
}

async fn list(options: &ListOptions) -> anyhow::Result<()> {
    let render = |bans: Bans| (bans.render(), bans.next.map(|id| id.to_string()));
    let ListOptions { page, show } = options;
    show.print_list(Target::new(BANS), page, render).await
}

async fn add(ban: &NewBan<'_>, options: &ShowOptions) -> anyhow::Result<()> {
    let added = Api::new(&options.server)?;
    let added = added.post(&Target::new(BANS), ban).await?;
    options.print(&added, |added: AddedBan| {
        format!(
            "ban {} was added, for {}\n",
            added.id,
            units::duration(ban.seconds)
        )
    })
}

async fn remove(id: u64, server: &ServerOptions) -> anyhow::Result<()> {
    let target = Target::new(BANS).part(&id.to_string());
    Api::new(server)?.delete(&target).await?;
    print(&format!("ban {id} was ended\n"))
}

/// The body of a request for a new ban.
#[derive(Debug, Serialize)]
struct NewBan<'o> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'o str>,
    seconds: u64,
    reason: &'o str,
}

impl<'o> NewBan<'o> {
    fn new(kind: BanKind, name: &'o str, seconds: u64, reason: &'o str) -> Self {
        let name_of = |wanted| (kind == wanted).then_some(name);
        Self {
            user: name_of(BanKind::User),
            client: name_of(BanKind::Client),
            address: name_of(BanKind::Address),
            seconds,
            reason,
        }
    }
}

/// The answer to a new ban.
#[derive(Debug, Deserialize)]
struct AddedBan {
    id: u64,
}

/// The JSON of `/api/bans`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Bans {
    bans: Vec<Ban>,
    next: Option<u64>,
}

/// A ban in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ban {
    id: u64,
    user: Option<String>,
    client: Option<String>,
    address: Option<String>,
    seconds: u64,
    reason: String,
}

impl Bans {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("ID", Align::Right),
            ("KIND", Align::Left),
            ("NAME", Align::Left),
            ("ENDS IN", Align::Right),
            ("REASON", Align::Left),
        ]);
        for ban in &self.bans {
            let (kind, name) = ban.object();
            table.row([
                ban.id.to_string(),
                kind.to_owned(),
                name.unwrap_or_default().to_owned(),
                units::duration(ban.seconds),
                ban.reason.clone(),
            ]);
        }
        lines(&table, self.bans.is_empty(), "no bans")
    }
}

impl Ban {
    fn object(&self) -> (&'static str, Option<&str>) {
        match (&self.user, &self.client) {
            (Some(user), _) => ("user", Some(user)),
            (None, Some(client)) => ("client", Some(client)),
            (None, None) => ("address", self.address.as_deref()),
        }
    }
}

const BANS: &str = "/api/bans";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn a_ban_has_one_object() {
        let arguments = ["add", "client", "loud", "--for", "10m"];
        let options: BansOptions = parse(&arguments).expect("options");
        let Some(BansCommand::Add {
            kind,
            name,
            seconds,
            reason,
            ..
        }) = options.command
        else {
            panic!("{options:?}");
        };
        let ban = NewBan::new(kind, &name, seconds, &reason);
        assert_eq!(
            serde_json::to_string(&ban).expect("JSON"),
            r#"{"client":"loud","seconds":600,"reason":""}"#
        );
        for arguments in [
            &["add", "client", "loud"][..],
            &["add", "group", "loud", "--for", "1"],
            &["add", "client", "loud", "--for", "0"],
            &["remove", "x"],
        ] {
            assert!(parse::<BansOptions>(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn bans_show_what_is_banned() {
        let json = r#"{"bans":[{"id":1,"address":"192.0.2.0/24","seconds":60,"reason":"too\tloud"}],"total":1}"#;
        let bans: Bans = serde_json::from_str(json).expect("bans");
        let expected = "\
ID  KIND     NAME            ENDS IN  REASON
 1  address  192.0.2.0/24  1 min 0 s  too\\tloud
";
        assert_eq!(bans.render(), expected);
    }
}

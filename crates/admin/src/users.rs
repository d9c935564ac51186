//! `carillon users`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;

use super::{
    options::{PageOptions, ShowOptions},
    output::lines,
    table::{Align, Table},
    target::Target,
    units,
};

/// The options of `carillon users`.
#[derive(Debug, Args)]
pub struct UsersOptions {
    #[command(flatten)]
    page: PageOptions,

    #[command(flatten)]
    show: ShowOptions,
}

/// Runs the command.
pub(crate) async fn run(options: UsersOptions) -> anyhow::Result<()> {
    let render = |users: Users| (users.render(), users.next);
    let target = Target::new("/api/users");
    options.show.print_list(target, &options.page, render).await
}

/// The JSON of `/api/users`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Users {
    users: Vec<User>,
    next: Option<String>,
}

/// A user, or the anonymous clients of an address.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct User {
    user: Option<String>,
    address: Option<String>,
    connections: u64,
    subscriptions: u64,
    queues: u64,
    queued_bytes: u64,
    sessions: u64,
    published_messages: u64,
    messages_per_second: u64,
    /// Refused requests by limit.
    refused: BTreeMap<String, u64>,
}

impl Users {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("USER", Align::Left),
            ("CONNECTIONS", Align::Right),
            ("SUBSCRIPTIONS", Align::Right),
            ("QUEUES", Align::Right),
            ("QUEUED", Align::Right),
            ("SESSIONS", Align::Right),
            ("PUBLISHED", Align::Right),
            ("PER SECOND", Align::Right),
            ("REFUSED", Align::Right),
        ]);
        for user in &self.users {
            let name = match (&user.user, &user.address) {
                (Some(name), _) => name.clone(),
                (None, Some(address)) => format!("(anonymous, {address})"),
                (None, None) => String::new(),
            };
            table.row([
                name,
                user.connections.to_string(),
                user.subscriptions.to_string(),
                user.queues.to_string(),
                units::bytes(user.queued_bytes),
                user.sessions.to_string(),
                user.published_messages.to_string(),
                user.messages_per_second.to_string(),
                user.refused.values().sum::<u64>().to_string(),
            ]);
        }
        let note = "no users were active; a server without --users does not count them";
        lines(&table, self.users.is_empty(), note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_all_limits_are_added() {
        let json = r#"{"users":[{"user":"anna","refused":{"queues":2,"publications":3}},
            {"address":"192.0.2.1","queuedBytes":2048}],"total":2}"#;
        let users: Users = serde_json::from_str(json).expect("users");
        let text = users.render();
        let mut rows = text.lines().skip(1);
        let anna = rows.next().expect("a row");
        assert!(anna.starts_with("anna ") && anna.ends_with(" 5"), "{anna}");
        let anonymous = rows.next().expect("a row");
        assert!(
            anonymous.starts_with("(anonymous, 192.0.2.1) "),
            "{anonymous}"
        );
        assert!(anonymous.contains(" 2.0 KiB "), "{anonymous}");
    }
}

//! The commands.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::figures::{Queue, Queues};
use crate::{
    api::Api,
    confirmation::{Confirmation, counted},
    message::{self, Message},
    options::{PageOptions, ServerOptions, ShowOptions},
    output::{lines, note_next, print, read},
    target::Target,
};

/// The options of `carillon queues`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct QueuesOptions {
    #[command(subcommand)]
    command: Option<QueuesCommand>,

    #[command(flatten)]
    list: QueueList,
}

#[derive(Debug, Subcommand)]
enum QueuesCommand {
    /// List queues; the default without a command
    List(QueueList),
    /// Show a queue
    Show {
        /// The name of the queue
        name: String,

        #[command(flatten)]
        show: ShowOptions,
    },
    /// List the messages of a queue without consuming them, the oldest first
    Messages(MessageList),
    /// Delete a queue with its waiting messages. A queue with consumers stays
    Delete {
        /// The name of the queue
        name: String,

        #[command(flatten)]
        confirmation: Confirmation,

        #[command(flatten)]
        server: ServerOptions,
    },
}

#[derive(Debug, Args)]
struct QueueList {
    /// The queues to list, such as orders.>
    filter: Option<String>,

    /// Maximum number of queues
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,

    #[command(flatten)]
    show: ShowOptions,
}

#[derive(Debug, Args)]
struct MessageList {
    /// The name of the queue
    name: String,

    #[command(flatten)]
    page: PageOptions,

    #[command(flatten)]
    show: ShowOptions,
}

/// Runs the command.
pub(crate) async fn run(options: QueuesOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(QueuesCommand::List(options)) => list(&options).await,
        Some(QueuesCommand::Show {
            name,
            show: options,
        }) => show(&name, &options).await,
        Some(QueuesCommand::Messages(options)) => messages(&options).await,
        Some(QueuesCommand::Delete {
            name,
            confirmation,
            server,
        }) => delete(&name, &confirmation, &server).await,
    }
}

async fn list(options: &QueueList) -> anyhow::Result<()> {
    let target = Target::new(QUEUES)
        .query("filter", options.filter.as_ref())
        .query("limit", Some(options.limit));
    let found = Api::new(&options.show.server)?.get(&target).await?;
    options.show.print(&found, |queues: Queues| queues.render())
}

async fn show(name: &str, options: &ShowOptions) -> anyhow::Result<()> {
    let target = Target::new(QUEUES).part(name);
    let found = Api::new(&options.server)?.get(&target).await?;
    options.print(&found, |queue: Queue| queue.record())
}

async fn messages(options: &MessageList) -> anyhow::Result<()> {
    let target = Target::new(QUEUES)
        .part(&options.name)
        .part("messages")
        .query("after", options.page.after.as_ref())
        .query("limit", Some(options.page.limit));
    let found = Api::new(&options.show.server)?.get(&target).await?;
    let mut next = None;
    options.show.print(&found, |found: Messages| {
        let last = found.messages.last().filter(|_| found.more);
        next = last.map(|message| message.id.clone());
        let table = message::table(&found.messages);
        lines(&table, found.messages.is_empty(), "no messages")
    })?;
    note_next(next.as_deref());
    Ok(())
}

async fn delete(
    name: &str,
    confirmation: &Confirmation,
    server: &ServerOptions,
) -> anyhow::Result<()> {
    let api = Api::new(server)?;
    let target = Target::new(QUEUES).part(name);
    let queue: Queue = read(&api.get(&target).await?)?;
    let messages = counted(queue.waiting, "waiting message");
    let stays = match queue.consumers {
        0 => String::new(),
        consumers => format!(
            " The queue itself stays, because it has {}.",
            counted(consumers, "consumer")
        ),
    };
    confirmation.ask(&format!(
        "Queue {name} will be deleted with {messages}.{stays}"
    ))?;
    api.delete(&target).await?;
    print(&format!("queue {name:?} was deleted with {messages}\n"))
}

/// The JSON of `/api/queues/{queue}/messages`.
#[derive(Debug, Deserialize)]
struct Messages {
    messages: Vec<Message>,
    more: bool,
}

/// The path of the queues.
pub(super) const QUEUES: &str = "/api/queues";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn a_filter_or_a_command_can_follow() {
        let options: QueuesOptions = parse(&["orders.>"]).expect("options");
        assert_eq!(options.list.filter.as_deref(), Some("orders.>"));
        let options: QueuesOptions = parse(&["delete", "a", "--yes"]).expect("options");
        assert!(matches!(
            options.command,
            Some(QueuesCommand::Delete { .. })
        ));
        assert!(parse::<QueuesOptions>(&["messages"]).is_err());
    }
}

//! The commands.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    actions::{Action, ActionOptions, act, destination},
    consumers,
    figures::{Queue, Queues},
};
use crate::{
    api::Api,
    confirmation::{Confirmation, counted},
    message::{self, Message},
    options::{PageOptions, ServerOptions, ShowOptions},
    output::{lines, print, read},
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
    Messages {
        #[command(flatten)]
        list: MessageList,

        /// Only messages that match this selector, such as "price > 10"
        #[arg(long)]
        selector: Option<String>,
    },
    /// Move waiting messages to another queue or topic: all, or those with an id or a selector
    Move {
        #[command(flatten)]
        options: ActionOptions,

        /// The destination: /queue/NAME or /topic/NAME
        #[arg(value_parser = destination)]
        to: String,
    },
    /// Copy waiting messages to another queue or topic: all, or those with an id or a selector
    Copy {
        #[command(flatten)]
        options: ActionOptions,

        /// The destination: /queue/NAME or /topic/NAME
        #[arg(value_parser = destination)]
        to: String,
    },
    /// Send dead letters back to where they came from: all, or those with an id or a selector
    Retry(ActionOptions),
    /// Delete waiting messages and keep the queue: all, or those with an id or a selector
    #[command(visible_alias = "purge")]
    DeleteMessages(ActionOptions),
    /// Stop the delivery to consumers; the queue still takes messages
    Pause(ServerAndName),
    /// Let the delivery to consumers go on
    Resume(ServerAndName),
    /// List the consumers of a queue, with what they hold
    Consumers(MessageList),
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

    #[command(flatten)]
    page: PageOptions,

    #[command(flatten)]
    show: ShowOptions,
}

/// A queue, and the part of its messages or consumers to show.
#[derive(Debug, Args)]
pub(super) struct MessageList {
    /// The name of the queue
    pub name: String,

    #[command(flatten)]
    pub page: PageOptions,

    #[command(flatten)]
    pub show: ShowOptions,
}

#[derive(Debug, Args)]
struct ServerAndName {
    /// The name of the queue
    name: String,

    #[command(flatten)]
    server: ServerOptions,
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
        Some(QueuesCommand::Messages { list, selector }) => messages(&list, selector).await,
        Some(QueuesCommand::Move { options, to }) => act(&Action::Move(to), &options).await,
        Some(QueuesCommand::Copy { options, to }) => act(&Action::Copy(to), &options).await,
        Some(QueuesCommand::Retry(options)) => act(&Action::Retry, &options).await,
        Some(QueuesCommand::DeleteMessages(options)) => act(&Action::Delete, &options).await,
        Some(QueuesCommand::Pause(options)) => change(&options, "pause", "paused").await,
        Some(QueuesCommand::Resume(options)) => change(&options, "resume", "resumed").await,
        Some(QueuesCommand::Consumers(options)) => consumers::list(&options).await,
        Some(QueuesCommand::Delete {
            name,
            confirmation,
            server,
        }) => delete(&name, &confirmation, &server).await,
    }
}

async fn list(options: &QueueList) -> anyhow::Result<()> {
    let target = Target::new(QUEUES).query("filter", options.filter.as_ref());
    let render = |queues: Queues| (queues.render(), queues.next);
    options.show.print_list(target, &options.page, render).await
}

async fn show(name: &str, options: &ShowOptions) -> anyhow::Result<()> {
    let target = Target::new(QUEUES).part(name);
    let found = Api::new(&options.server)?.get(&target).await?;
    options.print(&found, |queue: Queue| queue.record())
}

async fn change(options: &ServerAndName, path: &str, done: &str) -> anyhow::Result<()> {
    let target = Target::new(QUEUES).part(&options.name).part(path);
    Api::new(&options.server)?.post_nothing(&target).await?;
    print(&format!("queue {:?} is {done}\n", options.name))
}

async fn messages(options: &MessageList, selector: Option<String>) -> anyhow::Result<()> {
    let target = Target::new(QUEUES)
        .part(&options.name)
        .part("messages")
        .query("selector", selector);
    let render = |found: Messages| {
        let last = found.messages.last().filter(|_| found.more);
        let last = last.map(|message| message.id.clone());
        let table = message::table(&found.messages);
        let text = lines(&table, found.messages.is_empty(), "no messages");
        (text, found.next.or(last))
    };
    options.show.print_list(target, &options.page, render).await
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
    let done = match queue.consumers {
        0 => "deleted with",
        _ => "emptied of",
    };
    print(&format!("queue {name:?} was {done} {messages}\n"))
}

/// The JSON of `/api/queues/{queue}/messages`.
#[derive(Debug, Deserialize)]
struct Messages {
    messages: Vec<Message>,
    more: bool,
    /// The message after which to continue, if it is not the last one.
    next: Option<String>,
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
        let options: QueuesOptions = parse(&["purge", "a", "-y"]).expect("options");
        assert!(matches!(
            options.command,
            Some(QueuesCommand::DeleteMessages(_))
        ));
        let options: QueuesOptions = parse(&["move", "a", "/queue/b"]).expect("options");
        assert!(matches!(
            options.command,
            Some(QueuesCommand::Move { to, .. }) if to == "/queue/b"
        ));
        for arguments in [
            &["messages"][..],
            &["move", "a"],
            &["move", "a", "b"],
            &["retry", "a", "--id", "1-1", "--selector", "a = 1"],
            &["delete-messages", "a", "--limit", "0"],
        ] {
            assert!(parse::<QueuesOptions>(arguments).is_err(), "{arguments:?}");
        }
    }
}

//! `carillon topics`.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    api::Api,
    confirmation::{Confirmation, counted},
    message::Message,
    options::{PageOptions, ServerOptions, ShowOptions},
    output::{lines, print, read},
    table::{Align, Table, record},
    target::Target,
    units,
};

/// The options of `carillon topics`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TopicsOptions {
    #[command(subcommand)]
    command: Option<TopicsCommand>,

    #[command(flatten)]
    list: TopicList,
}

#[derive(Debug, Subcommand)]
enum TopicsCommand {
    /// List topics; the default without a command
    List(TopicList),
    /// Show a topic and its last message
    Show {
        /// The name of the topic
        name: String,

        #[command(flatten)]
        show: ShowOptions,
    },
    /// Delete a topic's history, last message and retained message
    Clear {
        /// The name of the topic
        name: String,

        #[command(flatten)]
        confirmation: Confirmation,

        #[command(flatten)]
        server: ServerOptions,
    },
}

#[derive(Debug, Args)]
struct TopicList {
    /// The topics to list, such as finance.>
    filter: Option<String>,

    #[command(flatten)]
    page: PageOptions,

    #[command(flatten)]
    show: ShowOptions,
}

/// Runs the command.
pub(crate) async fn run(options: TopicsOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(TopicsCommand::List(options)) => list(&options).await,
        Some(TopicsCommand::Show {
            name,
            show: options,
        }) => show(&name, &options).await,
        Some(TopicsCommand::Clear {
            name,
            confirmation,
            server,
        }) => clear(&name, &confirmation, &server).await,
    }
}

async fn list(options: &TopicList) -> anyhow::Result<()> {
    let target = Target::new(TOPICS).query("filter", options.filter.as_ref());
    let render = |topics: Topics| (topics.render(), topics.next);
    options.show.print_list(target, &options.page, render).await
}

async fn show(name: &str, options: &ShowOptions) -> anyhow::Result<()> {
    let target = Target::new(TOPICS).part(name);
    let found = Api::new(&options.server)?.get(&target).await?;
    options.print(&found, |topic: Topic| topic.record())
}

async fn clear(
    name: &str,
    confirmation: &Confirmation,
    server: &ServerOptions,
) -> anyhow::Result<()> {
    let api = Api::new(server)?;
    let target = Target::new(TOPICS).part(name);
    let topic: Topic = read(&api.get(&target).await?)?;
    let messages = counted(topic.history_entries, "message");
    confirmation.ask(&format!(
        "Topic {name} will lose its history ({messages}), its last message and its retained message."
    ))?;
    api.delete(&target).await?;
    print(&format!("topic {name:?} was cleared: {messages}\n"))
}

/// The JSON of `/api/topics`.
#[derive(Debug, Deserialize)]
struct Topics {
    topics: Vec<Topic>,
    next: Option<String>,
}

/// A topic in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Topic {
    name: String,
    sequence: u64,
    bytes: u64,
    history_entries: u64,
    history_bytes: u64,
    subscriptions: u64,
    delivered: u64,
    dropped: u64,
    greatest_lag: u64,
    last: Option<Message>,
}

impl Topics {
    fn render(&self) -> String {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("MESSAGES", Align::Right),
            ("KEPT", Align::Right),
            ("SIZE", Align::Right),
            ("LISTENERS", Align::Right),
            ("LAG", Align::Right),
            ("DROPPED", Align::Right),
        ]);
        for topic in &self.topics {
            table.row([
                topic.name.clone(),
                topic.sequence.to_string(),
                topic.history_entries.to_string(),
                units::bytes(topic.history_bytes),
                topic.subscriptions.to_string(),
                topic.greatest_lag.to_string(),
                topic.dropped.to_string(),
            ]);
        }
        lines(&table, self.topics.is_empty(), "no topics")
    }
}

impl Topic {
    fn record(&self) -> String {
        let mut fields = vec![
            ("name", self.name.clone()),
            ("messages", self.sequence.to_string()),
            ("size", units::bytes(self.bytes)),
            ("kept messages", self.history_entries.to_string()),
            ("kept size", units::bytes(self.history_bytes)),
            ("listeners", self.subscriptions.to_string()),
            ("delivered", self.delivered.to_string()),
            ("dropped", self.dropped.to_string()),
            ("greatest lag", self.greatest_lag.to_string()),
        ];
        fields.extend(self.last.iter().flat_map(Message::fields));
        record(&fields)
    }
}

const TOPICS: &str = "/api/topics";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn a_filter_or_a_command_can_follow() {
        let options: TopicsOptions = parse(&["finance.>", "--limit", "7"]).expect("options");
        assert!(options.command.is_none());
        assert_eq!(options.list.filter.as_deref(), Some("finance.>"));
        assert_eq!(options.list.page.limit, 7);
        let options: TopicsOptions = parse(&["show", "a", "--json"]).expect("options");
        let Some(TopicsCommand::Show { name, show }) = options.command else {
            panic!("{options:?}");
        };
        assert_eq!((name.as_str(), show.json), ("a", true));
        for arguments in [&["clear"][..], &["--limit", "1001"], &["--limit", "0"]] {
            assert!(parse::<TopicsOptions>(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn unknown_members_are_ignored() {
        let json = r#"{"topics":[{"name":"a","sequence":3,"new":1}],"total":1,"next":"a"}"#;
        let topics: Topics = serde_json::from_str(json).expect("topics");
        let text = topics.render();
        let words: Vec<_> = text.lines().nth(1).expect("a line").split(' ').collect();
        assert_eq!(words.first(), Some(&"a"));
        assert_eq!(topics.next.as_deref(), Some("a"));
    }
}

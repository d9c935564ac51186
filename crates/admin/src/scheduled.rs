//! `carillon scheduled`.

use std::time::{SystemTime, UNIX_EPOCH};

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

/// The options of `carillon scheduled`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ScheduledOptions {
    #[command(subcommand)]
    command: Option<ScheduledCommand>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum ScheduledCommand {
    /// List the messages that wait for their time; the default without a command
    List(ListOptions),
    /// Cancel messages: they are not delivered any more
    Cancel {
        /// The ids of the messages in the list
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,

        #[command(flatten)]
        confirmation: Confirmation,

        #[command(flatten)]
        server: ServerOptions,
    },
}

/// Runs the command.
pub(crate) async fn run(options: ScheduledOptions) -> anyhow::Result<()> {
    match options.command {
        None => list(&options.list).await,
        Some(ScheduledCommand::List(options)) => list(&options).await,
        Some(ScheduledCommand::Cancel {
            ids,
            confirmation,
            server,
        }) => cancel(&ids, &confirmation, &server).await,
    }
}

async fn list(options: &ListOptions) -> anyhow::Result<()> {
    let render = |list: ScheduledList| (list.render(now_ms()), list.next);
    let ListOptions { page, show } = options;
    show.print_list(Target::new(SCHEDULED), page, render).await
}

async fn cancel(
    ids: &[String],
    confirmation: &Confirmation,
    server: &ServerOptions,
) -> anyhow::Result<()> {
    let messages = counted(ids.len() as u64, "scheduled message");
    confirmation.ask(&format!("{messages} will not be delivered."))?;
    let api = Api::new(server)?;
    for id in ids {
        api.delete(&Target::new(SCHEDULED).part(id)).await?;
        print(&format!("message {id} was cancelled\n"))?;
    }
    Ok(())
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// The JSON of `/api/scheduled`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScheduledList {
    scheduled: Vec<Scheduled>,
    next: Option<String>,
}

/// A scheduled message in the JSON of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Scheduled {
    id: String,
    kind: String,
    destination: String,
    producer: String,
    next_ms: u64,
    period_ms: u64,
    remaining: Option<u32>,
    cron: Option<String>,
    refusal: Option<String>,
}

impl ScheduledList {
    fn render(&self, now_ms: u64) -> String {
        let mut table = Table::new(&[
            ("ID", Align::Left),
            ("DESTINATION", Align::Left),
            ("NEXT", Align::Left),
            ("IN", Align::Right),
            ("LEFT", Align::Right),
            ("REPEATED", Align::Left),
            ("FROM", Align::Left),
            ("REFUSED", Align::Left),
        ]);
        for one in &self.scheduled {
            table.row([
                one.id.clone(),
                format!("/{}/{}", one.kind, one.destination),
                units::time(one.next_ms),
                units::duration(one.next_ms.saturating_sub(now_ms).div_ceil(1_000)),
                one.remaining
                    .map_or_else(|| "no end".to_owned(), |left| left.to_string()),
                one.repetition(),
                one.producer.clone(),
                one.refusal.clone().unwrap_or_default(),
            ]);
        }
        lines(&table, self.scheduled.is_empty(), "no scheduled messages")
    }
}

impl Scheduled {
    fn repetition(&self) -> String {
        match (&self.cron, self.remaining) {
            (Some(cron), _) => format!("cron {cron}"),
            (None, Some(0 | 1)) => String::new(),
            (None, _) if self.period_ms.is_multiple_of(1_000) => {
                format!("every {}", units::duration(self.period_ms / 1_000))
            }
            (None, _) => format!("every {} ms", self.period_ms),
        }
    }
}

const SCHEDULED: &str = "/api/scheduled";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn scheduled_messages_show_when_and_how_often() {
        let json = r#"{"scheduled":[
            {"id":"1-7","kind":"queue","destination":"orders","producer":"shop","nextMs":1796069730000,"remaining":1},
            {"id":"1-8","kind":"topic","destination":"a.b","producer":"http","nextMs":1796069790500,"periodMs":1500,
             "remaining":3,"refusal":"queue\tfull"},
            {"id":"1-9","kind":"topic","destination":"a","producer":"http","nextMs":1796070000000,"cron":"0 * * * *"}
        ]}"#;
        let list: ScheduledList = serde_json::from_str(json).expect("a list");
        let expected = "\
ID   DESTINATION    NEXT                              IN    LEFT  REPEATED        FROM  REFUSED
1-7  /queue/orders  2026-11-30T20:15:30Z             0 s       1                  shop
1-8  /topic/a.b     2026-11-30T20:16:30.5Z   1 min 1 s       3  every 1500 ms   http  queue\\tfull
1-9  /topic/a       2026-11-30T20:20:00Z    4 min 30 s  no end  cron 0 * * * *  http
";
        let squeezed = |text: &str| -> Vec<Vec<String>> {
            let lines = text.lines();
            lines
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .collect()
        };
        assert_eq!(
            squeezed(&list.render(1_796_069_730_000)),
            squeezed(expected)
        );
        assert_eq!(
            ScheduledList::default().render(0),
            "no scheduled messages\n"
        );
    }

    #[test]
    fn a_cancellation_needs_an_id() {
        assert!(parse::<ScheduledOptions>(&["cancel"]).is_err());
        assert!(parse::<ScheduledOptions>(&["cancel", "1-7", "1-8", "--yes"]).is_ok());
        assert!(parse::<ScheduledOptions>(&["--limit", "7", "--json"]).is_ok());
    }
}

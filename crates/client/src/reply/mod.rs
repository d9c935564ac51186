//! `carillon reply`: answers each request with a text or with the output of a command.
//!
//! This module owns the options and the outcome. [`replier`] answers requests on a connection,
//! [`request`] holds a received request, [`command`] runs a command.

mod command;
mod replier;
mod request;

use std::{ffi::OsString, time::Duration};

use clap::builder::BoolishValueParser;
use wire::stomp::{header, server::AckMode};

use super::{
    follow::{ReconnectOptions, follow},
    options::{ConnectionOptions, seconds, selector},
    stomp::destination::Source,
    stop::Stop,
};
use command::Program;
use replier::Replier;

/// The options of `carillon reply`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "carillon reply [OPTIONS] <DESTINATION> --body <TEXT>\n       \
                      carillon reply [OPTIONS] <DESTINATION> -- <COMMAND> [ARGUMENTS]...",
    after_help = AFTER_HELP
)]
pub struct ReplyOptions {
    /// Topic, filter or destination such as /queue/orders that receives the requests
    #[arg(value_name = "DESTINATION")]
    source: Source,

    /// The answer to every request
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        required_unless_present = "command"
    )]
    body: Option<OsString>,

    /// Command to run for each request, one at a time; it receives the request on its standard
    /// input, and its output is the answer
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "body")]
    command: Vec<OsString>,

    /// Media type of the answers, such as application/json; not sent by default
    #[arg(long, value_name = "TYPE", env = "CARILLON_REPLY_CONTENT_TYPE")]
    content_type: Option<String>,

    /// Maximum run time of the command in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CARILLON_REPLY_TIMEOUT",
        default_value = "30",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    timeout: Duration,

    /// Maximum output of the command in bytes; the server has its own limit for messages
    #[arg(
        long,
        value_name = "BYTES",
        env = "CARILLON_REPLY_MAX_OUTPUT",
        default_value_t = 1 << 20,
        value_parser = clap::value_parser!(u64).range(..=1 << 30)
    )]
    max_output: u64,

    /// End after this many answers
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        env = "CARILLON_REPLY_COUNT",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    count: Option<u64>,

    /// Answer only requests whose headers and body match this selector, such as "region = 'north'"
    #[arg(long, value_name = "CONDITION", env = "CARILLON_REPLY_SELECTOR", value_parser = selector)]
    selector: Option<String>,

    /// Reconnect when the connection is lost or cannot be opened
    #[arg(long, env = "CARILLON_REPLY_RECONNECT", value_parser = BoolishValueParser::new())]
    reconnect: bool,

    /// Print no notices, except of missed and unanswered requests
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Answers requests until the command ends.
///
/// # Errors
///
/// The connection failed, the server refused the subscription or an answer, or the command cannot
/// be started.
pub async fn reply(options: ReplyOptions) -> anyhow::Result<()> {
    let mut stop = Stop::listen(None)?;
    let mut replier = Replier::new(&options);
    let outcome = follow(options.reconnect_options(), &mut replier, &mut stop).await;
    outcome.map(drop).map_err(anyhow::Error::msg)
}

/// The source of the answers.
#[derive(Clone, Copy, Debug)]
enum Answer<'o> {
    Fixed(&'o [u8]),
    Program(Program<'o>),
}

impl ReplyOptions {
    const fn reconnect_options(&self) -> ReconnectOptions {
        ReconnectOptions {
            reconnect: self.reconnect,
            quiet: self.quiet,
        }
    }

    fn answer(&self) -> Answer<'_> {
        match (self.command.split_first(), &self.body) {
            (Some((name, arguments)), _) => Answer::Program(Program {
                name,
                arguments,
                time: self.timeout,
                output_bytes: self.max_output,
            }),
            (None, body) => {
                let body = body.as_deref().unwrap_or_default();
                Answer::Fixed(body.as_encoded_bytes())
            }
        }
    }

    /// Returns the acknowledgement mode. A queue keeps each request until it is acknowledged; a
    /// topic does not.
    fn ack(&self) -> AckMode {
        match self.source.is_queue() {
            true => AckMode::ClientIndividual,
            false => AckMode::Auto,
        }
    }

    /// Returns the selector of the SUBSCRIBE. On a queue it excludes messages without reply-to, so
    /// that they stay there for other consumers. On a topic such messages are received and reported
    /// one by one.
    fn whole_selector(&self) -> Option<String> {
        match (&self.selector, self.source.is_queue()) {
            (selector, false) => selector.clone(),
            (None, true) => Some(ARE_REQUESTS.to_owned()),
            (Some(selector), true) => Some(format!("({selector}) AND {ARE_REQUESTS}")),
        }
    }

    /// Returns the headers of the SUBSCRIBE. On a queue the prefetch is 1, so that other repliers
    /// can take the next request.
    fn headers<'s>(&self, selector: Option<&'s str>) -> Vec<(&'static str, &'s str)> {
        let prefetch = self
            .source
            .is_queue()
            .then_some((header::PREFETCH_SIZE, "1"));
        let selector = selector.map(|selector| (header::SELECTOR, selector));
        prefetch.into_iter().chain(selector).collect()
    }
}

const ARE_REQUESTS: &str = "JMSReplyTo IS NOT NULL";

const AFTER_HELP: &str = "\
The environment of the command contains CARILLON_DESTINATION, CARILLON_MESSAGE_ID, CARILLON_REPLY_TO, \
CARILLON_CORRELATION_ID, CARILLON_CONTENT_TYPE and the headers of the request, such as \
CARILLON_HEADER_RETRY_COUNT for retry-count. If the command fails, there is no answer: a request on a queue is \
delivered again, to any consumer, and finally moved to the dead letter queue. Messages without reply-to stay in a \
queue and are skipped on a topic.";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<ReplyOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn an_answer_is_a_text_or_the_output_of_a_command() {
        let options = parse(&["a", "--body", "-yes-"]).unwrap();
        assert!(matches!(options.answer(), Answer::Fixed(b"-yes-")));
        let options = parse(&["a", "--timeout", "2", "--", "sh", "-c", "date"]).unwrap();
        let Answer::Program(program) = options.answer() else {
            panic!("a command is given");
        };
        assert_eq!(program.name, "sh");
        assert_eq!(program.arguments, ["-c", "date"]);
        assert_eq!(program.time, Duration::from_secs(2));
    }

    #[test]
    fn requests_on_a_queue_are_taken_one_by_one_and_other_messages_stay() {
        let table: [(&[&str], AckMode, &[_]); 3] = [
            (&["a", "--body", "x"], AckMode::Auto, &[]),
            (
                &["/queue/a", "--body", "x"],
                AckMode::ClientIndividual,
                &[("prefetch", "1"), ("selector", ARE_REQUESTS)],
            ),
            (
                &["/queue/a", "--body", "x", "--selector", "a = 1 OR b = 2"],
                AckMode::ClientIndividual,
                &[
                    ("prefetch", "1"),
                    ("selector", "(a = 1 OR b = 2) AND JMSReplyTo IS NOT NULL"),
                ],
            ),
        ];
        for (arguments, ack, headers) in table {
            let options = parse(arguments).unwrap();
            let whole = options.whole_selector();
            assert!(whole.as_deref().is_none_or(|text| selector(text).is_ok()));
            let found = options.headers(whole.as_deref());
            let wanted = headers.iter().map(|(name, value)| match *name {
                "prefetch" => (header::PREFETCH_SIZE, *value),
                name => (name, *value),
            });
            assert_eq!(options.ack(), ack, "{arguments:?}");
            assert_eq!(found, wanted.collect::<Vec<_>>(), "{arguments:?}");
        }
    }

    #[test]
    fn invalid_options_are_refused_before_connecting() {
        let table: [(&[&str], &str); 6] = [
            (&["a"], "--body"),
            (&["a", "--body", "x", "--", "date"], "cannot be used with"),
            (&["a", "date"], "unexpected argument 'date'"),
            (&["/dsub/a", "--body", "x"], "begins with /topic/, /queue/"),
            (&["a", "--body", "x", "--selector", "="], "column 1"),
            (&["a", "--body", "x", "--timeout", "0"], "more than 0"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}

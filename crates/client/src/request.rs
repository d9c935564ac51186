//! `carillon request`: sends requests, and prints the answers on standard output.
//!
//! Answers arrive on a temporary queue of this connection: no other client sees them, and the queue
//! ends with the connection. An answer repeats the `correlation-id` of its request.

use std::{
    ffi::OsString,
    hash::{BuildHasher, RandomState},
    io,
    io::IsTerminal,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{anyhow, bail};
use clap::builder::BoolishValueParser;
use tokio::time::{Instant, sleep_until};
use wire::stomp::{
    client::{Event, Message, Send, Subscribe},
    header,
};

use super::{
    headers::UserHeader,
    input::Lines,
    note,
    options::{ConnectionOptions, seconds},
    output::Closed,
    printer::Printer,
    render::Format,
    stomp::{Connection, connection::error_text, destination::Target, render},
};

/// The options of `carillon request`.
#[derive(Clone, Debug, clap::Args)]
pub struct RequestOptions {
    /// Topic to send requests to, such as finance.quote, or a destination such as /queue/orders
    destination: Target,

    /// Body of the request; if it is missing, each line of standard input is a request, sent when
    /// the one before is answered
    #[arg(allow_negative_numbers = true)]
    body: Option<OsString>,

    /// Media type of the requests, such as application/json; not sent by default
    #[arg(long, value_name = "TYPE", env = "CARILLON_REQUEST_CONTENT_TYPE")]
    content_type: Option<String>,

    /// User-defined header of the requests; may be given several times
    #[arg(
        long = "header",
        value_name = "NAME=VALUE",
        env = "CARILLON_REQUEST_HEADER",
        value_parser = request_header
    )]
    headers: Vec<UserHeader>,

    /// Seconds to wait for the answers to each request
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CARILLON_REQUEST_TIMEOUT",
        default_value = "5",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    timeout: Duration,

    /// Number of answers to wait for, for each request
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        env = "CARILLON_REQUEST_COUNT",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    count: u64,

    /// Let the server drop a request that was not delivered within --timeout; the clocks of server
    /// and client must agree
    #[arg(long, env = "CARILLON_REQUEST_EXPIRE", value_parser = BoolishValueParser::new())]
    expire: bool,

    /// Print each answer as a JSON object with all its fields
    #[arg(long, env = "CARILLON_REQUEST_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    /// Print only answers and errors
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Sends the requests, and returns when the answers were printed.
///
/// # Errors
///
/// The connection failed, the server refused the request, no answer came in time, the input cannot
/// be read, or standard output cannot be written to.
pub async fn request(options: RequestOptions) -> anyhow::Result<()> {
    let mut requester = Requester::open(&options).await?;
    let outcome = match &options.body {
        Some(body) => requester.ask(body.as_encoded_bytes()).await,
        None => requester.ask_lines().await,
    };
    let Requester {
        connection,
        printer,
        ..
    } = requester;
    // The answers received are printed even after an error.
    let written = printer.finish().await;
    if outcome.is_ok() {
        connection.close().await;
    }
    written.map_err(|error| anyhow!("cannot write to standard output: {error}"))?;
    match outcome {
        // The reader of standard output has gone: no answers are needed.
        Err(error) if error.is::<Closed>() => Ok(()),
        outcome => outcome,
    }
}

struct Requester<'o> {
    options: &'o RequestOptions,
    connection: Connection,
    printer: Printer<String>,
    /// The first part of each correlation id: a random text that distinguishes this client from
    /// others.
    name: String,
    /// Number of the latest request, from 1.
    number: u64,
    /// Correlation id of the latest request.
    correlation_id: String,
    /// Number of answers to the latest request.
    answers: u64,
}

impl<'o> Requester<'o> {
    async fn open(options: &'o RequestOptions) -> anyhow::Result<Self> {
        let connection = Connection::open(&options.connection).await;
        let mut connection = connection.map_err(anyhow::Error::msg)?;
        connection.subscribe(&Subscribe {
            id: ANSWERS,
            destination: ANSWERS,
            receipt: Some(ANSWERS),
            ..Subscribe::default()
        });
        Ok(Self {
            options,
            connection,
            printer: Printer::to_standard_output(),
            // The standard library's randomly seeded hasher is enough, because the name need not be
            // secret.
            name: format!("{:016x}", RandomState::new().hash_one(0)),
            number: 0,
            correlation_id: String::new(),
            answers: 0,
        })
    }

    async fn ask_lines(&mut self) -> anyhow::Result<()> {
        if io::stdin().is_terminal() && !self.options.quiet {
            note("each line is sent as a request; press Ctrl-D to end");
        }
        let mut lines = Lines::from_standard_input();
        while !lines.is_at_end() {
            let number = self.number + 1;
            match lines.next_line() {
                Ok(Some(line)) => self.ask(line).await?,
                Ok(None) => {}
                Err(error) => bail!("line {number} of the input cannot be read: {error}"),
            }
            if lines.needs_input() {
                self.receive_line(&mut lines).await?;
            }
        }
        Ok(())
    }

    /// Waits for input, and prints answers in that time.
    async fn receive_line(&mut self, lines: &mut Lines) -> anyhow::Result<()> {
        tokio::select! {
            () = lines.receive() => {}
            () = self.connection.receive() => self.take_events()?,
            printed = self.printer.progress() => drop(printed?),
        }
        Ok(())
    }

    /// Sends one request, and waits for its answers.
    async fn ask(&mut self, body: &[u8]) -> anyhow::Result<()> {
        self.send(body);
        // A deadline too far away to be represented is never reached.
        let deadline = Instant::now().checked_add(self.options.timeout);
        while self.answers < self.options.count {
            tokio::select! {
                () = self.connection.receive() => self.take_events()?,
                printed = self.printer.progress() => drop(printed?),
                () = reached(deadline) => bail!("{}", self.timeout_error()),
            }
        }
        Ok(())
    }

    fn send(&mut self, body: &[u8]) {
        self.number += 1;
        self.answers = 0;
        self.correlation_id = format!("{}-{}", self.name, self.number);
        let expires = self.options.expires();
        let mut headers = vec![
            (header::REPLY_TO, ANSWERS),
            (header::CORRELATION_ID, self.correlation_id.as_str()),
        ];
        headers.extend(expires.as_deref().map(|at| (header::EXPIRES, at)));
        headers.extend(self.options.headers.iter().map(UserHeader::as_pair));
        self.connection.send(&Send {
            destination: self.options.destination.as_stomp(),
            content_type: self.options.content_type.as_deref(),
            receipt: None,
            headers: &headers,
            body,
        });
    }

    fn take_events(&mut self) -> anyhow::Result<()> {
        loop {
            match self.connection.next_event() {
                Ok(Some(Event::Message(message))) if self.answers < self.options.count => {
                    // Late or additional answers to earlier requests are skipped.
                    if message.correlation_id().as_deref() == Some(&self.correlation_id) {
                        self.answers += 1;
                        print(&message, self.options.format(), &mut self.printer);
                    }
                }
                Ok(Some(Event::Error(error))) => {
                    let reason = error_text(&error);
                    bail!("{} was refused: {reason}", self.request_name());
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(lost) => bail!("the connection was lost: {lost}"),
            }
        }
    }

    fn timeout_error(&self) -> String {
        let seconds = self.options.timeout.as_secs_f64();
        let what = self.request_name();
        match self.answers {
            0 => format!("{what} was not answered within {seconds} s"),
            answers => {
                let count = self.options.count;
                format!("{what} got {answers} of {count} answers within {seconds} s")
            }
        }
    }

    /// Returns the name of the request in error texts.
    fn request_name(&self) -> String {
        match self.options.body {
            Some(_) => "the request".to_owned(),
            None => format!("the request of line {}", self.number),
        }
    }
}

fn print(answer: &Message<'_>, format: Format, printer: &mut Printer<String>) {
    render::message(format, answer, &mut printer.lines);
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn request_header(text: &str) -> Result<UserHeader, &'static str> {
    let user_header: UserHeader = text.parse()?;
    match user_header.as_pair().0 {
        header::REPLY_TO | header::CORRELATION_ID => {
            Err("this header is set by the command for each request")
        }
        header::EXPIRES => Err("use the option --expire instead"),
        _ => Ok(user_header),
    }
}

impl RequestOptions {
    const fn format(&self) -> Format {
        match self.json {
            true => Format::Json,
            false => Format::Body,
        }
    }

    /// Returns the Unix time in milliseconds at which a request sent now expires, or None without
    /// `--expire`.
    fn expires(&self) -> Option<String> {
        let timeout_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let at_ms = unix_ms().saturating_add(timeout_ms);
        self.expire.then(|| at_ms.to_string())
    }
}

/// Returns the time of day in Unix milliseconds. A clock set before 1970 counts as 1970.
fn unix_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since_1970.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The destination of the answers, and the id of its subscription.
const ANSWERS: &str = "/temp-queue/answers";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<RequestOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn a_request_waits_five_seconds_for_one_answer() {
        let options = parse(&["/queue/orders", "-5"]).unwrap();
        assert_eq!(options.body, Some("-5".into()));
        assert_eq!(options.timeout, Duration::from_secs(5));
        assert_eq!((options.count, options.format()), (1, Format::Body));
        assert_eq!(options.expires(), None);
    }

    #[test]
    fn a_request_expires_after_the_timeout() {
        let before_ms = unix_ms();
        let options = parse(&["a", "--expire", "--timeout", "60"]).unwrap();
        let expires_ms: u64 = options.expires().unwrap().parse().unwrap();
        assert!((before_ms + 60_000..=unix_ms() + 60_000).contains(&expires_ms));
    }

    #[test]
    fn an_invalid_request_is_refused_before_connecting() {
        let table: [(&[&str], &str); 7] = [
            (&["a.*"], "a wildcard cannot be part"),
            (&["/dsub/a"], "begins with /topic/, /queue/"),
            (&["a", "--header", "reply-to=b"], "set by the command"),
            (&["a", "--header", "correlation-id=1"], "set by the command"),
            (
                &["a", "--header", "expires=1"],
                "use the option --expire instead",
            ),
            (&["a", "--count", "0"], "0 is not in 1.."),
            (&["a", "--timeout", "0"], "more than 0"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}

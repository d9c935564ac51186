//! `carillon trace`: the frames between clients and the server, while they pass.

use std::{fmt::Write as _, io, time::Duration};

use clap::Args;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use printable::printable;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::{
    api::Api,
    options::ServerOptions,
    output::{closed_by_reader, print, print_json, read},
    target::Target,
    units,
};

/// The options of `carillon trace`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct TraceOptions {
    #[command(flatten)]
    selection: Selection,

    /// End after this number of frames
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// End after this time: seconds, or with a unit such as 90s, 10m, 1h. The server ends a trace after an hour
    #[arg(long = "for", value_name = "TIME", value_parser = units::parse_duration)]
    duration: Option<u64>,

    /// Print the JSON of each frame on a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerOptions,
}

/// The conditions of the trace. All must hold.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Selection {
    /// The client id of MQTT, or the client-id of STOMP
    #[arg(long, value_name = "ID")]
    client: Option<String>,

    /// The address of the client: an address, a network such as 192.0.2.0/24, or with a port 192.0.2.7:51034
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,

    /// The user of the client
    #[arg(long = "of-user", value_name = "NAME")]
    of_user: Option<String>,

    /// Only frames that name a topic of this filter, or deliver from one, such as sensors.*.temperature
    #[arg(long, value_name = "FILTER")]
    topic: Option<String>,

    /// The id of the connection, as in `carillon connections`
    #[arg(long, value_name = "ID")]
    connection: Option<u64>,
}

/// Runs the command.
pub(crate) async fn run(options: TraceOptions) -> anyhow::Result<()> {
    let Selection {
        client,
        address,
        of_user,
        topic,
        connection,
    } = &options.selection;
    let target = Target::new("/api/trace")
        .query("client", client.as_ref())
        .query("address", address.as_ref())
        .query("user", of_user.as_ref())
        .query("topic", topic.as_ref())
        .query("connection", *connection)
        .query("limit", options.count);
    let body = Api::new(&options.server)?.stream(&target).await?;
    let over = async {
        match options.duration.and_then(end_after) {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    let output = match options.json {
        true => Output::Json,
        false => Output::Lines,
    };
    tokio::select! {
        shown = show(body, output) => shown,
        () = over => Ok(()),
        closed = closed_by_reader() => Err(closed.into()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Returns the time after this number of seconds; `None` if the clock does not reach it.
fn end_after(seconds: u64) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_secs(seconds))
}

/// The form of the output.
#[derive(Debug, Clone, Copy)]
enum Output {
    Json,
    Lines,
}

/// Prints the events of the server until the trace ends.
async fn show(mut body: Incoming, output: Output) -> anyhow::Result<()> {
    let mut events = Events::default();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| io::Error::other(format!("the connection was lost: {error}")))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        for event in events.of(&data)? {
            match event.name.as_str() {
                "trace" => {
                    let started: Started = read(event.data.as_bytes())?;
                    let selector = started.selector;
                    printable::note(&format!("carillon: the trace of {selector} has started"));
                }
                "frame" | "left-out" => match output {
                    Output::Json => print_json(event.data.as_bytes())?,
                    Output::Lines => print(&line(&event)?)?,
                },
                "end" => {
                    let Ended { reason } = read(event.data.as_bytes())?;
                    printable::note(&format!("carillon: the trace has ended: {reason}"));
                    return Ok(());
                }
                _ => {}
            }
        }
    }
    anyhow::bail!("the connection to the server was lost")
}

/// The text of a frame, or of a report of frames that were left out.
fn line(event: &Event) -> anyhow::Result<String> {
    let data = event.data.as_bytes();
    match event.name.as_str() {
        "frame" => Ok(read::<Frame>(data)?.line()),
        _ => Ok(read::<LeftOut>(data)?.line()),
    }
}

/// Splits the stream into events.
#[derive(Debug, Default)]
struct Events {
    unread: Vec<u8>,
    current: Event,
}

/// A server-sent event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
}

impl Events {
    /// Returns the events that are complete.
    fn of(&mut self, data: &[u8]) -> io::Result<Vec<Event>> {
        self.unread.extend_from_slice(data);
        let mut complete = Vec::new();
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
            self.unread.drain(..=end);
            if line.is_empty() {
                let event = std::mem::take(&mut self.current);
                if !event.name.is_empty() {
                    complete.push(event);
                }
            } else if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut self.current.name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                data.clone_into(&mut self.current.data);
            }
        }
        match self.unread.len() > MAX_LINE_BYTES {
            true => Err(io::Error::other("the server sent a line that is too long")),
            false => Ok(complete),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Started {
    selector: String,
}

#[derive(Debug, Deserialize)]
struct Ended {
    reason: String,
}

/// The JSON of a frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Frame {
    at: u64,
    direction: String,
    connection: Option<u64>,
    protocol: String,
    client: Option<String>,
    user: Option<String>,
    address: String,
    #[serde(rename = "type")]
    frame_type: String,
    bytes: u64,
    fields: Vec<Field>,
    payload: Option<Payload>,
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    name: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    bytes: u64,
    text: Option<String>,
    hex: Option<String>,
    cut: bool,
    withheld: Option<String>,
}

/// The JSON of a report.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LeftOut {
    left_out: u64,
    max_frames: Option<u64>,
    max_bytes: u64,
}

impl Frame {
    fn line(&self) -> String {
        let mut line = format!("{} {:3}", time_of_day(self.at), printable(&self.direction));
        // Writing to a text does not fail.
        let _ = match self.connection {
            Some(id) => write!(line, " #{id}"),
            None => write!(line, " #-"),
        };
        if let Some(client) = &self.client {
            let _ = write!(line, " {}", printable(client));
        }
        if let Some(user) = &self.user {
            let _ = write!(line, " user={}", printable(user));
        }
        let address = printable(&self.address);
        let (protocol, frame_type) = (printable(&self.protocol), printable(&self.frame_type));
        let _ = write!(line, " {address} {protocol} {frame_type}");
        if self.bytes > 0 {
            let _ = write!(line, " {}", units::bytes(self.bytes));
        }
        let mut separator = ":";
        for field in &self.fields {
            let (name, value) = (printable(&field.name), printable(&field.value));
            let _ = write!(line, "{separator} {name}={value}");
            separator = ",";
        }
        if let Some(payload) = &self.payload {
            let _ = write!(line, " | {}", payload.text());
        }
        if let Some(error) = &self.error {
            let _ = write!(line, " ! {}", printable(error));
        }
        line.push('\n');
        line
    }
}

impl Payload {
    fn text(&self) -> String {
        let size = units::bytes(self.bytes);
        let shown = match (&self.text, &self.hex, &self.withheld) {
            (Some(text), _, _) => printable(text).into_owned(),
            (None, Some(hex), _) => format!("0x{}", printable(hex)),
            (None, None, reason) => printable(reason.as_deref().unwrap_or_default()).into_owned(),
        };
        let end = if self.cut { "…" } else { "" };
        format!("{size}: {shown}{end}")
    }
}

impl LeftOut {
    fn line(&self) -> String {
        let (frames, bytes) = (self.left_out, units::bytes(self.max_bytes));
        let noun = if frames == 1 { "frame" } else { "frames" };
        match self.max_frames {
            Some(most) => {
                format!(
                    "… {frames} {noun} left out: more than {most} frames or {bytes} in a second\n"
                )
            }
            None => format!("… {frames} {noun} left out: more than {bytes} wait for this reader\n"),
        }
    }
}

/// Returns the time of day of a time in Unix milliseconds, in UTC.
fn time_of_day(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
    let (seconds, ms) = (seconds % 60, unix_ms % 1_000);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

/// Maximum length of a line of the stream. A frame has at most some 64 fields of 256 bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn something_must_be_named() {
        let error = parse::<TraceOptions>(&[]).expect_err("nothing is named");
        assert!(error.contains("--client"), "{error}");
        let options: TraceOptions = parse(&[
            "--client", "c", "--topic", "a.>", "--for", "10s", "--count", "3",
        ])
        .expect("options");
        assert_eq!(options.duration, Some(10));
        assert_eq!(options.count, Some(3));
        assert_eq!(options.selection.topic.as_deref(), Some("a.>"));
    }

    #[test]
    fn a_trace_may_have_no_end() {
        assert!(end_after(10).is_some());
        let options: TraceOptions =
            parse(&["--client", "c", "--for", "18446744073709551615"]).expect("options");
        assert_eq!(options.duration.and_then(end_after), None);
    }

    #[test]
    fn events_are_complete_at_their_blank_line() {
        let mut events = Events::default();
        let stream = b":\n\nevent: frame\ndata: {\"at\":1}\n\nevent: end\ndata: {}\n\n";
        let mut found = Vec::new();
        for byte in stream {
            found.extend(events.of(&[*byte]).expect("short lines"));
        }
        let names: Vec<_> = found.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["frame", "end"]);
        assert_eq!(found[0].data, r#"{"at":1}"#);
        assert!(events.of(&[b'x'; MAX_LINE_BYTES + 1]).is_err());
    }

    #[test]
    fn a_frame_is_a_line() {
        let json = r#"{"at":1767225600045,"direction":"in","connection":7,"protocol":"MQTT 5.0","client":"sensor-1",
            "address":"192.0.2.7:51034","type":"PUBLISH","bytes":30,
            "fields":[{"name":"Topic Name","value":"a/b"},{"name":"QoS","value":"1"}],
            "payload":{"bytes":300,"text":"21\u001b[31m","cut":true},"error":null}"#;
        let frame: Frame = serde_json::from_str(json).expect("a frame");
        assert_eq!(
            frame.line(),
            "00:00:00.045Z in  #7 sensor-1 192.0.2.7:51034 MQTT 5.0 PUBLISH 30 B: Topic Name=a/b, QoS=1 | 300 B: \
             21\\u{1b}[31m…\n"
        );
        let refused: Frame = serde_json::from_str(
            r#"{"direction":"out","address":"::1","protocol":"MQTT","type":"end","fields":[],"error":"no"}"#,
        )
        .expect("a frame");
        assert_eq!(refused.line(), "00:00:00.000Z out #- ::1 MQTT end ! no\n");
    }

    #[test]
    fn left_out_frames_are_a_line() {
        let table = [
            (
                r#"{"leftOut":37,"reason":"rate","maxFrames":500,"maxBytes":524288}"#,
                "… 37 frames left out: more than 500 frames or 512.0 KiB in a second\n",
            ),
            (
                r#"{"leftOut":1,"reason":"buffer","maxBytes":1048576}"#,
                "… 1 frame left out: more than 1.0 MiB wait for this reader\n",
            ),
        ];
        for (json, expected) in table {
            let left_out: LeftOut = serde_json::from_str(json).expect("a report");
            assert_eq!(left_out.line(), expected);
        }
    }
}

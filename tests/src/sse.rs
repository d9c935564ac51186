//! A reader of server-sent events, as in the HTML standard, "Parsing an event stream".

use std::mem;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;

use crate::deadline::within;
use crate::http::{open, request};

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Event {
    /// The last `id:` of this event or an earlier one.
    pub id: String,
    pub name: String,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.data))
    }

    /// Returns the message's body of a `message` event.
    pub fn body(&self) -> String {
        let json = self.json();
        let body = json["body"].as_str();
        body.unwrap_or_else(|| panic!("no body in {json}"))
            .to_owned()
    }
}

pub struct EventStream {
    body: Incoming,
    unread: Vec<u8>,
    event: Event,
}

impl EventStream {
    pub async fn open(url: impl AsRef<str>) -> Self {
        Self::resume(url, None).await
    }

    /// Reconnects like a browser: with the id of the last event.
    pub async fn resume(url: impl AsRef<str>, last_event_id: Option<&str>) -> Self {
        let mut get = request(Method::GET, url, "");
        if let Some(id) = last_event_id {
            let id = id.parse().expect("an id that fits a header");
            get.headers_mut().insert("last-event-id", id);
        }
        Self::of(get).await
    }

    /// Opens the stream that a request asks for.
    pub async fn of(request: Request<Full<Bytes>>) -> Self {
        Self::in_response(open(request).await)
    }

    /// Reads the stream in a response.
    pub fn in_response(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            unread: Vec::new(),
            event: Event::default(),
        }
    }

    /// Returns the next event with data; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        within("an event", self.read_event()).await
    }

    /// Returns the next event, which must be a message.
    pub async fn message(&mut self) -> Event {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.name, "message", "{event:?}");
        event
    }

    /// Returns the bodies of the next messages.
    pub async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            bodies.push(self.message().await.body());
        }
        bodies
    }

    /// Returns the next event, without a deadline; for tests that bring their own.
    pub async fn read_event(&mut self) -> Option<Event> {
        loop {
            while let Some(line) = self.take_line() {
                if let Some(event) = self.process(&line) {
                    return Some(event);
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.unread.extend_from_slice(&data);
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.unread.iter().position(|&byte| byte == b'\n')?;
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        let line = String::from_utf8(line).expect("an event stream is UTF-8");
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Processes one line. An empty line ends an event; an event without data is ignored.
    fn process(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let id = self.event.id.clone();
            let event = mem::replace(
                &mut self.event,
                Event {
                    id,
                    ..Event::default()
                },
            );
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = value.to_owned(),
            "event" => self.event.name = value.to_owned(),
            "data" if self.event.data.is_empty() => self.event.data = value.to_owned(),
            "data" => self.event.data.extend(["\n", value]),
            _ => {}
        }
        None
    }
}

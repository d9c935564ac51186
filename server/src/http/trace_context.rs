//! The trace context of a request (<https://www.w3.org/TR/trace-context/>) as headers of the message that it publishes.
//!
//! Libraries that trace programs add `traceparent` and `tracestate` to each request. Over STOMP and MQTT 5 they are headers of
//! the message itself, and need no code.

use axum::http::{HeaderMap, HeaderName};
use broker::Header;

/// Adds the trace context of a request to the headers of its message. A message with a `traceparent` of its own keeps it. A
/// context that is not valid is left out, because consumers must ignore it (3.2.1).
pub fn add(request: &HeaderMap, headers: &mut Vec<Header>) {
    if headers.iter().any(|header| &*header.name == TRACEPARENT) {
        return;
    }
    let mut parents = request.get_all(HeaderName::from_static(TRACEPARENT)).iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return;
    };
    let Some(parent) = parent.to_str().ok().filter(|text| is_trace_parent(text)) else {
        return;
    };
    headers.push(header(TRACEPARENT, parent));
    if headers.iter().any(|header| &*header.name == TRACESTATE) {
        return;
    }
    if let Some(state) = trace_state(request) {
        headers.push(header(TRACESTATE, &state));
    }
}

/// Returns whether a text is a `traceparent` (3.2.2). One of a later version may be longer than that of version 00, up to
/// [`MAX_BYTES`].
fn is_trace_parent(text: &str) -> bool {
    if text.len() > MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let mut parts = text.splitn(5, '-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == length && part.bytes().all(is_hex)).then_some(part)
    };
    let fields = (part(2), part(32), part(16), part(2));
    let (Some(version), Some(trace), Some(parent), Some(_)) = fields else {
        return false;
    };
    let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    let has_more = parts.next().is_some();
    version != "ff" && (version != "00" || !has_more) && !is_zero(trace) && !is_zero(parent)
}

/// Returns the `tracestate` of a request: of repeated headers, their values in one list (3.3.1.1). One that is longer than
/// [`MAX_BYTES`] is left out, and so is one that is not ASCII.
fn trace_state(request: &HeaderMap) -> Option<String> {
    let values = request.get_all(HeaderName::from_static(TRACESTATE));
    let values: Vec<_> = values
        .iter()
        .map(|value| value.to_str())
        .collect::<Result<_, _>>()
        .ok()?;
    let state = values.join(",");
    (!state.is_empty() && state.len() <= MAX_BYTES).then_some(state)
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.into(),
    }
}

/// The names of the headers.
pub const TRACEPARENT: &str = "traceparent";
pub const TRACESTATE: &str = "tracestate";
/// Maximum length of each header: that of a `tracestate` which everyone who passes it on should accept (3.3.1.5).
const MAX_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn added(request: &[(&'static str, &str)], own: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = request.iter().map(|(name, value)| {
            let value = value.parse().expect("a value of a header");
            (HeaderName::from_static(name), value)
        });
        let request: HeaderMap = pairs.collect();
        let mut headers: Vec<_> = own
            .iter()
            .map(|(name, value)| header(name, value))
            .collect();
        add(&request, &mut headers);
        let pairs = headers
            .iter()
            .map(|header| (header.name.to_string(), header.value.to_string()));
        pairs.collect()
    }

    #[test]
    fn only_a_valid_parent_is_taken() {
        let long = format!("01{}-later", &PARENT[2..]);
        let table = [
            (PARENT, true),
            (&long, true),
            (&format!("{long}{}", "x".repeat(MAX_BYTES)), false),
            (&format!("{long}\t"), false),
            ("", false),
            (&PARENT[1..], false),
            (&PARENT.to_uppercase(), false),
            (&format!("{PARENT}-later"), false),
            (&format!("ff{}", &PARENT[2..]), false),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
                false,
            ),
        ];
        for (parent, is_taken) in table {
            let headers = added(&[(TRACEPARENT, parent), (TRACESTATE, "a=1")], &[]);
            assert_eq!(headers.len(), if is_taken { 2 } else { 0 }, "{parent:?}");
        }
    }

    #[test]
    fn repeated_states_become_one_and_repeated_parents_none() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = [
            (TRACEPARENT, PARENT),
            (TRACESTATE, "a=1"),
            (TRACESTATE, "b=2"),
        ];
        let expected = [pair(TRACEPARENT, PARENT), pair(TRACESTATE, "a=1,b=2")];
        assert_eq!(added(&request, &[]), expected);
        assert!(added(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)], &[]).is_empty());
    }

    #[test]
    fn a_state_has_a_bound() {
        let longest = "a".repeat(MAX_BYTES);
        for (state, count) in [(longest.clone(), 2), (longest + "a", 1), (String::new(), 1)] {
            let headers = added(&[(TRACEPARENT, PARENT), (TRACESTATE, &state)], &[]);
            assert_eq!(headers.len(), count, "{} bytes", state.len());
        }
    }

    #[test]
    fn a_message_keeps_its_own_context() {
        let own = [(TRACEPARENT, "its own")];
        let headers = added(&[(TRACEPARENT, PARENT), (TRACESTATE, "a=1")], &own);
        assert_eq!(headers, [(TRACEPARENT.to_owned(), "its own".to_owned())]);
    }
}

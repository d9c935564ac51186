//! A message that a reader writes on the page of a topic or queue, as a request to the API. Pure.

use crate::{
    console::{Kind, draft},
    json,
    number::parsed,
    texts,
};

/// The fields of the form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The kind of the destination.
    pub kind: Kind,
    pub content_type: String,
    /// One header in each line: `name: value`.
    pub headers: String,
    pub body: String,
    pub is_retained: bool,
    pub is_persistent: bool,
    /// Seconds until the message expires; empty if it does not.
    pub expires_s: String,
}

impl Draft {
    /// Returns the reason why the body cannot be sent; only JSON is checked.
    pub fn body_fault(&self) -> Option<String> {
        let is_json = self.content_type.to_ascii_lowercase().contains("json");
        is_json.then(|| draft::body_fault(&self.body)).flatten()
    }

    /// Returns the headers of the request.
    ///
    /// # Errors
    ///
    /// The number of the line without a name and a colon.
    pub fn request_headers(&self) -> Result<Vec<(String, String)>, String> {
        let mut headers = Vec::new();
        if !self.content_type.trim().is_empty() {
            headers.push(("content-type".into(), self.content_type.trim().into()));
        }
        for (index, line) in self.headers.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let pair = line.split_once(':');
            let pair = pair.filter(|(name, _)| !name.trim().is_empty());
            let Some((name, value)) = pair else {
                return Err(texts::publish::NO_HEADER.with(&[&(index + 1).to_string()]));
            };
            headers.push((
                format!("{HEADER_PREFIX}{}", name.trim()),
                value.trim().into(),
            ));
        }
        Ok(headers)
    }

    /// Returns the query of the request: empty, or with `?`.
    ///
    /// # Errors
    ///
    /// The time of expiry is not a number of seconds.
    pub fn query(&self, now_unix_ms: f64) -> Result<String, String> {
        let mut parts = Vec::new();
        if self.is_retained {
            parts.push("retain=true".to_owned());
        }
        // Messages to queues are persistent by default.
        match (self.kind, self.is_persistent) {
            (Kind::Topic, true) => parts.push("persistent=true".to_owned()),
            (Kind::Queue, false) => parts.push("persistent=false".to_owned()),
            (Kind::Topic, false) | (Kind::Queue, true) => {}
        }
        let expires = self.expires_s.trim();
        if !expires.is_empty() {
            let is_number = json::read(expires).is_ok_and(|json| json.number().is_some());
            let seconds = if is_number { parsed(expires) } else { 0.0 };
            if seconds <= 0.0 || seconds > LONGEST_S {
                return Err(texts::publish::BAD_EXPIRY.get().into());
            }
            let at_ms = (now_unix_ms + seconds * 1000.0) as u64;
            parts.push(format!("expires={at_ms}"));
        }
        Ok(match parts.is_empty() {
            true => String::new(),
            false => format!("?{}", parts.join("&")),
        })
    }
}

/// Returns headers as lines of the form.
pub fn header_lines(headers: &[(String, String)]) -> String {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The beginning of the names of request headers that become headers of the message.
const HEADER_PREFIX: &str = "carillon-header-";
const LONGEST_S: f64 = 315_360_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(headers: &str, expires_s: &str) -> Draft {
        Draft {
            headers: headers.into(),
            expires_s: expires_s.into(),
            ..Draft::default()
        }
    }

    #[test]
    fn each_line_is_a_header_of_the_message() {
        let draft = Draft {
            content_type: " text/plain ".into(),
            ..draft("a: 1\n\n b :x:y", "")
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![
            pair("content-type", "text/plain"),
            pair("carillon-header-a", "1"),
            pair("carillon-header-b", "x:y"),
        ];
        assert_eq!(draft.request_headers(), Ok(expected));
        let written = header_lines(&[pair("a", "1"), pair("b", "2")]);
        assert_eq!(written, "a: 1\nb: 2");
        for (headers, line) in [("a", "Line 1"), ("a: 1\n: x", "Line 2")] {
            let fault = self::draft(headers, "")
                .request_headers()
                .expect_err(headers);
            assert!(fault.starts_with(line), "{fault}");
        }
    }

    #[test]
    fn options_are_in_the_query() {
        assert_eq!(draft("", "").query(0.0), Ok(String::new()));
        let all = Draft {
            is_retained: true,
            is_persistent: true,
            ..draft("", " 1.5 ")
        };
        let expected = "?retain=true&persistent=true&expires=2500";
        assert_eq!(all.query(1000.0).as_deref(), Ok(expected));
        let to_queue = |is_persistent| Draft {
            kind: Kind::Queue,
            is_persistent,
            ..Draft::default()
        };
        assert_eq!(to_queue(true).query(0.0), Ok(String::new()));
        assert_eq!(
            to_queue(false).query(0.0).as_deref(),
            Ok("?persistent=false")
        );
        for expires_s in ["0", "-1", "soon", "1e12", "true"] {
            assert!(draft("", expires_s).query(0.0).is_err(), "{expires_s}");
        }
    }

    #[test]
    fn only_json_is_checked() {
        let body = |content_type: &str| Draft {
            content_type: content_type.into(),
            body: "{".into(),
            ..Draft::default()
        };
        assert!(body("application/json").body_fault().is_some());
        assert!(body("application/vnd.x+JSON").body_fault().is_some());
        assert_eq!(body("text/plain").body_fault(), None);
    }
}

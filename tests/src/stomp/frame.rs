//! STOMP 1.2, "Augmented BNF" and "Value Encoding".

/// A frame; the headers are in the order of transmission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub command: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Frame {
    pub fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns a CONNECT of version 1.2, without heart-beats.
    pub fn connect() -> Self {
        Self::connect_as("1.2")
    }

    pub fn connect_as(version: &str) -> Self {
        Self::new("CONNECT")
            .with("accept-version", version)
            .with("host", "localhost")
    }

    /// Returns a SEND to `/topic/TOPIC`.
    pub fn publication(topic: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::message_to(&format!("/topic/{topic}"), body)
    }

    /// Returns a SEND to a destination of any kind.
    pub fn message_to(destination: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let send = Self::new("SEND").with("destination", destination);
        Self { body, ..send }
    }

    /// Returns a BEGIN, COMMIT or ABORT of a transaction.
    pub fn transaction(command: &str, transaction: &str) -> Self {
        Self::new(command).with("transaction", transaction)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the first value of a header, or an empty text if the header is absent.
    pub fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }

    /// Returns the complete text of an ERROR.
    pub fn told(&self) -> String {
        format!("{}\n{}", self.header("message"), self.text())
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{}\n", self.command);
        for (name, value) in &self.headers {
            text += &format!("{}:{}\n", self.escaped(name), self.escaped(value));
        }
        text += &format!("content-length:{}\n\n", self.body.len());
        [text.as_bytes(), &self.body, b"\0"].concat()
    }

    /// Takes one complete frame from the front, with the heart-beats before it.
    pub fn take(unread: &mut Vec<u8>) -> Option<Self> {
        let start = unread.iter().position(|byte| !b"\r\n".contains(byte))?;
        unread.drain(..start);
        let head_end = unread.windows(2).position(|pair| pair == b"\n\n")?;
        let mut frame = Self::head(&unread[..head_end]);
        let body = &unread[head_end + 2..];
        let length = match frame.find("content-length") {
            Some(length) => length.parse().expect("a length in octets"),
            None => body.iter().position(|&byte| byte == 0)?,
        };
        let end = *body.get(length)?;
        assert_eq!(end, 0, "a frame ends with NUL: {frame:?}");
        frame.body = body[..length].to_vec();
        unread.drain(..head_end + 2 + length + 1);
        Some(frame)
    }

    fn head(head: &[u8]) -> Self {
        let head = str::from_utf8(head).expect("a head in UTF-8");
        let mut lines = head.split('\n');
        let mut frame = Self::new(lines.next().unwrap_or_default());
        for line in lines {
            let (name, value) = line.split_once(':').expect("a header has a colon");
            let header = (frame.unescaped(name), frame.unescaped(value));
            frame.headers.push(header);
        }
        frame
    }

    fn escaped(&self, text: &str) -> String {
        if !self.is_escaped() {
            return text.to_owned();
        }
        let escape = |plain: char| match plain {
            '\\' => "\\\\".to_owned(),
            '\r' => "\\r".to_owned(),
            '\n' => "\\n".to_owned(),
            ':' => "\\c".to_owned(),
            other => other.to_string(),
        };
        text.chars().map(escape).collect()
    }

    fn unescaped(&self, text: &str) -> String {
        let mut plain = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            plain.push(match (character, self.is_escaped()) {
                ('\\', true) => unescape(characters.next()),
                _ => character,
            });
        }
        plain
    }

    /// CONNECT and CONNECTED "do not escape", because 1.0 has no escapes.
    fn is_escaped(&self) -> bool {
        !["CONNECT", "CONNECTED"].contains(&self.command.as_str())
    }
}

fn unescape(escape: Option<char>) -> char {
    match escape {
        Some('r') => '\r',
        Some('n') => '\n',
        Some('c') => ':',
        Some('\\') => '\\',
        other => panic!("an undefined escape: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_frame_is_decoded_unchanged() {
        let frame = Frame::publication("a", *b"x\0y").with("note", "a:b\nc\\n");
        let mut bytes = [b"\n\n", frame.encode().as_slice(), b"\nREST"].concat();
        let mut taken = Frame::take(&mut bytes).expect("a whole frame");
        assert_eq!(
            taken.headers.pop(),
            Some(("content-length".into(), "3".into()))
        );
        assert_eq!(taken, frame);
        assert_eq!(bytes, b"\nREST");
    }

    #[test]
    fn an_incomplete_frame_is_left_in_the_buffer() {
        let whole = Frame::publication("a", "body").encode();
        for end in 0..whole.len() {
            let mut part = whole[..end].to_vec();
            assert_eq!(Frame::take(&mut part), None, "{end} octets");
        }
    }
}

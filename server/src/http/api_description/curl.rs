//! The curl command of an operation.

use super::{
    model::{Described, Parameter},
    schema::text,
};
use crate::http::links;

/// Returns a command that a reader can paste into a shell. `site` is the address of the site without the last slash.
pub fn command(site: &str, described: &Described<'_>) -> String {
    let mut words = vec!["curl".to_owned()];
    let has_event_stream = described.responses.iter().any(|(_, response)| {
        let types = &response.content.0;
        types.iter().any(|(name, _)| name == "text/event-stream")
    });
    if has_event_stream {
        words.push("-N".to_owned());
    }
    let body = described.operation.request_body.as_ref();
    let body = body.and_then(|body| body.content.0.first());
    match (described.method, body) {
        (method @ ("post" | "put"), Some((_, content))) => {
            if method == "put" {
                words.push("-X PUT".to_owned());
            }
            words.push("-d".to_owned());
            words.push(quoted(
                &content.example.as_ref().map(text).unwrap_or_default(),
            ));
        }
        ("get", _) => {}
        (method, _) => words.push(format!("-X {}", method.to_ascii_uppercase())),
    }
    words.push(quoted(&format!("{site}{}", target(described))));
    words.join(" ")
}

/// Returns the path and the query with the examples of the parameters.
fn target(described: &Described<'_>) -> String {
    let mut path = described.path.to_owned();
    let mut query = String::new();
    for parameter in &described.parameters {
        let example = links::encoded(&example(parameter));
        match parameter.r#in.as_str() {
            "path" => path = path.replace(&format!("{{{}}}", parameter.name), &example),
            "query" if parameter.required => {
                let separator = if query.is_empty() { '?' } else { '&' };
                query.push_str(&format!("{separator}{}={example}", parameter.name));
            }
            _ => {}
        }
    }
    path + &query
}

fn example(parameter: &Parameter) -> String {
    let example = parameter.example.as_ref().map(text);
    example.unwrap_or_else(|| parameter.name.to_ascii_uppercase())
}

/// Returns a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/:@%=,+".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api_description::read_parts;

    #[test]
    fn every_operation_has_its_command() {
        let table = [
            ("listTopics", "curl http://h:1/api/topics"),
            ("publish", "curl -d hello http://h:1/api/topics/greetings"),
            (
                "subscribe",
                "curl -N http://h:1/api/topics/greetings/events",
            ),
            (
                "clearTopic",
                "curl -X DELETE http://h:1/api/topics/greetings",
            ),
            (
                "send",
                "curl -d 'a box of nails' http://h:1/api/queues/orders",
            ),
            (
                "addBan",
                r#"curl -d '{"client":"sensor-7","reason":"too loud","seconds":600}' http://h:1/api/bans"#,
            ),
            (
                "checkOrigin",
                "curl 'http://h:1/api/connect-check?origin=https%3A//board.example'",
            ),
        ];
        let description = read_parts().expect("a description");
        for (id, expected) in table {
            let mut operations = description.operations();
            let found = operations.find(|one| one.operation.operation_id == id);
            assert_eq!(command("http://h:1", &found.expect(id)), expected);
        }
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        for (word, expected) in [
            ("a", "a"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}

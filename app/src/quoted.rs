//! Text as a JSON string. Pure.

/// Returns the text with quotes and escapes (RFC 8259, 7).
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use crate::json::{self, Json};

    #[test]
    fn a_quoted_text_is_read_back() {
        for text in ["", "plain", "\"a\\b\"", "line\nbreak\u{0}\u{1f}", "ö🔔"] {
            let written = quoted(text);
            assert_eq!(
                json::read(&written),
                Ok(Json::Text(text.into())),
                "{written}"
            );
        }
    }
}

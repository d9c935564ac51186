//! The filter line of a topic's page. Pure.

/// Returns the selector for a filter that a reader has typed; `None` if it is empty. A text without an operator is searched in
/// the bodies.
pub fn selector(filter: &str) -> Option<String> {
    let filter = filter.trim();
    if filter.is_empty() {
        return None;
    }
    if is_selector(filter) {
        return Some(filter.to_owned());
    }
    let mut pattern = String::new();
    let mut is_escaped = false;
    for character in filter.chars() {
        match character {
            '%' | '_' | '\\' => {
                is_escaped = true;
                pattern.push('\\');
                pattern.push(character);
            }
            '\'' => pattern.push_str("''"),
            other => pattern.push(other),
        }
    }
    let escape = if is_escaped { r" ESCAPE '\'" } else { "" };
    Some(format!("body LIKE '%{pattern}%'{escape}"))
}

/// Returns true if a text has a comparison of the selector language outside of quotes.
fn is_selector(text: &str) -> bool {
    let unquoted: String = text
        .split('\'')
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" ")
        .to_uppercase();
    let has = |parts: &[&str]| parts.iter().all(|part| unquoted.contains(part));
    let takes_text = [" LIKE ", " IN ", " IN(", " REGEXP "];
    unquoted.contains(['=', '<', '>'])
        || has(&[" IS NULL"])
        || has(&[" IS NOT NULL"])
        || has(&[" BETWEEN ", " AND "])
        || text.contains('\'') && takes_text.iter().any(|word| unquoted.contains(word))
}

#[cfg(test)]
mod tests {
    use super::selector;

    #[test]
    fn a_text_is_searched_in_the_bodies() {
        for (filter, expected) in [
            ("temperature", "body LIKE '%temperature%'"),
            (" rain in Spain ", "body LIKE '%rain in Spain%'"),
            ("what is this", "body LIKE '%what is this%'"),
            ("it's", "body LIKE '%it''s%'"),
            ("50%", r"body LIKE '%50\%%' ESCAPE '\'"),
            (r"a_b\c", r"body LIKE '%a\_b\\c%' ESCAPE '\'"),
        ] {
            assert_eq!(selector(filter).as_deref(), Some(expected), "{filter}");
        }
        assert_eq!(selector("  "), None);
    }

    #[test]
    fn a_comparison_is_a_selector() {
        for filter in [
            "body.data.temp > 20",
            "x = 'a'",
            "color <> 'red'",
            "name LIKE 'a%'",
            "kind in ('a', 'b')",
            "x is not null",
            "x between 1 and 2",
            "body regexp '[0-9]+'",
        ] {
            assert_eq!(selector(filter).as_deref(), Some(filter), "{filter}");
        }
    }
}

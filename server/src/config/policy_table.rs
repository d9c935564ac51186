//! A policy as a table of a configuration file, as the text that `--policy` has on the command line.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::policy::PolicySetting;

/// A fault in a table, and its place in the text of the file.
pub(super) struct TableFault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

/// Returns the text of a policy. Each setting is checked by itself, so that its fault has its place.
///
/// # Errors
/// All faults of the table at `span`.
pub(super) fn text(table: &DeTable<'_>, span: Range<usize>) -> Result<String, Vec<TableFault>> {
    let mut faults = Vec::new();
    let mut destinations = None;
    let mut settings = Vec::new();
    for (name, value) in table.iter() {
        let (place, name): (_, &str) = (value.span(), name.get_ref());
        let Some(word) = word(value.get_ref()) else {
            let message = format!("{name} is not a text, a number, true or false without spaces");
            faults.push(TableFault {
                span: place,
                message,
            });
            continue;
        };
        if name == FOR {
            destinations = Some((word, place));
        } else {
            settings.push((format!("{name}={word}"), place));
        }
    }
    let Some((destinations, place)) = destinations else {
        let message = format!("a policy needs {FOR} = \"/queue/FILTER\" or \"/topic/FILTER\"");
        faults.push(TableFault { span, message });
        return Err(faults);
    };
    let mut check = |text: &str, span: Range<usize>| {
        if let Err(message) = text.parse::<PolicySetting>() {
            faults.push(TableFault { span, message });
        }
    };
    // With any valid setting, only a fault of the destinations is left.
    if crate::policy::destinations(&destinations).is_err() {
        check(&destinations, place);
    } else if settings.is_empty() {
        check(&destinations, span);
    } else {
        for (setting, place) in &settings {
            check(&format!("{destinations} {setting}"), place.clone());
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let settings: Vec<_> = settings.into_iter().map(|(setting, _)| setting).collect();
    Ok(format!("{destinations} {}", settings.join(" ")))
}

/// Returns a value as a word of the text.
fn word(value: &DeValue<'_>) -> Option<String> {
    let word = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().replace('_', ""),
        DeValue::Float(number) => number.as_str().replace('_', ""),
        DeValue::Boolean(value) => value.to_string(),
        _ => return None,
    };
    let has_space = word.is_empty() || word.contains(|one: char| one.is_ascii_whitespace());
    (!has_space).then_some(word)
}

/// The setting with the topics or queues of a policy.
const FOR: &str = "for";

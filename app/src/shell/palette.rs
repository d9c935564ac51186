//! The texts and pages of the palette and of the list of keys, for `public/keys.js`.

use serde_json::{Map, Value, json};

use crate::{
    Text,
    texts::{boards, order, palette, shared},
};

/// Returns the texts in the language of the page, as JSON for an element `script`.
pub fn texts() -> String {
    let mut members: Map<String, Value> = TEXTS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.get().into()))
        .collect();
    let pages = PAGES.iter().map(|(path, text)| json!([path, text.get()]));
    members.insert("pages".into(), pages.collect());
    // An element `script` ends at `</`.
    Value::Object(members).to_string().replace('<', "\\u003c")
}

/// The texts, by the names that the script uses.
const TEXTS: [(&str, Text); 26] = [
    ("palette", palette::PALETTE),
    ("field", palette::FIELD),
    ("nothing", palette::NOTHING),
    ("foundOne", palette::FOUND_ONE),
    ("found", palette::FOUND),
    ("away", palette::AWAY),
    ("signedOut", palette::SIGNED_OUT),
    ("refused", palette::REFUSED),
    ("page", palette::KIND_PAGE),
    ("topic", palette::KIND_TOPIC),
    ("queue", palette::KIND_QUEUE),
    ("action", palette::KIND_ACTION),
    ("keys", palette::KEYS),
    ("close", palette::CLOSE),
    ("singleKeys", palette::SINGLE_KEYS),
    ("showKeys", palette::SHOW_KEYS),
    ("signOut", palette::SIGN_OUT),
    ("theme", palette::THEME),
    ("language", palette::LANGUAGE),
    ("keyPalette", palette::KEY_PALETTE),
    ("keyList", palette::KEY_LIST),
    ("keyTab", palette::KEY_TAB),
    ("keyPress", palette::KEY_PRESS),
    ("arrowKeys", palette::ARROW_KEYS),
    ("keyArrows", palette::KEY_ARROWS),
    ("keyEscape", palette::KEY_ESCAPE),
];

/// The pages, by their paths relative to the root of the site.
const PAGES: [(&str, Text); 9] = [
    ("./", palette::OVERVIEW),
    ("console", shared::CONSOLE),
    ("rect", shared::RECTANGLE),
    ("chart", shared::CHART),
    ("topics", shared::TOPICS),
    ("queues", shared::QUEUES),
    ("connections", shared::CONNECTIONS),
    ("boards", boards::BOARDS),
    ("order", order::HEADING),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATHS;

    #[test]
    fn every_page_is_offered() {
        let offered = PAGES.map(|(path, _)| path);
        for path in PATHS {
            assert!(offered.contains(&path), "{path}");
        }
    }

    #[test]
    fn the_script_uses_exactly_these_texts() {
        let script = include_str!("../../../public/keys.js");
        let names = script.split("TEXTS.").skip(1);
        let used: Vec<_> = names
            .map(|rest| {
                let end = rest.find(|one: char| !one.is_ascii_alphabetic());
                &rest[..end.unwrap_or(rest.len())]
            })
            .collect();
        let kinds = ["page", "topic", "queue", "action"];
        for (name, _) in TEXTS {
            assert!(used.contains(&name) || kinds.contains(&name), "{name}");
        }
        for name in used {
            let is_known = TEXTS.iter().any(|(own, _)| *own == name) || name == "pages";
            assert!(is_known, "{name}");
        }
    }
}

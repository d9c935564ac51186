//! The languages of the pages, and texts in them.
//!
//! The server chooses the language of a document (see `http/language.rs` there) and writes it into `<html lang>`, where
//! the program in the browser reads it. So a document has one language until it is loaded again.

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Korean,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// Returns the tag of the language (RFC 5646), as in `<html lang>` and in the cookie [`COOKIE`].
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// Returns the language of a tag such as `ko` or `ko-KR`; `None` for other languages.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_same = |language: &Self| language.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(is_same)
    }
}

/// The cookie with the reader's choice: the tag of a language.
pub const COOKIE: &str = "language";

/// Returns the language of this page: on the server from the request (a context), in the browser from `<html lang>`.
/// Without both it is English.
pub fn language() -> Language {
    current::language()
}

/// A text of the pages in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub english: &'static str,
    pub korean: &'static str,
}

impl Text {
    /// Returns the text in the language of the page.
    pub fn get(self) -> &'static str {
        self.of(language())
    }

    /// Returns the text in a language.
    pub const fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Korean => self.korean,
        }
    }

    /// Returns the text with `{}` replaced by the values, in order.
    pub fn with(self, values: &[&str]) -> String {
        self.with_of(language(), values)
    }

    /// Does the same as [`Text::with`] in a language.
    pub fn with_of(self, language: Language, values: &[&str]) -> String {
        filled(self.of(language), values)
    }
}

/// Returns the text with `{}` replaced by the values, in order. Missing values leave out the rest of the text.
fn filled(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = String::from(parts.next().unwrap_or_default());
    for (part, value) in parts.zip(values) {
        filled.push_str(value);
        filled.push_str(part);
    }
    filled
}

#[cfg(target_arch = "wasm32")]
mod current {
    use std::sync::atomic::{AtomicU8, Ordering};

    use leptos::prelude::document;

    use super::Language;

    /// Reads the attribute once: texts are drawn often, and a translator in the browser changes the attribute later.
    pub fn language() -> Language {
        match READ.load(Ordering::Relaxed) {
            ENGLISH => Language::English,
            KOREAN => Language::Korean,
            _ => {
                let html = document().document_element();
                let tag = html.and_then(|html| html.get_attribute("lang"));
                let language = tag.and_then(|tag| Language::of_tag(&tag));
                let language = language.unwrap_or_default();
                let number = match language {
                    Language::English => ENGLISH,
                    Language::Korean => KOREAN,
                };
                READ.store(number, Ordering::Relaxed);
                language
            }
        }
    }

    static READ: AtomicU8 = AtomicU8::new(0);
    const ENGLISH: u8 = 1;
    const KOREAN: u8 = 2;
}

#[cfg(not(target_arch = "wasm32"))]
mod current {
    use leptos::prelude::use_context;

    use super::Language;

    pub fn language() -> Language {
        use_context().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::{Owner, provide_context};

    use super::*;

    const SENT: Text = Text {
        english: "Sent {} of {}.",
        korean: "{} / {} 전송했습니다.",
    };

    #[test]
    fn values_are_filled_in_in_order() {
        assert_eq!(SENT.with(&["1", "{}"]), "Sent 1 of {}.");
        assert_eq!(SENT.with(&["1", "2", "3"]), "Sent 1 of 2.");
        assert_eq!(SENT.with(&["1"]), "Sent 1 of ");
    }

    #[test]
    fn the_language_is_that_of_the_request() {
        assert_eq!(language(), Language::English);
        Owner::new_root(None).with(|| {
            provide_context(Language::Korean);
            assert_eq!(SENT.with(&["1", "2"]), "1 / 2 전송했습니다.");
        });
    }

    #[test]
    fn tags_may_name_a_region() {
        for (tag, language) in [
            ("ko", Some(Language::Korean)),
            ("ko-KR", Some(Language::Korean)),
            ("EN-gb", Some(Language::English)),
            ("kok", None),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }
}

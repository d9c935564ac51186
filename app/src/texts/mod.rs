//! The texts of the pages in all languages, one file for each area. A text is a constant with a value for each language,
//! so a missing one does not compile, and a module of the browser contains only the texts that its pages name.
//!
//! A file lists its texts with `texts!`:
//!
//! ```text
//! texts! {
//!     /// The heading of the list.
//!     HEADING = "Queues", "큐";
//!     /// The number of messages. `{}` stands for a value (see `Text::with`).
//!     WAITING = "{} waiting", "{}개 대기";
//!     /// The same in both languages.
//!     NAME = same "Carillon";
//! }
//! ```

/// Defines a constant `Text` for each line, and the lists that the tests read.
macro_rules! texts {
    ($(
        $(#[$attribute:meta])*
        $name:ident = $(same $same:literal)? $($english:literal, $korean:literal)?;
    )*) => {
        $(
            $(#[$attribute])*
            pub const $name: $crate::language::Text = $crate::language::Text {
                $(english: $same, korean: $same,)?
                $(english: $english, korean: $korean,)?
            };
        )*

        /// All texts, by name.
        #[cfg(test)]
        pub const ALL: &[(&str, $crate::language::Text)] = &[$((stringify!($name), $name),)*];

        /// The names of the texts that are marked as the same in all languages.
        #[cfg(test)]
        pub const SAME: &[&str] = &[$($({
            let _: &str = $same;
            stringify!($name)
        },)?)*];
    };
}

pub mod boards;
pub mod connections;
pub mod console;
pub mod demo;
pub mod dialog;
pub mod figures;
pub mod json;
pub mod list;
pub mod order;
pub mod overview;
pub mod page;
#[cfg(feature = "ssr")]
pub mod palette;
pub mod payload;
pub mod problem;
pub mod publish;
#[cfg(feature = "ssr")]
pub mod qr_code;
pub mod queue;
pub mod queues;
pub mod refusal;
pub mod shared;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod site;
pub mod title;
pub mod topic;
pub mod topics;
pub mod trace;

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use crate::language::Text;

    /// The texts of an area, and the names of those that are the same in all languages.
    type Area = (
        &'static str,
        &'static [(&'static str, Text)],
        &'static [&'static str],
    );

    /// Names the areas. A missing one fails a test.
    macro_rules! areas {
        ($($area:ident),* $(,)?) => {
            &[$((stringify!($area), super::$area::ALL, super::$area::SAME),)*]
        };
    }

    const AREAS: &[Area] = areas![
        boards,
        connections,
        console,
        demo,
        dialog,
        figures,
        json,
        list,
        order,
        overview,
        page,
        palette,
        payload,
        problem,
        publish,
        qr_code,
        queue,
        queues,
        refusal,
        shared,
        shell,
        site,
        title,
        topic,
        topics,
        trace
    ];

    #[test]
    fn every_file_of_texts_is_tested() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/texts");
        let files = fs::read_dir(folder).expect("the folder of the texts");
        let names = files.map(|file| file.expect("a file").path());
        let names = names.map(|path| path.file_stem().expect("a name").to_owned());
        let names: BTreeSet<_> = names
            .filter(|name| name != "mod")
            .map(|name| name.into_string().expect("a name in UTF-8"))
            .collect();
        let listed: BTreeSet<_> = AREAS.iter().map(|(area, ..)| (*area).to_owned()).collect();
        assert_eq!(names, listed);
    }

    #[test]
    fn every_text_is_translated() {
        for (area, texts, same) in AREAS {
            for (name, text) in *texts {
                let at = format!("{area}::{name}: {text:?}");
                assert!(!text.english.is_empty(), "{at}");
                match same.contains(name) {
                    true => assert_eq!(text.english, text.korean, "{at}"),
                    false => {
                        assert!(text.korean.chars().any(is_hangul), "{at}");
                        assert!(!text.english.chars().any(is_hangul), "{at}");
                    }
                }
                let places = |text: &str| text.matches("{}").count();
                assert_eq!(places(text.english), places(text.korean), "{at}");
                let outer = |text: &str| (text.starts_with(' '), text.ends_with(' '));
                assert_eq!(outer(text.english), outer(text.korean), "{at}");
            }
        }
    }

    /// True for the syllables and letters of Hangul.
    fn is_hangul(letter: char) -> bool {
        matches!(letter, '가'..='힣' | 'ㄱ'..='ㆎ')
    }
}

//! The paths and titles of the pages. `navigation` handles clicks.
//!
//! Paths are relative to the root of the site, which may be below a prefix (see `site`).

use crate::{address::decoded, program::Module, texts};

/// A page. The server and the browser use the same table, so both draw the same page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Overview,
    Console,
    Rect,
    Chart,
    Queues,
    Topics,
    /// One topic; its name is part of the path.
    Topic,
    /// One queue; its name is part of the path.
    Queue,
    Connections,
    Boards,
    /// One board; its name is part of the path.
    Board,
    Order,
    NotFound,
}

/// The paths that have a page, besides those with a name below `FOLDERS`; every other path is answered with the page
/// `NotFound`, status 404.
pub const PATHS: [&str; 9] = [
    "./",
    "console",
    "rect",
    "chart",
    "queues",
    "topics",
    "connections",
    "boards",
    "order",
];

/// The folders with a page for each name.
pub const FOLDERS: [(&str, Route); 3] = [
    ("topics/", Route::Topic),
    ("queues/", Route::Queue),
    ("boards/", Route::Board),
];

impl Route {
    /// Returns the page of a path, compared literally: `rect/` is not `rect`.
    pub fn of(path: &str) -> Self {
        match path {
            "" | "./" => Self::Overview,
            "console" => Self::Console,
            "rect" => Self::Rect,
            "chart" => Self::Chart,
            "queues" => Self::Queues,
            "topics" => Self::Topics,
            "connections" => Self::Connections,
            "boards" => Self::Boards,
            "order" => Self::Order,
            _ => Self::with_name(path).map_or(Self::NotFound, |(route, _)| route),
        }
    }

    /// Returns the name in the path of a page in a folder, as a person writes it.
    pub fn name(path: &str) -> Option<String> {
        decoded(Self::with_name(path)?.1)
    }

    fn with_name(path: &str) -> Option<(Self, &str)> {
        FOLDERS.into_iter().find_map(|(folder, route)| {
            let name = path.strip_prefix(folder)?;
            (!name.is_empty() && !name.contains('/')).then_some((route, name))
        })
    }

    /// Returns the module that draws the page.
    pub fn module(self) -> Module {
        match self {
            Self::Topics | Self::Topic | Self::Queue | Self::Connections => Module::Tools,
            Self::Order => Module::Order,
            Self::Boards | Self::Board => Module::Boards,
            _ => Module::Demo,
        }
    }

    /// Returns the page in the navigation to which this page belongs.
    pub fn section(self) -> Self {
        match self {
            Self::Topic => Self::Topics,
            Self::Queue => Self::Queues,
            Self::Board => Self::Boards,
            other => other,
        }
    }

    /// Returns the title of the page; for a page with a name the part after the name.
    pub fn title(self) -> &'static str {
        let title = match self {
            Self::Overview => texts::title::OVERVIEW,
            Self::Console => texts::title::CONSOLE,
            Self::Rect => texts::title::RECT,
            Self::Chart => texts::title::CHART,
            Self::Queues => texts::title::QUEUES,
            Self::Topics => texts::title::TOPICS,
            Self::Topic => texts::title::TOPIC,
            Self::Queue => texts::title::QUEUE,
            Self::Connections => texts::title::CONNECTIONS,
            Self::Boards => texts::title::BOARDS,
            Self::Board => texts::title::BOARD,
            Self::Order => texts::title::ORDER,
            Self::NotFound => texts::title::NOT_FOUND,
        };
        title.get()
    }
}

#[cfg(test)]
mod tests {
    use super::{PATHS, Route};

    #[test]
    fn every_listed_path_has_its_own_page() {
        for (index, path) in PATHS.iter().enumerate() {
            assert_ne!(Route::of(path), Route::NotFound);
            assert!(
                PATHS[..index]
                    .iter()
                    .all(|other| Route::of(other) != Route::of(path))
            );
        }
    }

    #[test]
    fn an_unknown_path_has_none() {
        for path in [
            "/",
            "rect/",
            "Rect",
            "index.html",
            "./rect",
            "topics/",
            "topics/a/b",
        ] {
            assert_eq!(Route::of(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn a_page_in_a_folder_has_the_name_of_its_path() {
        assert_eq!(Route::of("topics/a.b"), Route::Topic);
        assert_eq!(Route::of("queues/a%2Fb"), Route::Queue);
        assert_eq!(Route::name("queues/a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(Route::name("topics"), None);
    }
}

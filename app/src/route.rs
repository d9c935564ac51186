//! The paths and titles of the pages. `navigation` handles clicks.
//!
//! Paths are relative to the root of the site, which may be below a prefix (see `site`).

/// A page. The server and the browser use the same table, so both draw the same page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Overview,
    Console,
    Rect,
    Chart,
    Queues,
    NotFound,
}

/// The paths that have a page; every other path is answered with the page `NotFound`, status 404.
pub const PATHS: [&str; 5] = ["./", "console", "rect", "chart", "queues"];

impl Route {
    /// Returns the page of a path, compared literally: `rect/` is not `rect`.
    pub fn of(path: &str) -> Self {
        match path {
            "" | "./" => Self::Overview,
            "console" => Self::Console,
            "rect" => Self::Rect,
            "chart" => Self::Chart,
            "queues" => Self::Queues,
            _ => Self::NotFound,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Carillon: a broker in one binary",
            Self::Console => "Console · Carillon",
            Self::Rect => "Rectangle · Carillon",
            Self::Chart => "Chart · Carillon",
            Self::Queues => "Queues · Carillon",
            Self::NotFound => "Not found · Carillon",
        }
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
        for path in ["/", "rect/", "Rect", "index.html", "./rect"] {
            assert_eq!(Route::of(path), Route::NotFound, "{path}");
        }
    }
}

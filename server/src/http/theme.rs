//! The reader's theme for documents without scripts. The pages keep the choice in the browser's storage, which only scripts
//! can read, and repeat it in a cookie for these documents (app/src/shell/head.js).

use axum::http::HeaderMap;

use super::cookies;

/// A choice of the reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// The theme of the browser.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Returns the theme in the cookies of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        match cookies::find(headers, COOKIE) {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// Returns the attribute of `<html>` for the style sheet, with a space before it.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => " data-theme=\"light\"",
            Self::Dark => " data-theme=\"dark\"",
        }
    }
}

const COOKIE: &str = "theme";

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        for (cookies, theme) in [
            ("theme=dark", Theme::Dark),
            ("a=b; theme=light; c=d", Theme::Light),
            ("theme=\"><script>", Theme::System),
            ("xtheme=dark", Theme::System),
            ("theme", Theme::System),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookies.parse().expect("a header"));
            assert_eq!(Theme::of(&headers), theme, "{cookies}");
        }
        assert_eq!(Theme::of(&HeaderMap::new()), Theme::System);
    }
}

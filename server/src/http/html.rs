//! Documents in plain HTML, without scripts, in the style of the pages.

use app::{Language, shell_texts};
use axum::http::HeaderMap;

use super::{assets, language, theme::Theme};

/// The settings of the reader of a document.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    pub language: Language,
    pub theme: Theme,
}

impl Reader {
    /// Returns the settings of the sender of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            language: language::of(headers),
            theme: Theme::of(headers),
        }
    }
}

/// Returns a document. `class` is that of its body, `content` the HTML in the body.
pub fn document(reader: Reader, title: &str, class: &str, content: &str) -> String {
    let style = assets::hashed_assets().map_or_else(String::new, |assets| {
        format!(
            "<link rel=\"stylesheet\" href=\"{}\">",
            escaped(&assets.css)
        )
    });
    let (title, theme) = (escaped(title), reader.theme.attribute());
    let language = reader.language.tag();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"{theme}>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · Carillon</title>\n<link rel=\"icon\" href=\"./favicon.svg\">\n{style}\n</head>\n\
         <body class=\"{class}\">\n{content}\n</body>\n</html>\n"
    )
}

/// Returns the form that changes the language, as on the pages (`app::shell`). `next` is the address of the document relative
/// to the root of the site.
pub fn language_form(shown: Language, next: &str) -> String {
    let buttons = Language::ALL.map(|own| {
        let name = match own {
            Language::English => shell_texts::ENGLISH,
            Language::Korean => shell_texts::KOREAN,
        };
        format!(
            "<button type=\"submit\" name=\"language\" value=\"{tag}\" lang=\"{tag}\" aria-pressed=\"{}\">{}</button>",
            own == shown,
            name.of(shown),
            tag = own.tag(),
        )
    });
    format!(
        "<form class=\"language\" method=\"post\" action=\".{}\">\
         <input type=\"hidden\" name=\"next\" value=\"{}\">\
         <fieldset class=\"segmented\"><legend>{}</legend><div>{}</div></fieldset></form>",
        language::PATH,
        escaped(next),
        shell_texts::LANGUAGE.of(shown),
        buttons.concat(),
    )
}

/// Returns a text for the content of an element or the value of an attribute in double quotes.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            one => escaped.push(one),
        }
    }
    escaped
}

/// Returns a text for the content of an element; a part between two backticks is code, as in CommonMark.
pub fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = escaped(part);
        match index % 2 {
            1 => format!("<code>{part}</code>"),
            _ => part,
        }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked() {
        let html = "a <code>b &lt; c</code> d";
        assert_eq!(with_code("a `b < c` d"), html);
        assert_eq!(with_code(""), "");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escaped("<a href=\"x\">&"),
            "&lt;a href=&quot;x&quot;&gt;&amp;"
        );
    }
}

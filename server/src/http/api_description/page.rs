//! The description as a page: plain HTML, without scripts. The description itself is English in all languages.

use app::{Language, Text, site_texts as texts};

use super::{
    curl,
    model::{Described, Description, MediaType, Parameter, Response, Tag},
    schema::{bounds, members, type_name},
};
use crate::http::html::{self, Reader, escaped, with_code};

/// Returns the page. `site` is the address by which the reader has come, without the last slash.
pub fn render(description: &Description, site: &str, reader: Reader) -> String {
    let language = reader.language;
    let info = &description.info;
    let logins = description.components.security_schemes.0.iter();
    let logins = logins
        .map(|(_, scheme)| format!("<li lang=\"en\">{}</li>", with_code(&scheme.description)));
    let tags = description.tags.iter();
    let sections = tags.map(|tag| section(description, tag, site, language));
    let text = |text: Text| text.of(language);
    let content = format!(
        "<header class=\"head\"><div class=\"head-row\">\
         <a class=\"brand\" href=\"./\"><span translate=\"no\">Carillon</span></a>\
         <nav aria-label=\"{pages}\"><a href=\"./\">{overview}</a> <a href=\"./api\" aria-current=\"page\">{title}</a></nav>\
         </div></header>\n\
         <main class=\"api\">\n<div class=\"page-head\"><h1>{title}</h1>\n<p lang=\"en\">{summary}</p></div>\n\
         {languages}\n<p lang=\"en\">{about}</p>\n\
         <p>{same}</p>\n\
         {contents}\n\
         <section><h2 id=\"login\">{login}</h2>\n\
         <p>{login_help}</p>\n<ul>{logins}</ul></section>\n\
         {sections}\n{types}\n</main>",
        summary = with_code(&info.summary),
        about = with_code(&info.description),
        title = text(texts::API),
        pages = text(texts::PAGES),
        overview = text(texts::OVERVIEW),
        languages = html::language_form(language, "api"),
        same = texts::SAME_DOCUMENT.with_of(
            language,
            &["<a href=\"./api/openapi.json\">openapi.json</a>"]
        ),
        login = text(texts::LOGIN),
        login_help = texts::LOGIN_HELP.with_of(
            language,
            &[
                "<code>curl -u USER …</code>",
                "<code>curl -H 'Authorization: Bearer TOKEN' …</code>",
            ],
        ),
        contents = contents(description, language),
        logins = logins.collect::<String>(),
        sections = sections.collect::<String>(),
        types = types(description, language),
    );
    html::document(reader, texts::API.of(language), "api-page", &content)
}

/// Returns the links to all operations.
fn contents(description: &Description, language: Language) -> String {
    let links = description.operations().map(|one| {
        format!(
            "<li><a href=\"./api#{}\">{} <code>{}</code></a></li>\n",
            escaped(&one.operation.operation_id),
            method(&one),
            escaped(one.path),
        )
    });
    let links: String = links.collect();
    format!(
        "<nav class=\"api-contents\" aria-label=\"{}\"><ul>\n{links}</ul></nav>",
        texts::OPERATIONS.of(language)
    )
}

fn method(described: &Described<'_>) -> String {
    let name = described.method;
    let capitals = name.to_ascii_uppercase();
    format!("<span class=\"method\" data-method=\"{name}\">{capitals}</span>")
}

fn section(description: &Description, tag: &Tag, site: &str, language: Language) -> String {
    let operations = description.operations();
    let operations = operations.filter(|one| one.operation.tags.contains(&tag.name));
    let operations: String = operations
        .map(|one| operation(&one, site, language))
        .collect();
    format!(
        "<section><h2 lang=\"en\">{}</h2>\n<p lang=\"en\">{}</p>\n{operations}</section>\n",
        escaped(&tag.name),
        with_code(&tag.description)
    )
}

fn operation(described: &Described<'_>, site: &str, language: Language) -> String {
    let operation = described.operation;
    format!(
        "<article class=\"operation\" id=\"{id}\">\n<h3>{method} <code>{path}</code></h3>\n\
         <p lang=\"en\"><strong>{summary}.</strong> {text}</p>\n\
         <pre><code>{curl}</code></pre>\n{parameters}{body}{responses}</article>\n",
        id = escaped(&operation.operation_id),
        method = method(described),
        path = escaped(described.path),
        summary = with_code(&operation.summary),
        text = with_code(&operation.description),
        curl = escaped(&curl::command(site, described)),
        parameters = parameters(&described.parameters, language),
        body = body(described, language),
        responses = responses(&described.responses, language),
    )
}

fn parameters(parameters: &[&Parameter], language: Language) -> String {
    let items = parameters.iter().map(|parameter| {
        let requirement = if parameter.required {
            texts::REQUIRED.of(language)
        } else {
            ""
        };
        format!(
            "<dt><code>{}</code> <span>{} in the {}{}{requirement}</span></dt><dd>{}</dd>",
            escaped(&parameter.name),
            type_name(&parameter.schema),
            escaped(&parameter.r#in),
            bounds(&parameter.schema),
            with_code(&parameter.description),
        )
    });
    titled_list(texts::PARAMETERS.of(language), &items.collect::<String>())
}

fn body(described: &Described<'_>, language: Language) -> String {
    let Some(body) = &described.operation.request_body else {
        return String::new();
    };
    let items = content(&body.content.0);
    let text = with_code(&body.description);
    titled_list(
        texts::BODY.of(language),
        &format!("<dt>{items}</dt><dd>{text}</dd>"),
    )
}

fn responses(responses: &[(&str, &Response)], language: Language) -> String {
    let items = responses.iter().map(|(status, response)| {
        format!(
            "<dt><code>{}</code> <span>{}</span></dt><dd>{}</dd>",
            escaped(status),
            content(&response.content.0),
            with_code(&response.description)
        )
    });
    let items: String = items.collect();
    format!(
        "<details><summary>{}</summary><dl class=\"api-fields\" lang=\"en\">{items}</dl></details>\n",
        texts::RESPONSES.of(language)
    )
}

/// Returns the media types with the types of their values.
fn content(content: &[(String, MediaType)]) -> String {
    let types = content.iter().map(|(media_type, content)| {
        let name = type_name(&content.schema);
        format!("<code>{}</code> {name}", escaped(media_type))
    });
    types.collect::<Vec<_>>().join(", ")
}

fn titled_list(title: &str, items: &str) -> String {
    match items.is_empty() {
        true => String::new(),
        false => format!("<h4>{title}</h4>\n<dl class=\"api-fields\" lang=\"en\">{items}</dl>\n"),
    }
}

/// Returns the section of the shared types.
fn types(description: &Description, language: Language) -> String {
    let schemas = description.components.schemas.0.iter();
    let types = schemas.map(|(name, schema)| {
        format!(
            "<article class=\"operation\" id=\"{name}\">\n<h3><code>{name}</code></h3>\n<p lang=\"en\">{}</p>\n{}</article>\n",
            with_code(&schema.description),
            members(schema),
            name = escaped(name),
        )
    });
    let types: String = types.collect();
    format!(
        "<section><h2>{}</h2>\n{types}</section>",
        texts::TYPES.of(language)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{api_description::read_parts, theme::Theme};

    #[test]
    fn every_link_of_the_page_leads_to_a_place_on_it() {
        let description = read_parts().expect("a description");
        let page = render(
            &description,
            "https://board.example/<carillon>",
            Reader {
                language: Language::English,
                theme: Theme::System,
            },
        );
        let links = page.split("href=\"./api#").skip(1);
        let targets: Vec<_> = links.filter_map(|link| link.split('"').next()).collect();
        assert!(targets.len() > 50, "{targets:?}");
        for target in targets {
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
        assert!(page.contains("curl 'https://board.example/&lt;carillon&gt;/api/topics'"));
        assert!(!page.contains("<script"));
    }
}

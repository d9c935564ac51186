//! A Markdown document: its links and the anchors of its headings.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

pub struct Document {
    pub links: Vec<Link>,
    /// The anchors of the headings, as code hosts and mdBook build them.
    pub anchors: BTreeSet<String>,
    /// The text of the first heading.
    pub title: Option<String>,
}

pub struct Link {
    pub target: String,
    /// The line in the document, from 1.
    pub line: usize,
}

impl Document {
    pub fn parse(text: &str) -> Self {
        let mut document = Self {
            links: Vec::new(),
            anchors: BTreeSet::new(),
            title: None,
        };
        let mut counts = HashMap::new();
        let mut heading: Option<String> = None;
        let options = Options::ENABLE_TABLES;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let title = heading.take().unwrap_or_default();
                    document.anchors.insert(anchor(&title, &mut counts));
                    document.title.get_or_insert(title);
                }
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(Link {
                        target: dest_url.into_string(),
                        line: line_of(text, &range),
                    });
                }
                _ => {}
            }
        }
        document
    }
}

/// Returns the anchor of a heading: lower case, without punctuation, a hyphen for each space, and a number if an earlier
/// heading has the same.
fn anchor(title: &str, counts: &mut HashMap<String, usize>) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    });
    let anchor = kept.collect::<String>().to_lowercase();
    let count = counts.entry(anchor.clone()).or_insert(0);
    *count += 1;
    match *count {
        1 => anchor,
        count => format!("{anchor}-{}", count - 1),
    }
}

fn line_of(text: &str, range: &Range<usize>) -> usize {
    text[..range.start].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_anchors_are_found() {
        let text = "# A title\n\nSee [one](a.md#x)\nand ![two](b.png).\n\n## Run `it`, now\n\n## A title\n\n## 처음 시작\n\n\
                    ```sh\n# [no](link)\n```\n";
        let document = Document::parse(text);
        let links: Vec<_> = document
            .links
            .iter()
            .map(|link| (&*link.target, link.line))
            .collect();
        assert_eq!(links, [("a.md#x", 3), ("b.png", 4)]);
        let anchors: Vec<_> = document.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a-title", "a-title-1", "run-it-now", "처음-시작"]);
        assert_eq!(document.title.as_deref(), Some("A title"));
    }
}

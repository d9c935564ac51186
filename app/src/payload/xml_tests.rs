use std::collections::BTreeSet;

use super::*;
use crate::payload::fold;

/// Returns the lines of a document, indented.
fn shown(document: &str) -> Result<Vec<String>, (&'static str, usize)> {
    let tree = read(document).map_err(|fault| (fault.what.english, fault.at))?;
    let lines = fold::lines(&tree, &BTreeSet::new());
    let text = |line: &fold::Line| format!("{}{}", " ".repeat(line.depth), line.text);
    Ok(lines.iter().map(text).collect())
}

#[test]
fn a_document_is_shown_as_it_is_written() {
    let document = "\u{feff}<?xml version=\"1.0\"?>\n<!DOCTYPE a [ <!ENTITY e \"x>y\"> ]>\n<!-- a > b -->\n\
        <a x='1 > 0' y = \"'\">\n  one &e; &lt;\n  <b/><ns:c z=\"/\" />\n<![CDATA[<raw> & ]]>\n  <d></d >\n</a>\n<!-- end -->";
    let expected = [
        "<?xml version=\"1.0\"?>",
        "<!DOCTYPE a [ <!ENTITY e \"x>y\"> ]>",
        "<!-- a > b -->",
        "<a x='1 > 0' y = \"'\">",
        " one &e; &lt;",
        " <b/>",
        " <ns:c z=\"/\" />",
        " <![CDATA[<raw> & ]]>",
        " <d></d >",
        "</a>",
        "<!-- end -->",
    ];
    assert_eq!(shown(document), Ok(expected.map(str::to_owned).to_vec()));
    assert_eq!(shown("<ö/>"), Ok(vec!["<ö/>".to_owned()]));
}

#[test]
fn a_fault_has_its_offset() {
    for (document, what, at) in [
        ("", texts::ENDS_EARLY, 0),
        ("<!-- only a comment -->", texts::ENDS_EARLY, 23),
        ("<a>", texts::NOT_CLOSED, 0),
        ("<a><b></a>", texts::OTHER_END, 6),
        ("</a>", texts::OTHER_END, 0),
        ("<a/><b/>", texts::MORE_FOLLOWS, 4),
        ("<a></a><b></b>", texts::MORE_FOLLOWS, 7),
        ("text", texts::NO_ELEMENT, 0),
        ("<a/> text", texts::NO_ELEMENT, 4),
        ("<a", texts::ENDS_EARLY, 0),
        ("<a x=\"1", texts::ENDS_EARLY, 0),
        ("<a x=1/>", texts::NO_QUOTES, 5),
        ("<a x\"1\"/>", texts::NO_QUOTES, 4),
        ("<a x='<'/>", texts::NOT_CLOSED, 0),
        ("<a <b/></a>", texts::NOT_CLOSED, 0),
        ("<a>1 < 2</a>", texts::NO_NAME, 5),
        ("<a><!-- </a>", texts::ENDS_EARLY, 3),
        ("<a><![CDATA[ </a>", texts::ENDS_EARLY, 3),
        ("<!DOCTYPE a [", texts::ENDS_EARLY, 0),
    ] {
        assert_eq!(shown(document), Err((what.english, at)), "{document}");
    }
}

#[test]
fn depth_and_values_are_bounded() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(shown(&nested(DEEPEST)).is_ok());
    let fault = shown(&nested(DEEPEST + 1));
    assert_eq!(fault, Err((texts::TOO_DEEP.english, 3 * DEEPEST)));
    assert!(shown(&"<a>".repeat(1_000_000)).is_err());
    let many = format!("<a>{}</a>", "<b/>".repeat(MOST_VALUES));
    assert_eq!(
        shown(&many).map_err(|(what, _)| what),
        Err(texts::TOO_MANY.english)
    );
}

#[test]
fn no_text_makes_the_parser_fail_or_hang() {
    let parts = [
        "<",
        ">",
        "a",
        "/",
        " ",
        "=",
        "'",
        "\"",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!D",
        "[",
        "]",
        "ö",
        "<a>",
        "</a>",
        "<a/>",
    ];
    let mut random = 7_u32;
    let mut accepted = 0;
    for _ in 0..100_000 {
        let mut text = String::new();
        for _ in 0..random % 12 + 1 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(parts[(random >> 16) as usize % parts.len()]);
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 1;
        match read(&text) {
            Ok(_) => accepted += 1,
            Err(fault) => assert!(fault.at <= text.len(), "{text}"),
        }
    }
    assert!(accepted > 100, "{accepted}");
}

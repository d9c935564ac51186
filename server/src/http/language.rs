//! The language of the documents for people: the reader's choice in a cookie, else the browser's languages, else English. The
//! API is English.

use app::{LANGUAGE_COOKIE, Language};
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{HttpState, cookies, links, sign_in::local_path};

/// Returns the language of the document for a request.
pub fn of(headers: &HeaderMap) -> Language {
    chosen(headers)
        .or_else(|| preferred(headers))
        .unwrap_or_default()
}

/// Adds the headers that name the language of a document and what it depends on.
pub fn describe(response: &mut Response, language: Language) {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.tag()),
    );
    headers.append(
        header::VARY,
        HeaderValue::from_static("accept-language, cookie"),
    );
}

/// `POST /language`: sets the cookie, and returns to the page. The form works without scripts; pages with scripts set the
/// cookie themselves. Pages of other origins are refused before.
pub async fn choose(State(state): State<HttpState>, Form(choice): Form<Choice>) -> Response {
    let Some(language) = Language::of_tag(&choice.language) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path={}/; Max-Age={MAX_AGE_S}; SameSite=Lax",
        language.tag(),
        state.access.prefix()
    );
    let Ok(cookie) = HeaderValue::from_str(&cookie) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let next = format!("/{}", choice.next);
    let target = links::relative(PATH, local_path(&next));
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Redirect::to(&target)).into_response()
}

/// The fields of the form.
#[derive(Deserialize)]
pub struct Choice {
    /// The tag of the language.
    language: String,
    /// The page to show, relative to the root of the site.
    #[serde(default)]
    next: String,
}

/// Returns the language in the cookies.
fn chosen(headers: &HeaderMap) -> Option<Language> {
    Language::of_tag(cookies::find(headers, LANGUAGE_COOKIE)?)
}

/// Returns the language with the greatest weight in Accept-Language (RFC 9110, 12.5.4), the first of them if several have it.
/// A range such as `ko-KR` stands for its language (RFC 4647, 3.4). `*` stands for the languages that are not listed.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).into_iter();
    let ranges: Vec<_> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .take(MOST_RANGES)
        .filter_map(weighted)
        .collect();
    let listed = |language: Language| {
        let own = ranges.iter().enumerate();
        let own = own.filter(|(_, (range, _))| Language::of_tag(range) == Some(language));
        own.max_by(|(at, (_, weight)), (other, (_, greater))| {
            weight.total_cmp(greater).then(other.cmp(at))
        })
    };
    let rest = || {
        ranges
            .iter()
            .enumerate()
            .find(|(_, (range, _))| *range == "*")
    };
    let of = |language: Language| {
        let (at, (_, weight)) = listed(language).or_else(rest)?;
        (*weight > 0.0).then_some((language, *weight, at))
    };
    let wanted = Language::ALL.into_iter().filter_map(of);
    let first = wanted.reduce(|best, other| {
        let is_better = other.1 > best.1 || (other.1 == best.1 && other.2 < best.2);
        if is_better { other } else { best }
    });
    first.map(|(language, ..)| language)
}

/// Returns a range and its weight (RFC 9110, 12.4.2); `None` if the weight is none.
fn weighted(item: &str) -> Option<(&str, f32)> {
    let (range, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
    let (name, weight) = parameter.split_once('=')?;
    let weight: f32 = weight.trim().parse().ok()?;
    let is_weight = name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&weight);
    is_weight.then_some((range.trim(), weight))
}

/// The path of the form.
pub const PATH: &str = "/language";
/// The ranges of Accept-Language that are read; others are ignored. Browsers send some ten.
const MOST_RANGES: usize = 64;
/// A year.
const MAX_AGE_S: u32 = 31_536_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn language(accept: &str, cookie: &str) -> Language {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::ACCEPT_LANGUAGE, accept), (header::COOKIE, cookie)] {
            if !value.is_empty() {
                headers.append(name, value.parse().expect("a header"));
            }
        }
        of(&headers)
    }

    #[test]
    fn the_language_with_the_greatest_weight_is_used() {
        let table = [
            ("", Language::English),
            ("ko", Language::Korean),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("ko;q=0.2, en;q=0.4", Language::English),
            ("KO ; Q=0.9, en; q=0.8", Language::Korean),
            ("de, fr;q=0.9", Language::English),
            ("de, ko;q=0.1", Language::Korean),
            ("de, *;q=0.5", Language::English),
            ("de, ko;q=0.5, *;q=0.1", Language::Korean),
            ("en;q=0, *", Language::Korean),
            ("en;q=0", Language::English),
            ("ko;q=0, en;q=0", Language::English),
            ("ko, en", Language::Korean),
            ("en, ko", Language::English),
            ("ko-KR;q=0.3, ko;q=0.9, en;q=0.5", Language::Korean),
            ("ko;q=2, en;q=0.1", Language::English),
            ("ko;q=NaN, en;q=0.1", Language::English),
            ("ko;level=1, en", Language::English),
            (",,;q=,ko", Language::Korean),
            ("kok", Language::English),
        ];
        for (accept, expected) in table {
            assert_eq!(language(accept, ""), expected, "{accept}");
        }
    }

    #[test]
    fn the_choice_of_the_reader_comes_first() {
        let table = [
            ("en", "language=ko", Language::Korean),
            ("ko", "a=b; language=en; c=d", Language::English),
            ("ko", "language=de", Language::Korean),
            ("ko", "xlanguage=en", Language::Korean),
            ("", "language=", Language::English),
        ];
        for (accept, cookie, expected) in table {
            assert_eq!(language(accept, cookie), expected, "{accept}, {cookie}");
        }
    }

    #[test]
    fn only_the_first_ranges_are_read() {
        let many = "de,".repeat(MOST_RANGES);
        assert_eq!(language(&format!("{many}ko"), ""), Language::English);
    }
}

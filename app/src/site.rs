//! The address of this page's site. It may be below a prefix, if a proxy serves other sites at the same
//! host; so all links of the pages are relative.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::{
    Route,
    address::{self, without_query},
    host::{Host, RequestPath},
};

/// Returns the address of the site as a reader types it in front of a path, without the last slash.
pub fn site() -> String {
    if is_browser() {
        return root().trim_end_matches('/').to_owned();
    }
    use_context::<Host>().map_or_else(String::new, |host| host.site)
}

/// Returns the address of the site's root, with the last slash. Every page of the site is next to it;
/// the document of an unknown address has an element `base`, which leads there.
pub fn root() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    let path = without_query(&base);
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    path[..end].to_owned()
}

/// Returns the path of the page, relative to the root: of the request, or in the browser of its address; `None` if the page
/// is outside of the site.
pub fn here() -> Option<String> {
    if !is_browser() {
        let request = use_context::<RequestPath>();
        return Some(request.map_or_else(String::new, |request| request.relative().to_owned()));
    }
    let address = window().location().href().ok()?;
    Some(without_query(&address).strip_prefix(&root())?.to_owned())
}

/// Returns the name of the topic or queue in the page's path; empty if it has none.
pub fn subject() -> String {
    let path = here().unwrap_or_default();
    Route::name(&path).unwrap_or_default()
}

/// Returns a parameter of the query of the page's address.
pub fn parameter(name: &str) -> Option<String> {
    if !is_browser() {
        return address::parameter(&use_context::<RequestPath>()?.query, name);
    }
    let address = window().location().href().ok()?;
    address::parameter(address::query(&address), name)
}

/// Returns whether the query of the page's address has a parameter, with or without a value.
pub fn has_parameter(name: &str) -> bool {
    if !is_browser() {
        let request = use_context::<RequestPath>();
        return request.is_some_and(|request| address::has_parameter(&request.query, name));
    }
    let address = window().location().href().unwrap_or_default();
    address::has_parameter(address::query(&address), name)
}

/// Replaces the query of the browser's address by these parameters, without a new entry in its history; empty values are
/// left out.
pub fn show_parameters(parameters: &[(&str, &str)]) {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = given
        .map(|(name, value)| format!("{name}={}", address::encoded(value)))
        .collect();
    let mut address = here().unwrap_or_default();
    if !pairs.is_empty() {
        address = format!("{address}?{}", pairs.join("&"));
    }
    if let Ok(history) = window().history() {
        // A browser may refuse many changes in a short time; the page works without.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

//! Types of values as HTML.

use serde_json::Value;

use super::model::Schema;
use crate::http::html::{escaped, with_code};

/// Returns the type of a value in a few words, with links to the shared types.
pub fn type_name(schema: &Schema) -> String {
    if let Some(name) = schema.referred() {
        let name = escaped(name);
        return format!("<a href=\"./api#{name}\">{name}</a>");
    }
    if let Some(only) = &schema.r#const {
        return format!("<code>{}</code>", escaped(&only.to_string()));
    }
    if !schema.r#enum.is_empty() {
        let values = schema.r#enum.iter();
        let values: Vec<_> = values
            .map(|value| format!("<code>{}</code>", escaped(&text(value))))
            .collect();
        return values.join(" or ");
    }
    if !schema.one_of.is_empty() {
        let types: Vec<_> = schema.one_of.iter().map(type_name).collect();
        return types.join(" or ");
    }
    match (&schema.r#type, &schema.items) {
        (Value::String(name), Some(items)) if name == "array" => {
            format!("list of {}", type_name(items))
        }
        (Value::String(name), _) => escaped(name),
        (Value::Array(names), _) => {
            let names: Vec<_> = names.iter().map(|name| escaped(&text(name))).collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

/// Returns the bounds and the default of a value, each with a comma before it.
pub fn bounds(schema: &Schema) -> String {
    let bound = |name: &str, value: &Option<Value>| {
        let value = value.as_ref().filter(|value| is_notable(value));
        value.map_or_else(String::new, |value| {
            format!(", {name} {}", escaped(&text(value)))
        })
    };
    [
        bound(
            "at least",
            &schema.minimum.clone().filter(|value| *value != 0),
        ),
        bound("at most", &schema.maximum),
        bound("default", &schema.default),
    ]
    .concat()
}

/// Returns the list of an object's members; empty for other types.
pub fn members(schema: &Schema) -> String {
    let members = schema.properties.0.iter().map(|(name, member)| {
        let requirement = match schema.required.contains(name) {
            true => "",
            false => ", may be absent",
        };
        format!(
            "<dt><code>{}</code> <span>{}{}{requirement}</span></dt><dd>{}</dd>",
            escaped(name),
            type_name(member),
            bounds(member),
            with_code(&member.description),
        )
    });
    let members: String = members.collect();
    match members.is_empty() {
        true => members,
        false => format!("<dl class=\"api-fields\">{members}</dl>"),
    }
}

/// Returns a text without quotation marks, and any other value as JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Returns true if a bound is worth showing; the greatest integer is none.
fn is_notable(value: &Value) -> bool {
    value.as_u64() != Some(u64::MAX)
}

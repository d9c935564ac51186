//! The description of the API, and checks of responses against it.
//!
//! The check knows the keywords that the description uses, and fails for others. Unlike a validator of JSON Schema it
//! refuses a member that the schema does not name, so that the description has every member of every response.

use std::collections::BTreeSet;
use std::sync::Mutex;

use http::Method;
use serde_json::Value;

use crate::Carillon;
use crate::http::{Answer, get};

/// The OpenAPI document of a server.
pub struct Description {
    document: Value,
    /// The operations that a checked response has shown to succeed.
    seen: Mutex<BTreeSet<String>>,
}

impl Description {
    /// Gets the document of a server that needs no login.
    pub async fn of(server: &Carillon) -> Self {
        Self {
            document: get(server.url("/api/openapi.json")).await.json(),
            seen: Mutex::default(),
        }
    }

    /// Returns each path with the names of its methods, in small letters.
    pub fn paths(&self) -> Vec<(&str, Vec<&str>)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let paths = paths.iter().map(|(path, item)| {
            let members = item.as_object().expect("an object").keys();
            let methods = members.map(String::as_str);
            let methods = methods.filter(|name| *name != "parameters");
            (path.as_str(), methods.collect())
        });
        paths.collect()
    }

    /// Checks a response to a request for a path of the description.
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let what = format!("{method} {path}: {}", answer.status);
        let body = self.content(method, path, answer);
        match body {
            None => assert_eq!(answer.text(), "", "{what}"),
            Some(_) if answer.header("content-type").contains("ndjson") => {
                for line in answer.text().lines() {
                    let message = serde_json::from_str(line).expect("a line of JSON");
                    self.check_named("Message", &message);
                }
            }
            Some(schema) if answer.header("content-type").contains("json") => {
                self.check_value(&schema["schema"], &answer.json(), &what);
            }
            Some(schema) => self.check_value(&schema["schema"], &answer.text().into(), &what),
        }
    }

    /// Checks the status, the media type and the headers of a response. Returns the description of its content.
    pub fn content(&self, method: &Method, path: &str, answer: &Answer) -> Option<&Value> {
        let name = method.as_str().to_ascii_lowercase();
        let operation = &self.document["paths"][path][&name];
        assert!(operation.is_object(), "{method} {path} is not described");
        if answer.status.is_success() {
            let mut seen = self.seen.lock().expect("no test has failed");
            seen.insert(format!("{name} {path}"));
        }
        let what = format!("{method} {path}: {}", answer.status);
        let responses = &operation["responses"];
        let status = answer.status.as_str();
        let response = responses.get(status).or(responses.get("default"));
        let response = self.referred(response.unwrap_or_else(|| panic!("{what}: {answer:?}")));
        let content = response["content"].as_object()?;
        let media_type = answer.header("content-type").split(';').next();
        let found = content.get(media_type.unwrap_or_default());
        Some(found.unwrap_or_else(|| panic!("{what}: {answer:?}")))
    }

    /// Returns the operations of which no successful response was checked.
    pub fn unseen(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no test has failed");
        let operations = self.paths().into_iter().flat_map(|(path, methods)| {
            let methods = methods.into_iter();
            methods.map(move |method| format!("{method} {path}"))
        });
        operations.filter(|one| !seen.contains(one)).collect()
    }

    /// Checks a value against the shared schema with this name.
    pub fn check_named(&self, name: &str, value: &Value) {
        let schema = &self.document["components"]["schemas"][name];
        assert!(schema.is_object(), "there is no schema {name}");
        self.check_value(schema, value, name);
    }

    fn check_value(&self, schema: &Value, value: &Value, what: &str) {
        let mut faults = Vec::new();
        self.collect_faults(schema, value, "", &mut faults);
        assert!(faults.is_empty(), "{what}: {faults:#?} in {value:#}");
    }

    fn collect_faults(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (keyword, expected) in schema.as_object().expect("a schema") {
            let is_met = match keyword.as_str() {
                "$ref" => {
                    self.collect_faults(self.referred(schema), value, at, faults);
                    true
                }
                "type" => is_of_type(expected, value),
                "const" => expected == value,
                "enum" => expected.as_array().expect("a list").contains(value),
                "minimum" => value.as_f64() >= expected.as_f64(),
                "maximum" => value.as_f64() <= expected.as_f64(),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.collect_faults(expected, item, &format!("{at}/{index}"), faults);
                    }
                    true
                }
                "oneOf" => {
                    let mut schemas = expected.as_array().expect("a list").iter();
                    schemas.any(|schema| {
                        let mut faults = Vec::new();
                        self.collect_faults(schema, value, at, &mut faults);
                        faults.is_empty()
                    })
                }
                "required" => {
                    let mut names = expected.as_array().expect("a list").iter();
                    names.all(|name| value.get(name.as_str().expect("a name")).is_some())
                }
                "properties" => {
                    self.collect_faults_of_members(schema, value, at, faults);
                    true
                }
                "additionalProperties" => {
                    if schema.get("properties").is_none() && expected.is_object() {
                        for (name, member) in value.as_object().into_iter().flatten() {
                            self.collect_faults(expected, member, &format!("{at}/{name}"), faults);
                        }
                    }
                    true
                }
                "description" | "default" | "contentEncoding" => true,
                keyword => panic!("the check does not know {keyword:?}"),
            };
            if !is_met {
                faults.push(format!("{at}: {keyword} {expected}"));
            }
        }
    }

    fn collect_faults_of_members(
        &self,
        schema: &Value,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match schema["properties"].get(name) {
                Some(schema) => self.collect_faults(schema, member, &at, faults),
                None => faults.push(format!("{at} is not described")),
            }
        }
    }

    /// Follows a reference, if the value is one.
    fn referred<'d>(&'d self, value: &'d Value) -> &'d Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let pointer = reference.trim_start_matches('#');
        let found = self.document.pointer(pointer);
        found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }
}

fn is_of_type(expected: &Value, value: &Value) -> bool {
    match expected {
        Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
        Value::String(name) => match name.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            name => panic!("the check does not know the type {name:?}"),
        },
        other => panic!("{other} is not a type"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the number of faults of a value.
    fn faults(schema: Value, value: Value) -> usize {
        let description = Description {
            document: json!({ "components": { "schemas": { "Named": schema } } }),
            seen: Mutex::default(),
        };
        let mut faults = Vec::new();
        let schema = json!({ "$ref": "#/components/schemas/Named" });
        description.collect_faults(&schema, &value, "", &mut faults);
        faults.len()
    }

    #[test]
    fn faults_of_values_are_found() {
        let object = json!({
            "type": "object",
            "required": ["a"],
            "properties": { "a": { "type": "integer", "minimum": 1 }, "b": { "enum": ["x", "y"] } }
        });
        let list = json!({ "type": "array", "items": { "type": ["string", "null"] } });
        let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        for (schema, value, expected) in [
            (&object, json!({ "a": 1 }), 0),
            (&object, json!({ "a": 1, "b": "y" }), 0),
            (&object, json!({ "a": 0 }), 1),
            (&object, json!({ "a": 1.5 }), 1),
            (&object, json!({ "b": "z" }), 2),
            (&object, json!({ "a": 1, "c": 1 }), 1),
            (&object, json!([]), 2),
            (&list, json!(["a", null]), 0),
            (&list, json!(["a", 1]), 1),
            (&map, json!({ "a": "b" }), 0),
            (&map, json!({ "a": 1 }), 1),
        ] {
            assert_eq!(faults(schema.clone(), value.clone()), expected, "{value}");
        }
    }
}

//! The parts of an OpenAPI document that the page shows, in the order of the document.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// A document, or a part of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Description {
    pub info: Info,
    pub tags: Vec<Tag>,
    pub paths: Entries<PathItem>,
    pub components: Components,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    pub summary: String,
    pub description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tag {
    pub name: String,
    pub description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Components {
    pub security_schemes: Entries<SecurityScheme>,
    parameters: Entries<Parameter>,
    responses: Entries<Response>,
    pub schemas: Entries<Schema>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecurityScheme {
    pub description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PathItem {
    parameters: Vec<Parameter>,
    get: Option<Operation>,
    post: Option<Operation>,
    put: Option<Operation>,
    delete: Option<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Operation {
    pub tags: Vec<String>,
    pub operation_id: String,
    pub summary: String,
    pub description: String,
    parameters: Vec<Parameter>,
    pub request_body: Option<RequestBody>,
    responses: Entries<Response>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameter {
    #[serde(rename = "$ref")]
    reference: String,
    pub name: String,
    pub r#in: String,
    pub required: bool,
    pub description: String,
    pub schema: Schema,
    pub example: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RequestBody {
    pub description: String,
    pub content: Entries<MediaType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Response {
    #[serde(rename = "$ref")]
    reference: String,
    pub description: String,
    pub content: Entries<MediaType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MediaType {
    pub schema: Schema,
    pub example: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Schema {
    #[serde(rename = "$ref")]
    pub reference: String,
    /// A name, or a list of names.
    pub r#type: Value,
    pub description: String,
    pub r#enum: Vec<Value>,
    pub one_of: Vec<Self>,
    pub r#const: Option<Value>,
    pub default: Option<Value>,
    pub minimum: Option<Value>,
    pub maximum: Option<Value>,
    pub items: Option<Box<Self>>,
    pub properties: Entries<Self>,
    pub required: Vec<String>,
}

/// The members of a JSON object, in their order.
#[derive(Debug)]
pub struct Entries<T>(pub Vec<(String, T)>);

/// An operation with its path and all its parameters.
#[derive(Debug)]
pub struct Described<'d> {
    pub path: &'d str,
    /// In small letters.
    pub method: &'static str,
    pub operation: &'d Operation,
    pub parameters: Vec<&'d Parameter>,
    /// Status and response.
    pub responses: Vec<(&'d str, &'d Response)>,
}

impl Description {
    /// Adds another part of the document.
    pub fn append(&mut self, part: Self) {
        if !part.info.summary.is_empty() {
            self.info = part.info;
        }
        self.tags.extend(part.tags);
        self.paths.0.extend(part.paths.0);
        let (all, new) = (&mut self.components, part.components);
        all.security_schemes.0.extend(new.security_schemes.0);
        all.parameters.0.extend(new.parameters.0);
        all.responses.0.extend(new.responses.0);
        all.schemas.0.extend(new.schemas.0);
    }

    /// Returns all operations.
    pub fn operations(&self) -> impl Iterator<Item = Described<'_>> {
        self.paths.0.iter().flat_map(move |(path, item)| {
            let methods = [
                ("get", &item.get),
                ("post", &item.post),
                ("put", &item.put),
                ("delete", &item.delete),
            ];
            let operations = methods.into_iter();
            operations.filter_map(move |(method, operation)| {
                Some(self.described(path, method, item, operation.as_ref()?))
            })
        })
    }

    fn described<'d>(
        &'d self,
        path: &'d str,
        method: &'static str,
        item: &'d PathItem,
        operation: &'d Operation,
    ) -> Described<'d> {
        let components = &self.components;
        let parameters = item.parameters.iter().chain(&operation.parameters);
        let parameters = parameters.map(|parameter| {
            let shared = components.parameters.referred(&parameter.reference);
            shared.unwrap_or(parameter)
        });
        let responses = operation.responses.0.iter();
        let responses = responses.map(|(status, response)| {
            let shared = components.responses.referred(&response.reference);
            (status.as_str(), shared.unwrap_or(response))
        });
        Described {
            path,
            method,
            operation,
            parameters: parameters.collect(),
            responses: responses.collect(),
        }
    }
}

impl Schema {
    /// Returns the name of the shared schema that this one refers to.
    pub fn referred(&self) -> Option<&str> {
        last_part(&self.reference)
    }
}

impl<T> Entries<T> {
    /// Returns the entry that a reference such as `#/components/schemas/Topic` means.
    fn referred(&self, reference: &str) -> Option<&T> {
        let wanted = last_part(reference)?;
        let mut entries = self.0.iter();
        entries.find_map(|(name, entry)| (name == wanted).then_some(entry))
    }
}

fn last_part(reference: &str) -> Option<&str> {
    reference.rsplit_once('/').map(|(_, name)| name)
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

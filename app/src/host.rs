//! What the server gives the pages while it renders them. In the browser none of it exists: there
//! the same facts arrive over the connection.

use std::sync::Arc;

use serde::Deserialize;

/// The path of the request that is being answered, without query.
#[derive(Clone, Debug)]
pub struct RequestPath(pub String);

/// Site paths of the files whose names carry a hash, such as `/pkg/carillon-1f2e.js`.
#[derive(Clone, Debug)]
pub struct Assets {
    pub css: String,
    pub js: String,
    pub wasm: String,
}

/// The broker, as far as a page's first paint needs it.
#[derive(Clone)]
pub struct Host {
    /// The last image of the topic of this name.
    pub last_image: Arc<LastImage>,
    pub figures: Arc<dyn Fn() -> Figures + Send + Sync>,
}

type LastImage = dyn Fn(&str) -> Option<Image> + Send + Sync;

/// A topic's newest entry.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize))]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// `{epoch:x}-{position}`: what `since` takes.
    pub id: String,
    pub sequence: u64,
    pub timestamp_ms: u64,
    pub producer: String,
    pub content_type: String,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// The broker's figures: the JSON of `/api/figures` and of the topic `$SYS.figures`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize))]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    pub version: String,
    pub uptime_seconds: u64,
    pub connections: u64,
    pub subscriptions: u64,
    pub topics: u64,
    /// Messages since start: taken in, handed to subscriptions, skipped at a subscription's bound.
    pub published: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub published_per_second: f64,
    pub delivered_per_second: f64,
    /// Payload bytes that the topics' logs hold.
    pub bytes_held: u64,
    /// Some of the topics, at most as many as a page can show; `topics` counts all.
    pub topic_list: Vec<TopicFigures>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize))]
#[serde(rename_all = "camelCase", default)]
pub struct TopicFigures {
    pub name: String,
    /// The newest entry's.
    pub sequence: u64,
    pub subscriptions: u64,
    pub per_second: f64,
}

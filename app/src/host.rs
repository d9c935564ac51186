//! The data that the server gives the pages for rendering. In the browser the same data arrive over
//! the connection.

use std::sync::Arc;

#[cfg(feature = "ssr")]
use crate::{
    Route, address::parameter, boards, connections, explorer, program::Module, queue, topic,
};
use crate::{json::Json, queues::Queues, visitor::Visitor};

/// The address of the current request.
#[derive(Clone, Debug)]
pub struct RequestPath {
    /// The path without query; it begins with a slash.
    pub path: String,
    /// The query without `?`; may be empty.
    pub query: String,
}

impl RequestPath {
    /// Returns the path relative to the root of the site.
    pub(crate) fn relative(&self) -> &str {
        self.path.strip_prefix('/').unwrap_or(&self.path)
    }

    /// Returns the page of the path.
    #[cfg(feature = "ssr")]
    pub fn route(&self) -> Route {
        Route::of(self.relative())
    }

    /// Returns the reference to the root of the site, for pages that need an element `base`: pages in a folder, and the pages
    /// of a module with such pages, because the program goes from one to the other in the same document.
    #[cfg(feature = "ssr")]
    pub fn base(&self) -> Option<String> {
        let depth = self.path.matches('/').count().saturating_sub(1);
        match (depth, self.route().module()) {
            (0, Module::Demo | Module::Order) => None,
            (0, Module::Tools | Module::Boards) => Some("./".to_owned()),
            (depth, _) => Some("../".repeat(depth)),
        }
    }
}

/// Paths, relative to the root of the site, of the files that have a hash in their name, such as
/// `./pkg/carillon-1f2e.js`.
#[derive(Clone, Debug)]
pub struct Assets {
    pub css: String,
    pub demo: ModuleAssets,
    /// `None` if `dist/` was built without the second module; its pages are then not updated in the browser.
    pub tools: Option<ModuleAssets>,
    /// `None` if `dist/` was built without the third module.
    pub order: Option<ModuleAssets>,
    /// `None` if `dist/` was built without the fourth module.
    pub boards: Option<ModuleAssets>,
}

/// The files of one module.
#[derive(Clone, Debug)]
pub struct ModuleAssets {
    pub js: String,
    pub wasm: String,
}

/// The documents of the API for a page's first paint, by address (see [`documents`]).
#[derive(Clone, Debug, Default)]
pub struct Documents {
    pub found: Arc<Vec<(String, String)>>,
    /// The problems (RFC 9457) of those that the visitor may not see.
    pub refused: Arc<Vec<(String, String)>>,
}

/// Returns the addresses of the documents that a page shows at first, relative to the root of the site.
#[cfg(feature = "ssr")]
pub fn documents(page: &RequestPath) -> Vec<String> {
    let parameter = |name| parameter(&page.query, name).unwrap_or_default();
    match page.route() {
        Route::Topics => vec![explorer::first_document(&parameter("search"))],
        Route::Topic => {
            let start = topic::Start {
                topic: Route::name(page.relative()).unwrap_or_default(),
                at: parameter("at"),
                filter: parameter("filter"),
            };
            start.documents().into()
        }
        Route::Queue => {
            queue::Addresses::of(&Route::name(page.relative()).unwrap_or_default()).first()
        }
        Route::Connections => connections::first(),
        Route::Boards => vec![boards::LIST.to_owned()],
        Route::Board => {
            let name = Route::name(page.relative()).unwrap_or_default();
            vec![boards::values_address(&name)]
        }
        _ => Vec::new(),
    }
}

/// The broker's data for a page's first paint.
#[derive(Clone)]
pub struct Host {
    /// Returns the last image of the topic with this name.
    pub last_image: Arc<LastImage>,
    pub figures: Arc<dyn Fn() -> Figures + Send + Sync>,
    pub queues: Arc<dyn Fn() -> Queues + Send + Sync>,
    pub visitor: Visitor,
    /// The address of the site without the last slash, such as `http://127.0.0.1:8080`.
    pub site: String,
}

type LastImage = dyn Fn(&str) -> Option<Image> + Send + Sync;

/// A topic's newest entry.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "ssr",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct Image {
    /// `{epoch:x}-{position}`, the form that `since` takes.
    pub id: String,
    pub sequence: u64,
    pub timestamp_ms: u64,
    pub producer: String,
    pub content_type: String,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// The broker's figures: the JSON of `/api/figures` and of the topic `$SYS.figures`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "ssr",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct Figures {
    pub version: String,
    pub uptime_seconds: u64,
    pub connections: u64,
    pub subscriptions: u64,
    pub topics: u64,
    /// Messages since the start: accepted, delivered to subscriptions, skipped at a subscription's
    /// bound.
    pub published: u64,
    pub delivered: u64,
    pub dropped: u64,
    /// Publications refused since start.
    pub refused: u64,
    pub published_per_second: f64,
    pub delivered_per_second: f64,
    /// Bytes of the messages that topics, slow readers and queues hold.
    pub bytes_held: u64,
    /// `None` if the broker has no store on disk. The pages do not read it.
    #[cfg(feature = "ssr")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskFigures>,
    /// Some of the topics, at most as many as a page can show; `topics` counts all.
    pub topic_list: Vec<TopicFigures>,
}

/// The disk of the broker's store.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskFigures {
    pub free_bytes: u64,
    /// Bytes that must stay free; below it persistent messages are refused.
    pub required_bytes: u64,
    /// True while persistent messages are refused.
    pub refuses_persistent: bool,
    /// Bytes of the log that are in use.
    pub log_bytes: u64,
    /// Syncs since the start.
    pub syncs: u64,
    /// The duration of the last sync.
    pub last_sync_ms: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "ssr",
    derive(serde::Serialize),
    serde(rename_all = "camelCase")
)]
pub struct TopicFigures {
    pub name: String,
    /// The sequence of the newest entry.
    pub sequence: u64,
    pub subscriptions: u64,
    pub per_second: f64,
}

// The reading side, for the browser. A missing member gets its default, so that pages and servers
// of neighbouring versions understand each other.

impl Image {
    pub(crate) fn from_json(json: &Json<'_>) -> Option<Self> {
        Some(Self {
            id: text(json, "id")?,
            sequence: whole(json, "sequence"),
            timestamp_ms: whole(json, "timestampMs"),
            producer: text(json, "producer")?,
            content_type: text(json, "contentType")?,
            body: text(json, "body")?,
        })
    }
}

impl Figures {
    pub(crate) fn from_json(json: &Json<'_>) -> Self {
        let topics = json.member("topicList").map_or(&[][..], Json::elements);
        Self {
            version: text(json, "version").unwrap_or_default(),
            uptime_seconds: whole(json, "uptimeSeconds"),
            connections: whole(json, "connections"),
            subscriptions: whole(json, "subscriptions"),
            topics: whole(json, "topics"),
            published: whole(json, "published"),
            delivered: whole(json, "delivered"),
            dropped: whole(json, "dropped"),
            refused: whole(json, "refused"),
            published_per_second: number(json, "publishedPerSecond"),
            delivered_per_second: number(json, "deliveredPerSecond"),
            bytes_held: whole(json, "bytesHeld"),
            #[cfg(feature = "ssr")]
            disk: None,
            topic_list: topics.iter().map(TopicFigures::from_json).collect(),
        }
    }
}

impl TopicFigures {
    fn from_json(json: &Json<'_>) -> Self {
        Self {
            name: text(json, "name").unwrap_or_default(),
            sequence: whole(json, "sequence"),
            subscriptions: whole(json, "subscriptions"),
            per_second: number(json, "perSecond"),
        }
    }
}

pub(crate) fn text(json: &Json<'_>, name: &str) -> Option<String> {
    json.member(name)?.text().map(str::to_owned)
}

pub(crate) fn number(json: &Json<'_>, name: &str) -> f64 {
    json.member(name).and_then(Json::number).unwrap_or_default()
}

/// Counts are exact up to 2⁵³, as always in JSON.
pub(crate) fn whole(json: &Json<'_>, name: &str) -> u64 {
    number(json, name) as u64
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn figures_survive_a_round_trip() {
        let topic = TopicFigures {
            name: "a.b".into(),
            sequence: 1,
            subscriptions: 2,
            per_second: 3.5,
        };
        let figures = Figures {
            version: "0.1.0".into(),
            uptime_seconds: 1,
            connections: 2,
            subscriptions: 3,
            topics: 4,
            published: 5,
            delivered: 6,
            dropped: 7,
            refused: 8,
            published_per_second: 8.5,
            delivered_per_second: 9.25,
            bytes_held: 10,
            disk: None,
            topic_list: vec![topic],
        };
        let written = serde_json::to_string(&figures).expect("JSON");
        let read = json::read(&written).expect("JSON");
        assert_eq!(Figures::from_json(&read), figures);
    }

    #[test]
    fn an_image_survives_a_round_trip() {
        let image = Image {
            id: "a-1".into(),
            sequence: 1,
            timestamp_ms: 1_795_390_329_832,
            producer: "http".into(),
            content_type: "application/json".into(),
            body: "{\"data\":\"</script>\\u0001 ö\"}".into(),
        };
        let written = serde_json::to_string(&image).expect("JSON");
        let read = json::read(&written).expect("JSON");
        assert_eq!(Image::from_json(&read), Some(image));
    }
}

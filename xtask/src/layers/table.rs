//! The layers of `broker` and `server`, from top to bottom.

use super::modules::is_inside;

/// The layers of one crate.
pub struct Crate {
    pub folder: &'static str,
    /// The layers, from top to bottom. An entry is a module with everything inside it; the longest
    /// entry counts. A module imports from its own entry and from lower layers, not from other
    /// entries of its layer.
    pub layers: &'static [&'static [&'static str]],
    /// Imports against the layers, as importing and imported module. This list may only get shorter.
    pub exceptions: &'static [(&'static str, &'static str)],
}

/// The place of a module in the table.
pub struct Place {
    pub entry: &'static str,
    /// The index of the layer; 0 is the highest.
    pub layer: usize,
}

impl Crate {
    /// Returns the place of a module, or None if no entry covers it.
    pub fn place(&self, module: &str) -> Option<Place> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(layer, entries)| {
                let places = entries.iter();
                places.map(move |entry| Place { entry, layer })
            })
            .filter(|place| is_inside(module, place.entry))
            .max_by_key(|place| place.entry.len())
    }
}

pub const CRATES: &[Crate] = &[BROKER, SERVER];

const BROKER: Crate = Crate {
    folder: "crates/broker/src",
    layers: &[
        &["crate"],
        &["broker"],
        &["state"],
        &["session"],
        &["topic"],
        &["queue"],
        &["sequence"],
        &["outcome"],
        &["journal"],
        &["selector"],
        &["notice"],
        &["message"],
        &["policy"],
        &["memory"],
        &["figures", "permissions"],
        &["name", "schedule", "settlement"],
        &["alarm", "completion", "one_or_many", "subscription_id"],
        &["sync"],
    ],
    // A session delivers from cursors and consumers, and these refer to their session.
    exceptions: &[
        ("outcome", "session"),
        ("queue::consumer", "session"),
        ("topic", "session::subscription"),
        ("topic::cursor", "session::subscription"),
    ],
};

const SERVER: Crate = Crate {
    folder: "server/src",
    layers: &[
        &["crate"],
        &["config", "embedding"],
        &["log"],
        &["cli"],
        &["serve", "store_command", "user_command"],
        &["housekeeping", "listeners", "scheduler", "service_manager"],
        &["http_port"],
        &["http", "mqtt", "stomp"],
        &["metrics"],
        &["connection", "listener"],
        &["server", "tls"],
        &["connection_limit"],
        &["context", "figures", "handler", "survey"],
        &["storage"],
        &["advisory", "socket", "system_topics", "trace"],
        &[
            "connection_control",
            "connection_shares",
            "partial_input",
            "proxy_header",
            "queue_history",
            "queues",
            "refused_connections",
            "server_publication",
        ],
        &[
            "access_control",
            "content_type",
            "delivery",
            "dialect",
            "fairness",
            "gate",
            "inherited_listeners",
            "message",
            "name_cache",
            "policy",
            "polled_peer",
            "port",
            "protocol_detection",
            "public_url",
            "qr_code",
            "reachable_address",
            "scheduling",
            "shared_headers",
            "shell_files",
            "stopping",
            "subscription_options",
            "transport",
            "trusted_proxies",
            "upgrade",
        ],
        &["audit", "file_watch", "measurements", "redelivery", "spans"],
        &["clock", "log_rate", "peek"],
        &["net"],
    ],
    exceptions: &[],
};

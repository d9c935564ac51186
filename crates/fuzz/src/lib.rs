//! The fuzz targets: for each, a function that takes any bytes and panics if a property does not hold.
//!
//! `fuzz/` runs them with libFuzzer and a nightly compiler; `tests/mutations.rs` runs them on mutations of
//! the inputs in `fuzz/seeds/`, with the stable compiler.

#![warn(missing_docs, unreachable_pub)]

pub mod mqtt_decode;
pub mod mqtt_server;
pub mod proxy_decode;
pub mod selector;
pub mod stomp_decode;
pub mod stomp_server;
pub mod websocket_decode;

/// A target and its name, which is also its folder in `fuzz/seeds/`.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// The function that takes the bytes.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target {
        name: "mqtt_decode",
        run: mqtt_decode::run,
    },
    Target {
        name: "mqtt_server",
        run: mqtt_server::run,
    },
    Target {
        name: "proxy_decode",
        run: proxy_decode::run,
    },
    Target {
        name: "selector",
        run: selector::run,
    },
    Target {
        name: "stomp_decode",
        run: stomp_decode::run,
    },
    Target {
        name: "stomp_server",
        run: stomp_server::run,
    },
    Target {
        name: "websocket_decode",
        run: websocket_decode::run,
    },
];

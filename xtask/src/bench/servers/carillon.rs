//! Carillon, the binary under test.

use std::env;
use std::path::Path;

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, Storage, free_ports};
use crate::process::command;

pub fn start(binary: &Path, storage: Storage) -> Result<StartPlan> {
    let [http, stomp, mqtt] = free_ports()?;
    let folder = Folder::new("carillon")?;
    let mut carillon = command(binary);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARILLON_") {
            carillon.env_remove(name);
        }
    }
    carillon
        .args(["serve", "--listen", &format!("127.0.0.1:{http}")])
        // For the measurements with many additional topics.
        .args(["--max-topics", "1000000"])
        .env("CARILLON_STOMP", format!("127.0.0.1:{stomp}"))
        .env("CARILLON_MQTT", format!("127.0.0.1:{mqtt}"));
    if storage != Storage::Memory {
        carillon
            .arg("--data")
            .arg(folder.path().join("data"))
            // The messages of a measurement wait in queues, or for a session.
            .args(["--memory", "8589934592", "--lag", "100000000"])
            .args(["--lag-bytes", "4294967296", "--queue-length", "100000000"])
            .args(["--queue-bytes", "4294967296", "--disk-free", "268435456"]);
    }
    Ok(StartPlan {
        command: carillon,
        endpoints: vec![
            Endpoint::tcp("STOMP", "stomp", stomp),
            Endpoint::websocket("STOMP, WebSocket", "stomp", http, "/ws"),
            Endpoint::tcp("MQTT", "mqtt", mqtt),
            Endpoint::websocket("MQTT, WebSocket", "mqtt", http, "/mqtt"),
        ],
        cleanup: None,
        folder,
    })
}

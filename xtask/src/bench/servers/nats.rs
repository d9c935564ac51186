//! nats-server, with the NATS protocol, and with JetStream if it stores messages.

use std::env;
use std::process::Command;

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, Storage, free_ports, program};
use crate::process::command;

/// The variable with the path of another nats-server than that of the system. Debian's version has
/// no setting for syncs.
pub const PROGRAM: &str = "CARILLON_BENCH_NATS_SERVER";

pub fn start(storage: Storage) -> Result<StartPlan> {
    let [tcp, websocket] = free_ports()?;
    let folder = Folder::new("nats")?;
    let configuration = format!(
        "listen: 127.0.0.1:{tcp}\nwebsocket {{ listen: \"127.0.0.1:{websocket}\", no_tls: true }}\n"
    );
    let path = folder.path().display();
    let jetstream = match storage {
        Storage::Memory => String::new(),
        Storage::Disk => format!("jetstream {{ store_dir: \"{path}\" }}\n"),
        Storage::SyncedDisk => {
            format!("jetstream {{ store_dir: \"{path}\", sync_interval: always }}\n")
        }
    };
    let file = folder.write("nats.conf", &(configuration + &jetstream))?;
    let mut command = program_of_nats();
    command.arg("-c").arg(file);
    Ok(StartPlan {
        command,
        endpoints: vec![
            Endpoint::tcp("own protocol", "nats", tcp),
            Endpoint::websocket("own protocol, WebSocket", "nats", websocket, "/"),
        ],
        cleanup: None,
        folder,
    })
}

pub fn program_of_nats() -> Command {
    env::var_os(PROGRAM).map_or_else(|| program("nats-server"), command)
}

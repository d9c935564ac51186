//! nats-server, with the NATS protocol.

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, free_ports, program};

pub fn start() -> Result<StartPlan> {
    let [tcp, websocket] = free_ports()?;
    let folder = Folder::new("nats")?;
    let configuration = format!(
        "listen: 127.0.0.1:{tcp}\nwebsocket {{ listen: \"127.0.0.1:{websocket}\", no_tls: true }}\n"
    );
    let file = folder.write("nats.conf", &configuration)?;
    let mut command = program("nats-server");
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

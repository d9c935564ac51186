//! mosquitto, with settings for speed: no delay of small packets, no data on disk.

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, free_ports, program};

pub fn start() -> Result<StartPlan> {
    let [tcp, websocket] = free_ports()?;
    let folder = Folder::new("mosquitto")?;
    let configuration = format!(
        "listener {tcp} 127.0.0.1\nlistener {websocket} 127.0.0.1\nprotocol websockets\n\
         allow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_type error\nuser root\n"
    );
    let file = folder.write("mosquitto.conf", &configuration)?;
    let mut command = program("mosquitto");
    command.arg("-c").arg(file);
    Ok(StartPlan {
        command,
        endpoints: vec![
            Endpoint::tcp("MQTT", "mqtt", tcp),
            Endpoint::websocket("MQTT, WebSocket", "mqtt", websocket, "/mqtt"),
        ],
        cleanup: None,
        folder,
    })
}

//! mosquitto, with settings for speed: no delay of small packets, and without storage no data on
//! disk. With storage it writes its database at intervals and at its end.

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, Storage, free_ports, program};

pub fn start(storage: Storage) -> Result<StartPlan> {
    let [tcp, websocket] = free_ports()?;
    let folder = Folder::new("mosquitto")?;
    let persistence = match storage {
        Storage::Memory => "persistence false".to_owned(),
        Storage::Disk | Storage::SyncedDisk => {
            let folder = folder.path().display();
            format!("persistence true\npersistence_location {folder}/\nmax_queued_messages 0")
        }
    };
    let configuration = format!(
        "listener {tcp} 127.0.0.1\nlistener {websocket} 127.0.0.1\nprotocol websockets\n\
         allow_anonymous true\n{persistence}\nset_tcp_nodelay true\nlog_type error\nuser root\n"
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

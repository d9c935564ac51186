//! RabbitMQ with its plugins for MQTT and STOMP, and a separate `epmd`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Endpoint, Folder, StartPlan, free_ports, program};
use crate::process::command;

pub fn start() -> Result<StartPlan> {
    let [amqp, mqtt, stomp, web_mqtt, web_stomp, epmd, distribution] = free_ports()?;
    let folder = Folder::new("rabbitmq")?;
    folder.write(
        "rabbitmq.conf",
        &format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}\n\
             stomp.listeners.tcp.1 = 127.0.0.1:{stomp}\n\
             stomp.default_user = guest\nstomp.default_pass = guest\n\
             web_mqtt.tcp.ip = 127.0.0.1\nweb_mqtt.tcp.port = {web_mqtt}\n\
             web_stomp.tcp.ip = 127.0.0.1\nweb_stomp.tcp.port = {web_stomp}\n"
        ),
    )?;
    folder.write(
        "plugins",
        "[rabbitmq_mqtt,rabbitmq_stomp,rabbitmq_web_mqtt,rabbitmq_web_stomp].",
    )?;
    let at = |name: &str| folder.path().join(name);
    let mut server = command(packaged_program()?);
    server
        .env("HOME", folder.path())
        // Makes the starting shell execute the server in its own process, so that there is one
        // process.
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", epmd.to_string())
        .env("RABBITMQ_NODENAME", "carillon-bench@localhost")
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        )
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
        .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
        .env("RABBITMQ_LOG_BASE", at("logs"))
        .env("RABBITMQ_PID_FILE", at("pid"));
    let mut cleanup = program("epmd");
    cleanup.args(["-port", &epmd.to_string(), "-kill"]);
    Ok(StartPlan {
        command: server,
        endpoints: vec![
            Endpoint::tcp("MQTT", "mqtt", mqtt),
            Endpoint::websocket("MQTT, WebSocket", "mqtt", web_mqtt, "/ws"),
            Endpoint::tcp("STOMP", "stomp", stomp),
            Endpoint::websocket("STOMP, WebSocket", "stomp", web_stomp, "/ws"),
        ],
        cleanup: Some(cleanup),
        folder,
    })
}

/// Returns the server script of the package. The script in the `PATH` would change the user and
/// leave a shell as parent of the server.
fn packaged_program() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/rabbitmq/lib")?.flatten();
    versions
        .map(|version| version.path().join("sbin/rabbitmq-server"))
        .find(|script| script.is_file())
        .context("no rabbitmq-server below /usr/lib/rabbitmq/lib")
}

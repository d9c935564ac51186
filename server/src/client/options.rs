//! The options that all clients share.

use clap::builder::NonEmptyStringValueParser;
use wire::stomp::HeartBeat;

use super::address::ServerAddress;

#[derive(Clone, Debug, clap::Args)]
pub struct ConnectionOptions {
    /// Where Carillon listens: ws://HOST:PORT/ws, http://HOST:PORT or HOST:PORT
    #[arg(long, value_name = "URL", env = "CARILLON_SERVER", default_value = ServerAddress::DEFAULT)]
    pub server: ServerAddress,

    /// Name of this client, shown as the producer of its messages; the server makes one up otherwise
    #[arg(
        long,
        value_name = "NAME",
        env = "CARILLON_CLIENT_ID",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub client_id: Option<String>,

    /// Milliseconds between heart-beats, both ways; 0 for none
    #[arg(
        long,
        value_name = "MS",
        env = "CARILLON_CLIENT_HEART_BEAT",
        default_value_t = HeartBeat::DEFAULT_MS
    )]
    pub heart_beat: u32,
}

impl ConnectionOptions {
    pub const fn heart_beat(&self) -> HeartBeat {
        HeartBeat {
            send_ms: self.heart_beat,
            receive_ms: self.heart_beat,
        }
    }
}

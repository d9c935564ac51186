//! Which protocol a client of the command line speaks.

use std::fmt;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// STOMP 1.2
    Stomp,
    /// MQTT 5.0 or 3.1.1
    Mqtt,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stomp => "STOMP",
            Self::Mqtt => "MQTT",
        })
    }
}

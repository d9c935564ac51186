//! The parts of the server of which the crate `carillon` makes its interface. They are internal, and change without notice.

use std::{ffi::OsString, io, net::SocketAddr};

use clap::{Args as _, FromArgMatches as _};

pub use anyhow::Error as StartError;
pub use store::StoreError;

use crate::{cli::ServeOptions, net::BindError};
pub use crate::{
    clock::unix_ms,
    connection_limit::ConnectionLimit,
    content_type::interned as interned_content_type,
    context::{MAX_BLOCKED_TIME, ServerContext, durable, unblocked},
    http::{ForeignRequest, HttpService},
    measurements::{Label, ListenerName},
    polled_peer::PolledPeer,
    port::Port,
    public_url::check_prefix,
    scheduling::{InvalidRequest, ScheduleRequest},
    serve::{Options, Prepared, Running, store_failure},
    server::Server,
    shared_headers::set as set_headers,
};

/// Parses options of `carillon serve`, without the environment and without a configuration file.
///
/// # Errors
/// The text describes the fault.
pub fn parse_options(arguments: &[OsString]) -> Result<Options, String> {
    let command = clap::Command::new("carillon").no_binary_name(true);
    let command = ServeOptions::augment_args(command)
        .disable_help_flag(true)
        .mut_args(|argument| argument.env(None::<&'static str>));
    let matches = command.try_get_matches_from(arguments);
    let matches = matches.map_err(|error| error.to_string())?;
    if matches.contains_id("config") {
        return Err("--config: a server within a program reads no configuration file".to_owned());
    }
    let options = ServeOptions::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    let options = options.server_options();
    options.map_err(|error| format!("{error:#}"))
}

/// Returns the address that is not available, and the reason, if this is why a server did not start.
pub fn unavailable_address(error: &StartError) -> Option<(SocketAddr, io::Error)> {
    let BindError {
        address, reason, ..
    } = error.downcast_ref()?;
    // Errors cannot be copied.
    let reason = match reason.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => reason.kind().into(),
    };
    Some((*address, reason))
}

//! Credentials other than passwords and the server's own tokens.

mod certificate_options;
mod certificates;
mod jwt;

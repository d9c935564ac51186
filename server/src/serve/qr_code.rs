//! The QR code that a terminal shows at the start, with which a phone opens the pages.

use std::io::{self, IsTerminal as _, Write as _};

use crate::{listeners::Listeners, public_url::PublicUrl, qr_code::QrImage};

/// Prints the code of the pages' address, if standard output is a terminal and another machine can reach the address.
pub(super) fn print(listeners: &Listeners, public_url: Option<&PublicUrl>) {
    let out = io::stdout();
    if !out.is_terminal() {
        return;
    }
    let Some(address) = listeners.address_for_others(public_url) else {
        return;
    };
    if let Some(image) = QrImage::new(address.clone()) {
        // The server works without the code.
        let _ = writeln!(out.lock(), "\n{}{address}\n", image.terminal());
    }
}

//! The reaction to a panic of the page's program in the browser: the panic is written to the
//! console, and the program does nothing more. The document then shows its own notice (see
//! `shell`), because a program that failed cannot be trusted to show one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Reports each panic in the browser's console. After the first one [`has_stopped`] returns true.
#[cfg(feature = "browser")]
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        STOPPED.store(true, Ordering::Relaxed);
        web_sys::console::error_1(&panic.to_string().into());
    }));
}

/// Returns true after a panic. Timers and the connection check it: a panic ends only the call in
/// which it happened, and later calls would work on inconsistent state.
pub fn has_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

static STOPPED: AtomicBool = AtomicBool::new(false);

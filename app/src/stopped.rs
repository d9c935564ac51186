//! What happens when the page's program fails in the browser: a panic is written to the console,
//! and the program does nothing more. The document shows its own notice then (see `shell`), because
//! a program that failed cannot be trusted to show one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Reports each panic in the browser's console. After the first one [`has_stopped`] is true.
#[cfg(feature = "browser")]
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        STOPPED.store(true, Ordering::Relaxed);
        web_sys::console::error_1(&panic.to_string().into());
    }));
}

/// True after a panic. Timers and the connection check it: a panic ends only the call in which it
/// happened, and the next call would work on what that one has left half done.
pub fn has_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

static STOPPED: AtomicBool = AtomicBool::new(false);

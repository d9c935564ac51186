//! The second WASM entry point: the pages that the first one does not draw. `app` contains all pages.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs automatically when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    app::start_tools();
}

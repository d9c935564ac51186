//! Carillon's WASM entry point. `app` contains the pages.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs automatically when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    app::start();
}

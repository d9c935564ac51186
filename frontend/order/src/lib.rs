//! The third WASM entry point: the page of the order, which contains the broker. `app` contains all pages.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs automatically when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    app::start_order();
}

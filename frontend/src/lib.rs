//! Carillon's WASM entry point. The pages themselves are in `app`.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs by itself when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    app::start();
}

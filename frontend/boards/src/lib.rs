//! The fourth WASM entry point: the pages of boards. `app` contains all pages.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs automatically when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    app::start_boards();
}

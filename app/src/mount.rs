//! The place of the pages in the document: one element, which the program draws anew.
//!
//! The program does not hydrate. Hydration walks through the document and expects exactly the nodes
//! that the server wrote, in their order; Leptos (tachys 0.2) panics at the first node of another
//! type, and uses an element of another tag as its own. Browser extensions and translators change
//! documents before the program starts. So the program builds the same view from the values that
//! came with the page, and replaces the server's elements with it before the next paint. It never
//! reads nodes that it has not created.

use std::sync::Arc;

use hydration_context::HydrateSharedContext;
use leptos::{
    mount::mount_to,
    prelude::{IntoView, document},
    reactive::owner::Owner,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::{
    program::Program,
    root::{ROOT_ID, app},
};

/// Draws the pages in their element. If something has removed the element, a new one is added at
/// the end of the body.
pub fn mount(program: Program<impl IntoView + 'static>) {
    let Some(root) = root() else { return };
    let focus = Focus::of(&root);
    root.set_text_content(None);
    // Gives the view the values that the server sent with the page (`reactive::carried`).
    let owner = Owner::new_root(Some(Arc::new(HydrateSharedContext::new())));
    owner.with(|| {
        mount_to(root.clone(), move || app(program)).forget();
        if let Some(context) = Owner::current_shared_context() {
            context.hydration_complete();
        }
    });
    // The pages live as long as the document.
    std::mem::forget(owner);
    if let Some(focus) = focus {
        focus.restore(&root);
    }
}

fn root() -> Option<HtmlElement> {
    let document = document();
    let found = document.get_element_by_id(ROOT_ID);
    let root = found.or_else(|| {
        let root = document.create_element("div").ok()?;
        root.set_id(ROOT_ID);
        document.body()?.append_child(&root).ok()?;
        Some(root)
    });
    root?.dyn_into().ok()
}

/// The element that had the keyboard's focus, which is lost with the server's elements: its tag and
/// its position among the elements of this tag.
struct Focus {
    tag: String,
    index: u32,
}

impl Focus {
    fn of(root: &Element) -> Option<Self> {
        let focused = document().active_element()?;
        let tag = focused.tag_name();
        let same = root.get_elements_by_tag_name(&tag);
        let index =
            (0..same.length()).find(|index| same.item(*index).as_ref() == Some(&focused))?;
        Some(Self { tag, index })
    }

    fn restore(&self, root: &Element) {
        let same = root.get_elements_by_tag_name(&self.tag);
        let element = same.item(self.index);
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // A failure is not reported: the page is readable without the focus.
            let _ = element.focus();
        }
    }
}

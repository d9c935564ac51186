//! A dialog over the page: the rest of the page cannot be used, Escape closes the dialog, and the focus returns to the control
//! that opened it.

use leptos::{html, prelude::*};

use crate::reactive::{effect, text_of};

/// The content is drawn while the dialog is open. The first control in it gets the focus, or the one with `autofocus`.
#[component]
pub fn Dialog(
    is_open: RwSignal<bool>,
    title: Signal<String>,
    #[prop(default = "")] class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move |_| {
        let is_open = is_open.get();
        let Some(dialog) = dialog.get() else { return };
        if is_open && !dialog.open() {
            // After the content is drawn, so that a control in it gets the focus. Fails only for a dialog that is not in the
            // document.
            request_animation_frame(move || drop(dialog.show_modal()));
        } else if !is_open && dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class=class
            aria-label=title
            on:close=move |_| is_open.set(false)
        >
            <h2>{text_of(title)}</h2>
            {move || is_open.get().then(|| children())}
        </dialog>
    }
}

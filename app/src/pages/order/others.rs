//! The other open pages, and whether their columns are equal to those of this page.

use leptos::prelude::*;

use crate::{
    figures::grouped,
    order::{Agreement, Picture},
    reactive::{plain_text, shown},
    texts::order as texts,
};

#[component]
pub fn OtherPages(picture: RwSignal<Picture>) -> impl IntoView {
    // An intermediate value, so that the list is drawn again only when it changes.
    let others = Memo::new(move |_| picture.with(|picture| picture.others.clone()));
    let has_none = move || others.with(Vec::is_empty);
    let has_more = move || picture.with(|picture| picture.has_more_others);
    let draw = move || {
        let others = others.get().into_iter();
        others
            .map(|other| {
                let (columns, count) = (other.columns.to_string(), grouped(other.count as u64));
                let (state, text) = match other.agreement {
                    Agreement::Same => ("equal", texts::OTHER_SAME.with(&[&columns, &count])),
                    Agreement::Different => (
                        "different",
                        texts::OTHER_DIFFERENT.with(&[&columns, &count]),
                    ),
                    Agreement::Unknown => ("nothing", texts::OTHER_UNKNOWN.get().into()),
                };
                view! {
                    <li data-verdict=state>
                        <b>{plain_text(texts::PAGE.with(&[&other.page]))}</b>
                        ": "
                        {plain_text(text)}
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <h3>{texts::OTHERS.get()}</h3>
        <p class="none" style:display=shown(has_none)>
            {texts::NO_OTHERS.get()}
        </p>
        <ul class="order-others">{draw}</ul>
        <p class="hint" style:display=shown(has_more)>
            {texts::MORE_OTHERS.get()}
        </p>
    }
}

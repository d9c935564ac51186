//! The form that publishes a message to one destination, over HTTP.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api, browser,
    console::Kind,
    host::{text as member_text, whole},
    json,
    publishing::Draft,
    reactive::{live_text, shown, text, text_of},
    texts,
    topic::sentence,
};

/// `destination` is the address in the API, such as `api/topics/orders`.
#[component]
pub fn PublishForm(destination: String, draft: RwSignal<Draft>) -> impl IntoView {
    let form = Form {
        destination: StoredValue::new(destination),
        draft,
        result: RwSignal::default(),
        is_sending: RwSignal::new(false),
    };
    let body_fault = text(move || draft.with(Draft::body_fault).unwrap_or_default());
    let header_fault = text(move || draft.with(Draft::request_headers).err().unwrap_or_default());
    let expiry_fault = text(move || {
        draft
            .with(|draft| draft.query(0.0))
            .err()
            .unwrap_or_default()
    });
    let has_fault = move || {
        [body_fault, header_fault, expiry_fault]
            .iter()
            .any(|fault| fault.with(|fault| !fault.is_empty()))
    };
    let is_for_queue = move || draft.with(|draft| draft.kind == Kind::Queue);
    let result_class = text(move || match form.result.get() {
        Some(Ok(_)) => "hint",
        _ => "fault",
    });
    let result = live_text(move || match form.result.get() {
        Some(Ok(text) | Err(text)) => text,
        None => String::new(),
    });
    view! {
        <form
            class="publish"
            on:submit=move |event| {
                event.prevent_default();
                form.send();
            }
        >
            <div class="field">
                <label for="publish-type">{texts::publish::CONTENT_TYPE.get()}</label>
                <input
                    id="publish-type"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=text(move || draft.with(|draft| draft.content_type.clone()))
                    on:input=form.types(|draft, value| draft.content_type = value)
                />
            </div>
            <div class="field">
                <label for="publish-body">{texts::publish::BODY.get()}</label>
                <textarea
                    id="publish-body"
                    rows="6"
                    spellcheck="false"
                    prop:value=text(move || draft.with(|draft| draft.body.clone()))
                    on:input=form.types(|draft, value| draft.body = value)
                    aria-invalid=invalid(body_fault)
                    aria-describedby="publish-body-fault"
                ></textarea>
                <p id="publish-body-fault" class="fault" aria-live="polite">
                    {text_of(body_fault)}
                </p>
            </div>
            <div class="field">
                <label for="publish-headers">{texts::publish::HEADERS.get()}</label>
                <textarea
                    id="publish-headers"
                    rows="2"
                    spellcheck="false"
                    placeholder=texts::publish::HEADER_EXAMPLE.get()
                    prop:value=text(move || draft.with(|draft| draft.headers.clone()))
                    on:input=form.types(|draft, value| draft.headers = value)
                    aria-invalid=invalid(header_fault)
                    aria-describedby="publish-headers-fault"
                ></textarea>
                <p id="publish-headers-fault" class="fault" aria-live="polite">
                    {text_of(header_fault)}
                </p>
            </div>
            <div class="tool-row">
                <label class="check" style:display=shown(move || !is_for_queue())>
                    <input
                        type="checkbox"
                        prop:checked=move || draft.with(|draft| draft.is_retained)
                        on:change=form.ticks(|draft, value| draft.is_retained = value)
                    />
                    {texts::publish::RETAIN.get()}
                </label>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || draft.with(|draft| draft.is_persistent)
                        on:change=form.ticks(|draft, value| draft.is_persistent = value)
                    />
                    {texts::publish::PERSISTENT.get()}
                </label>
                <div class="field beside">
                    <label for="publish-expiry">{texts::publish::EXPIRES.get()}</label>
                    <input
                        id="publish-expiry"
                        class="short"
                        type="text"
                        inputmode="decimal"
                        autocomplete="off"
                        prop:value=text(move || draft.with(|draft| draft.expires_s.clone()))
                        on:input=form.types(|draft, value| draft.expires_s = value)
                        aria-invalid=invalid(expiry_fault)
                        aria-describedby="publish-expiry-fault"
                    />
                </div>
            </div>
            <p id="publish-expiry-fault" class="fault" aria-live="polite">{text_of(expiry_fault)}</p>
            <button
                type="submit"
                class="primary"
                disabled=move || has_fault() || form.is_sending.get()
            >
                {live_text(move || if is_for_queue() { texts::publish::SEND.get() } else { texts::publish::PUBLISH.get() })}
            </button>
            <p class=result_class role="status">{result}</p>
        </form>
    }
}

fn invalid(fault: Signal<String>) -> Signal<String> {
    text(move || fault.with(|fault| !fault.is_empty()).to_string())
}

#[derive(Clone, Copy)]
struct Form {
    destination: StoredValue<String>,
    draft: RwSignal<Draft>,
    /// The answer to the last publication, as a sentence.
    result: RwSignal<Option<Result<String, String>>>,
    is_sending: RwSignal<bool>,
}

impl Form {
    fn types(self, set: fn(&mut Draft, String)) -> impl Fn(web_sys::Event) {
        move |event| {
            let value = event_target_value(&event);
            self.draft.update(|draft| set(draft, value));
        }
    }

    fn ticks(self, set: fn(&mut Draft, bool)) -> impl Fn(web_sys::Event) {
        move |event| {
            let value = event_target_checked(&event);
            self.draft.update(|draft| set(draft, value));
        }
    }

    fn send(self) {
        let draft = self.draft.get_untracked();
        let query = draft.query(browser::unix_ms());
        let (Ok(headers), Ok(query), None) = (draft.request_headers(), query, draft.body_fault())
        else {
            return;
        };
        let address = format!("{}{query}", self.destination.get_value());
        self.is_sending.set(true);
        spawn_local(async move {
            let request = api::Request {
                method: "POST",
                address: &address,
                headers,
                body: draft.body.as_bytes(),
            };
            let answer = api::send(request).await;
            self.is_sending.try_set(false);
            self.result.try_set(Some(match answer {
                Ok(document) => Ok(published(&document)),
                Err(problem) => Err(sentence(&problem.detail)),
            }));
        });
    }
}

/// Returns the answer to a publication as a sentence.
fn published(document: &str) -> String {
    let Ok(json) = json::read(document) else {
        return texts::publish::DONE.get().into();
    };
    let id = member_text(&json, "id").unwrap_or_default();
    match whole(&json, "sequence") {
        0 => texts::publish::DONE_AS.with(&[&id]),
        sequence => texts::publish::DONE_AS_MESSAGE.with(&[&sequence.to_string(), &id]),
    }
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn the_answer_names_the_message() {
        let topic = r#"{"id":"a-7","topic":"t","sequence":3,"subscriptions":0}"#;
        assert_eq!(published(topic), "Published as message 3, a-7.");
        assert_eq!(published(r#"{"id":"a-8"}"#), "Published as a-8.");
        assert_eq!(published(""), "Published.");
    }
}

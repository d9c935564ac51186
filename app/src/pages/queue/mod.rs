//! `/queues/NAME`: one queue, to look at and to act on.

mod actions;
mod consumers;
mod figures;
mod messages;
mod trends;

use leptos::prelude::*;

use actions::ActionDialog;
use consumers::Consumers;
use figures::Figures;
use messages::Messages;
use trends::Trends;

use crate::{
    components::{Dialog, PublishForm, Trouble},
    console::Kind,
    publishing::Draft,
    queue::{Action, Desk, Target},
    reactive::{live_text, plain_text, shown, text},
    texts,
};

#[component]
pub fn Queue(name: String) -> impl IntoView {
    let desk = Desk::new(&name);
    let is_sending = RwSignal::new(false);
    let draft = RwSignal::new(Draft {
        kind: Kind::Queue,
        content_type: "text/plain".into(),
        is_persistent: true,
        ..Draft::default()
    });
    let problem = desk.figures_poll.problem;
    view! {
        <div class="page-head">
            <p class="way">
                <a href="queues">{texts::shared::QUEUES.get()}</a>
            </p>
            <h1 translate="no">{plain_text(name)}</h1>
        </div>
        <Trouble problem=problem.into() />
        <p class="notice" style:display=shown(move || desk.is_paused.get())>
            <span>
                <strong>{texts::queue::PAUSED_NOTICE.get()}</strong>
                {texts::queue::PAUSED_DETAIL.get()}
            </span>
        </p>
        <Figures desk />
        <div class="buttons">
            <button type="button" on:click=move |_| is_sending.set(true)>
                {texts::queue::ASK_SEND.get()}
            </button>
            <PauseButton desk />
            <button type="button" on:click=move |_| desk.ask(Action::Delete, Target::All)>
                {texts::queue::ASK_PURGE.get()}
            </button>
            <button type="button" on:click=move |_| desk.ask(Action::Remove, Target::All)>
                {texts::queue::ASK_REMOVE.get()}
            </button>
        </div>
        <p class="report" role="status">
            {live_text(move || desk.report.get())}
        </p>
        <Trends history=desk.history />
        <Consumers desk />
        <Messages desk />
        <ActionDialog desk />
        <Dialog is_open=is_sending title=text(|| texts::queue::SEND.get())>
            <PublishForm destination=desk.addresses().queue() draft />
            <div class="buttons">
                <button type="button" on:click=move |_| is_sending.set(false)>
                    {texts::dialog::CLOSE.get()}
                </button>
            </div>
        </Dialog>
    }
}

#[component]
fn PauseButton(desk: Desk) -> impl IntoView {
    let action = move || match desk.is_paused.get() {
        true => Action::Resume,
        false => Action::Pause,
    };
    view! {
        <button type="button" on:click=move |_| desk.ask(action(), Target::All)>
            {live_text(move || format!("{}…", action().title()))}
        </button>
    }
}

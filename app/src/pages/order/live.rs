//! The run over this server: its start, its columns, and the comparison with other pages.

use leptos::prelude::*;

use super::{lanes::Lane, lanes::lanes, others::OtherPages};
use crate::{
    connection::{Connection, State},
    figures::grouped,
    order::{
        DRAWN_ROWS, Denied, Difference, Glance, Live, Picture, Progress, Row, Settings, Verdict,
        hex,
    },
    reactive::{live_text, shown, text},
    texts::order as texts,
};

#[component]
pub fn LiveSection(settings: RwSignal<Settings>, denied: Denied, live: Live) -> impl IntoView {
    let picture = live.picture;
    let columns = Signal::derive(move || {
        let count = settings.with(|settings| settings.subscribers);
        let glances = picture.with(|picture| picture.columns.clone());
        let subscribers = live.subscribers.into_iter().take(count).enumerate();
        subscribers
            .map(|(index, connection)| {
                let glance = glances.get(index).cloned().unwrap_or_default();
                column(index, connection, glance)
            })
            .collect::<Vec<_>>()
    });
    let verdict = move || picture.with(verdict_text);
    // Read aloud once, at the end of a run.
    let result = move || match picture.with(|picture| picture.is_complete) {
        true => verdict(),
        false => String::new(),
    };
    let digest = move || match picture.with(|picture| picture.verdict.clone()) {
        Verdict::Equal { digest, .. } => hex(digest),
        _ => String::new(),
    };
    let has_digest = move || !digest().is_empty();
    view! {
        <section class="order-live" aria-labelledby="order-live">
            <h2 id="order-live">{texts::LIVE.get()}</h2>
            <p class="explains">{texts::LIVE_TEXT.get()}</p>
            <Rights denied />
            <Run denied live />
            <p class="verdict" data-verdict=text(move || picture.with(state))>
                {live_text(verdict)}
            </p>
            <p class="hint" style:display=shown(has_digest)>
                {texts::DIGEST.get()} " " <code translate="no">{live_text(digest)}</code>
            </p>
            <p class="visually-hidden" role="status">
                {live_text(result)}
            </p>
            {lanes(columns)}
            <p class="hint">{texts::SAMPLE.with(&[&DRAWN_ROWS.to_string()])}</p>
            <OtherPages picture />
        </section>
    }
}

/// The rights that are missing, if any.
#[component]
fn Rights(denied: Denied) -> impl IntoView {
    let notice = |text: &'static str| view! { <p class="gap">{text}</p> };
    view! {
        {denied.read.then(|| notice(texts::MAY_NOT_READ.get()))}
        {denied.write.then(|| notice(texts::MAY_NOT_WRITE.get()))}
    }
}

/// The button that starts and stops the producers, and their progress.
#[component]
fn Run(denied: Denied, live: Live) -> impl IntoView {
    let progress = live.progress;
    let is_running = move || progress.with(Progress::is_running);
    let label = live_text(move || match is_running() {
        true => texts::STOP.get(),
        false => texts::START.get(),
    });
    let pressed = move |_| match untrack(is_running) {
        true => live.stop(),
        false => live.start(),
    };
    view! {
        <div class="order-run">
            <button
                id="order-start"
                class="primary"
                type="button"
                disabled=denied.write
                on:click=pressed
            >
                {label}
            </button>
            <p role="status">{live_text(move || progress.with(progress_text))}</p>
        </div>
    }
}

fn progress_text(progress: &Progress) -> String {
    let number = |count: usize| grouped(count as u64);
    match progress {
        Progress::Ready => texts::READY.get().into(),
        Progress::Starting => texts::STARTING.get().into(),
        Progress::Running(count) => {
            texts::RUNNING.with(&[&number(count.accepted), &number(count.total)])
        }
        Progress::Done(count) => texts::DONE.with(&[&number(count.total)]),
        Progress::Stopped(count) => {
            texts::STOPPED.with(&[&number(count.accepted), &number(count.total)])
        }
        Progress::Failed(reason) => {
            let reason = reason.as_deref().unwrap_or(texts::NO_CONNECTION.get());
            texts::FAILED.with(&[reason])
        }
    }
}

fn column(index: usize, connection: Connection, glance: Glance) -> Lane {
    let number = |count: u64| grouped(count);
    let taken = number(glance.taken as u64);
    let mut note = match glance.waiting {
        0 => texts::RECEIVED.with(&[&taken]),
        waiting => texts::BEHIND.with(&[&taken, &number(waiting as u64)]),
    };
    let more = [
        (glance.missed > 0).then(|| texts::MISSED.with(&[&number(glance.missed)])),
        (glance.foreign > 0).then(|| texts::FOREIGN.with(&[&number(glance.foreign)])),
        connection_text(connection),
    ];
    for text in more.into_iter().flatten() {
        note.push_str("; ");
        note.push_str(&text);
    }
    Lane {
        title: texts::COLUMN.with(&[&(index + 1).to_string()]),
        note,
        rows: glance.rows,
        marked: None,
    }
}

/// Returns the state of a subscriber's connection, unless it is live or has not been started.
fn connection_text(connection: Connection) -> Option<String> {
    match connection.state() {
        State::Idle | State::Live => None,
        State::Connecting { .. } => Some(texts::CONNECTING.get().into()),
        State::Lost { reason, .. } => Some(match reason.is_empty() {
            true => texts::LOST.get().into(),
            false => texts::LOST_WITH.with(&[&reason]),
        }),
    }
}

/// Returns the name of a verdict, for the style sheet.
fn state(picture: &Picture) -> &'static str {
    match picture.verdict {
        Verdict::Nothing => "nothing",
        Verdict::Equal { .. } => "equal",
        Verdict::Different(_) => "different",
    }
}

fn verdict_text(picture: &Picture) -> String {
    match &picture.verdict {
        Verdict::Nothing => texts::NOTHING_YET.get().into(),
        Verdict::Equal { rows, columns, .. } => {
            let text = match picture.is_complete {
                true => texts::EQUAL,
                false => texts::EQUAL_SO_FAR,
            };
            text.with(&[&columns.to_string(), &grouped(*rows as u64)])
        }
        Verdict::Different(difference) => difference_text(difference),
    }
}

/// Returns the first difference of columns as a sentence.
pub fn difference_text(difference: &Difference) -> String {
    let column = |(index, _): (usize, Row)| (index + 1).to_string();
    let message = |(_, row): (usize, Row)| match row.position {
        0 => row.label(),
        position => texts::AT_POSITION.with(&[&row.label(), &position.to_string()]),
    };
    let Difference { row, first, second } = *difference;
    texts::DIFFERENT.with(&[
        &row.to_string(),
        &column(first),
        &message(first),
        &column(second),
        &message(second),
    ])
}

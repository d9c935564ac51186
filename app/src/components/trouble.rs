//! The notice that a request failed: what is wrong, and what the reader can do.

use leptos::prelude::*;

use crate::{
    api::Problem,
    reactive::{live_text, shown},
    texts,
    topic::sentence,
};

#[component]
pub fn Trouble(problem: Signal<Option<Problem>>) -> impl IntoView {
    let is_so = move || problem.with(Option::is_some);
    let must_sign_in = move || problem.with(|one| one.as_ref().is_some_and(is_signed_out));
    let words = move || problem.with(|one| one.as_ref().map(words).unwrap_or_default());
    let reload = |_| drop(window().location().reload());
    view! {
        <div class="notice" role="status" style:display=shown(is_so)>
            <p>{live_text(words)}</p>
            <button type="button" style:display=shown(must_sign_in) on:click=reload>
                {texts::problem::SIGN_IN.get()}
            </button>
        </div>
    }
}

/// Returns what is wrong and what the reader can do, in sentences.
pub fn words(problem: &Problem) -> String {
    let detail = sentence(&problem.detail);
    match problem.status {
        0 => texts::problem::RETRIES.with(&[&detail]),
        UNAUTHORIZED => texts::problem::SIGNED_OUT.get().into(),
        FORBIDDEN => texts::problem::ASK.with(&[&detail]),
        _ => detail,
    }
}

fn is_signed_out(problem: &Problem) -> bool {
    problem.status == UNAUTHORIZED
}

const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_to_do() {
        for (status, detail, expected) in [
            (
                0,
                "the server does not answer",
                "The server does not answer. The page tries again by itself.",
            ),
            (
                401,
                "log in",
                "You are signed out, so this is not up to date.",
            ),
            (
                403,
                "you may not manage queue a",
                "You may not manage queue a. Ask an operator of this broker for the right.",
            ),
            (404, "there is no queue a", "There is no queue a."),
            (409, "the queue is busy", "The queue is busy."),
        ] {
            let problem = Problem {
                status,
                detail: detail.into(),
            };
            assert_eq!(words(&problem), expected);
        }
    }
}

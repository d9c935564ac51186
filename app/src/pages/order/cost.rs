//! The cost of one order: the measurement and its result.

use leptos::prelude::*;

use crate::{
    figures::grouped,
    number::fixed,
    order::{
        Cost, Denied, Failure, LONGEST_S, Measured, Measurement, ROUND_MESSAGES, ROUNDS, Settings,
    },
    reactive::{flag, live_text, shown},
    texts::order as texts,
};

#[component]
pub fn CostSection(
    settings: RwSignal<Settings>,
    denied: Denied,
    measurement: Measurement,
) -> impl IntoView {
    let state = measurement.state;
    let is_running = move || state.with(|state| matches!(state, Measured::Running(_)));
    let pressed = move |_| settings.with_untracked(|settings| measurement.start(settings));
    let is_disabled = flag(move || denied.read || denied.write || is_running());
    let cost = move || match state.get() {
        Measured::Result(cost) => Some(cost),
        _ => None,
    };
    let rate = move |of: fn(&Cost) -> f64| {
        let rate = move || cost().map(|cost| grouped(of(&cost) as u64));
        live_text(move || rate().map_or_else(String::new, |rate| texts::RATE.with(&[&rate])))
    };
    view! {
        <section class="order-cost" aria-labelledby="order-cost">
            <h2 id="order-cost">{texts::COST.get()}</h2>
            <p class="explains">{texts::COST_TEXT.get()}</p>
            <div class="order-run">
                <button id="order-measure" type="button" disabled=is_disabled on:click=pressed>
                    {texts::MEASURE.get()}
                </button>
                <p role="status">{live_text(move || state.with(state_text))}</p>
            </div>
            <dl class="rates" style:display=shown(move || cost().is_some())>
                <div>
                    <dt>{texts::TOGETHER.get()}</dt>
                    <dd>{rate(|cost| cost.together)}</dd>
                </div>
                <div>
                    <dt>{texts::APART.get()}</dt>
                    <dd>{rate(|cost| cost.apart)}</dd>
                </div>
            </dl>
        </section>
    }
}

fn state_text(state: &Measured) -> String {
    match state {
        Measured::Not => texts::MEASURE_BOUNDS.with(&[
            &ROUNDS.len().to_string(),
            &grouped(ROUND_MESSAGES.into()),
            &LONGEST_S.to_string(),
        ]),
        Measured::Running(0) => texts::STARTING.get().into(),
        Measured::Running(round) => {
            texts::MEASURING.with(&[&round.to_string(), &ROUNDS.len().to_string()])
        }
        Measured::Failed(failure) => {
            let reason = match failure {
                Failure::Refused(reason) => reason.clone(),
                Failure::NoConnection => texts::NO_CONNECTION.get().into(),
                Failure::TooSlow => texts::TOO_SLOW.with(&[&LONGEST_S.to_string()]),
            };
            texts::MEASURE_FAILED.with(&[&reason])
        }
        Measured::Result(cost) => result_text(cost),
    }
}

fn result_text(cost: &Cost) -> String {
    let percent = |part: f64| fixed(part.abs() * 100.0, 1);
    let text = match (cost.is_clear(), cost.loss() > 0.0) {
        (false, _) => texts::NO_DIFFERENCE,
        (true, true) => texts::SLOWER,
        (true, false) => texts::FASTER,
    };
    text.with(&[&percent(cost.loss()), &percent(cost.noise)])
}

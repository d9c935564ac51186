//! `/order`: what order subscribers see. `crate::order` computes what this page draws.

mod controls;
mod cost;
mod lanes;
mod live;
mod others;
mod simulation;

use leptos::prelude::*;

use crate::{
    order::{Denied, Live, Measurement, Settings},
    reactive::effect,
    site::{parameter, show_parameters},
    texts::order as texts,
};
use controls::Controls;
use cost::CostSection;
use live::LiveSection;
use simulation::SimulationSection;

#[component]
pub fn Order() -> impl IntoView {
    let settings = RwSignal::new(Settings::of(parameter));
    let denied = Denied::here();
    let live = Live::new(settings, denied);
    let measurement = Measurement::new();
    effect(move |earlier| {
        let parameters = settings.with(Settings::parameters);
        // The address that the reader has opened stays until a setting changes.
        if earlier.is_some() {
            let parameters = parameters
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            show_parameters(&parameters);
        }
    });
    view! {
        <div class="page-head">
            <h1>{texts::HEADING.get()}</h1>
            <p>{texts::INTRODUCTION.get()}</p>
        </div>
        <Controls settings />
        <LiveSection settings denied live />
        <CostSection settings denied measurement />
        <SimulationSection settings />
    }
}

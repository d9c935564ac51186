//! The simulation: Carillon's broker and one without a common order, side by side, then a queue and a virtual topic.

use leptos::prelude::*;

use super::{
    lanes::{Lane, lanes},
    live::difference_text,
};
use crate::{
    order::{
        Row, Settings, Verdict, keeps_producers_order,
        simulation::{APPLICATIONS, EACH, Simulation, verdict},
    },
    reactive::{live_text, text},
    texts::order as texts,
};

#[component]
pub fn SimulationSection(settings: RwSignal<Settings>) -> impl IntoView {
    let simulation = Memo::new(move |_| settings.with(Simulation::of));
    let part = move |of: fn(&Simulation) -> Drawn| Signal::derive(move || simulation.with(of));
    view! {
        <section class="order-simulation" aria-labelledby="order-simulation">
            <h2 id="order-simulation">{texts::SIMULATION.get()}</h2>
            <p class="explains">{texts::SIMULATION_TEXT.get()}</p>
            <div class="order-pair">
                {panel(ORDERED_ID, [texts::ORDERED.get(), texts::ORDERED_TEXT.get()], part(ordered))}
                {panel(
                    UNORDERED_ID,
                    [texts::UNORDERED.get(), texts::UNORDERED_TEXT.get()],
                    part(unordered),
                )}
                {panel(QUEUE_ID, [texts::QUEUE.get(), texts::QUEUE_TEXT.get()], part(queue))}
                {panel(
                    VIRTUAL_ID,
                    [texts::VIRTUAL.get(), texts::VIRTUAL_TEXT.get()],
                    part(virtual_topic),
                )}
            </div>
        </section>
    }
}

/// A simulated broker as it is drawn.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    lanes: Vec<Lane>,
    /// The name of the result, for the style sheet.
    state: &'static str,
    result: String,
    /// Another result; may be empty.
    more: String,
}

fn panel(
    id: &'static str,
    [heading, explanation]: [&'static str; 2],
    drawn: Signal<Drawn>,
) -> impl IntoView {
    let columns = Signal::derive(move || drawn.with(|drawn| drawn.lanes.clone()));
    let state = text(move || drawn.with(|drawn| drawn.state));
    view! {
        <article class="panel" id=id>
            <h3>{heading}</h3>
            <p class="explains">{explanation}</p>
            <p class="verdict" data-verdict=state>
                {live_text(move || drawn.with(|drawn| drawn.result.clone()))}
            </p>
            <p class="more">{live_text(move || drawn.with(|drawn| drawn.more.clone()))}</p>
            {lanes(columns)}
        </article>
    }
}

fn ordered(simulation: &Simulation) -> Drawn {
    topic(&simulation.ordered)
}

fn unordered(simulation: &Simulation) -> Drawn {
    let drawn = topic(&simulation.unordered);
    let is_kept = simulation
        .unordered
        .iter()
        .all(|rows| keeps_producers_order(rows));
    let more = match is_kept {
        true => texts::PRODUCERS_KEPT,
        false => texts::PRODUCERS_BROKEN,
    };
    let result = match verdict(&simulation.unordered) {
        Verdict::Equal { rows, columns, .. } => {
            texts::EQUAL_BY_CHANCE.with(&[&columns.to_string(), &rows.to_string()])
        }
        _ => drawn.result,
    };
    Drawn {
        result,
        more: more.get().into(),
        ..drawn
    }
}

/// Draws the columns of subscribers that get all messages, and marks the first difference.
fn topic(columns: &[Vec<Row>]) -> Drawn {
    let verdict = verdict(columns);
    let marked = |index: usize| match &verdict {
        Verdict::Different(difference) => [difference.first, difference.second]
            .iter()
            .any(|(column, _)| *column == index)
            .then(|| difference.row - 1),
        _ => None,
    };
    let lane = |(index, rows): (usize, &Vec<Row>)| Lane {
        title: texts::COLUMN.with(&[&(index + 1).to_string()]),
        note: texts::RECEIVED.with(&[&rows.len().to_string()]),
        rows: rows.clone(),
        marked: marked(index),
    };
    let lanes = columns.iter().enumerate().map(lane).collect();
    let (state, result) = match &verdict {
        Verdict::Nothing => ("nothing", texts::NOTHING_YET.get().into()),
        Verdict::Equal { rows, columns, .. } => (
            "equal",
            texts::EQUAL.with(&[&columns.to_string(), &rows.to_string()]),
        ),
        Verdict::Different(difference) => ("different", difference_text(difference)),
    };
    Drawn {
        lanes,
        state,
        result,
        more: String::new(),
    }
}

fn queue(simulation: &Simulation) -> Drawn {
    let columns = &simulation.queue;
    let title = |index: usize| texts::CONSUMER.with(&[&(index + 1).to_string()]);
    let (state, result) = shared_out(&columns.iter().collect::<Vec<_>>());
    Drawn {
        lanes: consumers(columns, title),
        state,
        result,
        more: String::new(),
    }
}

fn virtual_topic(simulation: &Simulation) -> Drawn {
    let columns = &simulation.virtual_topic;
    let name = |application: usize| NAMES[application % APPLICATIONS].get();
    let title = |index: usize| {
        let number = index / APPLICATIONS + 1;
        texts::CONSUMER_OF.with(&[name(index), &number.to_string()])
    };
    let mut state = "equal";
    let results = (0..APPLICATIONS).map(|application| {
        let own = columns.iter().skip(application).step_by(APPLICATIONS);
        let (own_state, result) = shared_out(&own.collect::<Vec<_>>());
        if own_state != "equal" {
            state = own_state;
        }
        texts::EACH_ONCE_OF.with(&[name(application), &result])
    });
    let results: Vec<_> = results.collect();
    Drawn {
        lanes: consumers(columns, title),
        state,
        result: results[0].clone(),
        more: results[1..].join(" "),
    }
}

fn consumers(columns: &[Vec<Row>], title: impl Fn(usize) -> String) -> Vec<Lane> {
    let lane = |(index, rows): (usize, &Vec<Row>)| Lane {
        title: title(index),
        note: texts::TAKEN.with(&[&rows.len().to_string()]),
        rows: rows.clone(),
        marked: None,
    };
    columns.iter().enumerate().map(lane).collect()
}

/// Returns whether the consumers of a queue took each message once, and a sentence about it.
fn shared_out(columns: &[&Vec<Row>]) -> (&'static str, String) {
    let mut messages: Vec<_> = columns
        .iter()
        .copied()
        .flatten()
        .map(|row| (row.producer, row.number))
        .collect();
    let total = messages.len();
    messages.sort_unstable();
    messages.dedup();
    let is_whole = total == messages.len() && total.is_multiple_of(EACH as usize);
    if !is_whole {
        return ("different", texts::NOT_ONCE.get().into());
    }
    let counts: Vec<_> = columns.iter().map(|rows| rows.len().to_string()).collect();
    let text = texts::EACH_ONCE.with(&[&total.to_string(), &counts.join(" + ")]);
    ("equal", text)
}

const NAMES: [crate::language::Text; APPLICATIONS] = [texts::BILLING, texts::STOCK];
const ORDERED_ID: &str = "order-ordered";
const UNORDERED_ID: &str = "order-unordered";
const QUEUE_ID: &str = "order-queue";
const VIRTUAL_ID: &str = "order-virtual";

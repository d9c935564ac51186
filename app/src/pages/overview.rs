//! `/`: a description of Carillon, links to the demonstration, and the broker's current figures.

use leptos::prelude::*;

use crate::{
    components::{FigureRows, MiniatureBars, MiniatureSquare},
    connection::{Connection, Delivery, Wanted},
    demo::{Demo, newest},
    figures::{self, topic_row},
    host::{Figures, Host},
    queues::{self, Board},
    rate::rounded,
    reactive::{carried, hold, live_text, once_live, plain_text, shown},
    site::site,
};

#[component]
pub fn Overview() -> impl IntoView {
    let (square, bars) = (newest(Demo::Rect), newest(Demo::Chart));
    let (figures, queues) = (live_figures(), queues::live());
    let site = site();
    view! {
        <div class="page-head hero">
            <h1>"One message reaches every subscriber."</h1>
            <p>
                "Carillon is a broker in one binary: each message published over MQTT, STOMP or "
                "HTTP reaches all subscribers, in one order."
            </p>
        </div>
        <div class="cards">
            <a href="console" class="card">
                <div class="miniature miniature-keys" aria-hidden="true">
                    <div></div>
                    <div></div>
                    <div></div>
                    <div></div>
                    <div></div>
                </div>
                <h2>"Console"</h2>
                <p>"Publish: angles, bars, or a message of your own."</p>
            </a>
            <a href="rect" class="card">
                <MiniatureSquare feed=square />
                <h2>"Rectangle"</h2>
                <p>"Watch a square turn with every message."</p>
            </a>
            <a href="chart" class="card">
                <MiniatureBars feed=bars />
                <h2>"Chart"</h2>
                <p>"Watch seven bars follow the newest message."</p>
            </a>
        </div>
        <section aria-labelledby="figures-title">
            <h2 id="figures-title">"The broker now"</h2>
            <p class="aside">
                {live_text(move || figures.with(figures::version_and_age))}
            </p>
            <Totals figures />
        </section>
        <div class="columns">
            <div>
                <section aria-labelledby="topics-title">
                    <h2 id="topics-title">"Topics"</h2>
                    <Topics figures />
                </section>
                <section aria-labelledby="queues-title">
                    <h2 id="queues-title">
                        <a href="queues">"Queues"</a>
                    </h2>
                    <p>{live_text(move || queues.with(Board::summary))}</p>
                </section>
            </div>
            <section aria-labelledby="curl-title">
                <h2 id="curl-title">"From a terminal"</h2>
                <p>"Any HTTP client can publish:"</p>
                <pre tabindex="0" translate="no">
                    <code>{plain_text(curl_publish(&site))}</code>
                </pre>
                <p>"Any client that can read a stream can subscribe:"</p>
                <pre tabindex="0" translate="no">
                    <code>{plain_text(curl_listen(&site))}</code>
                </pre>
            </section>
        </div>
    }
}

#[component]
fn Totals(figures: RwSignal<Figures>) -> impl IntoView {
    let tile = move |name: &'static str, value: fn(&Figures) -> String| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd translate="no">{live_text(move || figures.with(value))}</dd>
            </div>
        }
    };
    view! {
        <dl class="totals">
            {tile("published per second", |now| rounded(now.published_per_second))}
            {tile("delivered per second", |now| rounded(now.delivered_per_second))}
            {tile("connections", |now| figures::grouped(now.connections))}
            {tile("subscriptions", |now| figures::grouped(now.subscriptions))}
            {tile("published", |now| figures::grouped(now.published))}
            {tile("delivered", |now| figures::grouped(now.delivered))}
            {tile("skipped", |now| figures::grouped(now.dropped))}
            {tile("held", |now| figures::bytes(now.bytes_held))}
        </dl>
    }
}

#[component]
fn Topics(figures: RwSignal<Figures>) -> impl IntoView {
    let rows = move || figures.with(|figures| figures.topic_list.iter().map(topic_row).collect());
    let is_none = shown(move || figures.with(|figures| figures.topic_list.is_empty()));
    view! {
        <table class="topics">
            <thead>
                <tr>
                    <th scope="col">"Topic"</th>
                    <th scope="col">"Messages"</th>
                    <th scope="col">"Per second"</th>
                    <th scope="col">"Listeners"</th>
                </tr>
            </thead>
            <FigureRows rows />
        </table>
        <p class="none" style:display=is_none>
            "No topics yet: the first message creates one."
        </p>
    }
}

/// The figures at the time of rendering, then as the broker publishes them, once a second.
fn live_figures() -> RwSignal<Figures> {
    let render = || {
        use_context::<Host>()
            .map(|host| (host.figures)())
            .unwrap_or_default()
    };
    let figures = RwSignal::new(carried(render));
    let connection = expect_context::<Connection>();
    once_live(move || {
        hold(connection.listen(wanted(), None, move |messages| {
            if let Some(now) = messages
                .last()
                .and_then(|newest| figures::read(&newest.body))
            {
                figures.set(now);
            }
        }));
    });
    figures
}

fn wanted() -> Wanted {
    Wanted::new(figures::TOPIC, Delivery::Latest)
}

/// Returns the command that publishes; `site` is the address of this page's server.
fn curl_publish(site: &str) -> String {
    format!(
        r#"curl {site}/api/topics/rect \
  -d '{{"producerId":"me","data":90,"date":"2026-01-01T00:00:00Z"}}'"#
    )
}

fn curl_listen(site: &str) -> String {
    format!("curl -N {site}/api/topics/rect/events")
}

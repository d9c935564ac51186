//! `/`: a description of Carillon, links to the demonstration, and the broker's current figures.

use leptos::prelude::*;

use crate::{
    Text,
    components::{FigureRows, MiniatureBars, MiniatureSquare},
    connection::{Connection, Delivery, Wanted},
    demo::{Demo, newest},
    figures::{self, topic_row},
    host::{Figures, Host},
    queues::{self, Board},
    rate::rounded,
    reactive::{carried, hold, live_text, once_live, plain_text, shown},
    site::site,
    texts,
};

#[component]
pub fn Overview() -> impl IntoView {
    let (square, bars) = (newest(Demo::Rect), newest(Demo::Chart));
    let (figures, queues) = (live_figures(), queues::live());
    let site = site();
    view! {
        <div class="page-head hero">
            <h1>{texts::overview::HERO.get()}</h1>
            <p>
                {texts::overview::INTRO.get()}
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
                <h2>{texts::shared::CONSOLE.get()}</h2>
                <p>{texts::overview::CONSOLE.get()}</p>
            </a>
            <a href="rect" class="card">
                <MiniatureSquare feed=square />
                <h2>{texts::shared::RECTANGLE.get()}</h2>
                <p>{texts::overview::RECT.get()}</p>
            </a>
            <a href="chart" class="card">
                <MiniatureBars feed=bars />
                <h2>{texts::shared::CHART.get()}</h2>
                <p>{texts::overview::CHART.get()}</p>
            </a>
        </div>
        <section aria-labelledby="figures-title">
            <h2 id="figures-title">{texts::overview::NOW.get()}</h2>
            <p class="aside">
                {live_text(move || figures.with(figures::version_and_age))}
            </p>
            <Totals figures />
        </section>
        <div class="columns">
            <div>
                <section aria-labelledby="topics-title">
                    <h2 id="topics-title">{texts::shared::TOPICS.get()}</h2>
                    <Topics figures />
                </section>
                <section aria-labelledby="queues-title">
                    <h2 id="queues-title">
                        <a href="queues">{texts::shared::QUEUES.get()}</a>
                    </h2>
                    <p>{live_text(move || queues.with(Board::summary))}</p>
                </section>
            </div>
            <section aria-labelledby="curl-title">
                <h2 id="curl-title">{texts::overview::TERMINAL.get()}</h2>
                <p>{texts::overview::PUBLISH.get()}</p>
                <pre tabindex="0" translate="no">
                    <code>{plain_text(curl_publish(&site))}</code>
                </pre>
                <p>{texts::overview::SUBSCRIBE.get()}</p>
                <pre tabindex="0" translate="no">
                    <code>{plain_text(curl_listen(&site))}</code>
                </pre>
            </section>
        </div>
    }
}

#[component]
fn Totals(figures: RwSignal<Figures>) -> impl IntoView {
    let tile = move |name: Text, value: fn(&Figures) -> String| {
        view! {
            <div>
                <dt>{name.get()}</dt>
                <dd translate="no">{live_text(move || figures.with(value))}</dd>
            </div>
        }
    };
    view! {
        <dl class="totals">
            {tile(texts::overview::PUBLISHED_RATE, |now| rounded(now.published_per_second))}
            {tile(texts::overview::DELIVERED_RATE, |now| rounded(now.delivered_per_second))}
            {tile(texts::overview::CONNECTIONS, |now| figures::grouped(now.connections))}
            {tile(texts::overview::SUBSCRIPTIONS, |now| figures::grouped(now.subscriptions))}
            {tile(texts::overview::PUBLISHED, |now| figures::grouped(now.published))}
            {tile(texts::overview::DELIVERED, |now| figures::grouped(now.delivered))}
            {tile(texts::overview::SKIPPED, |now| figures::grouped(now.dropped))}
            {tile(texts::overview::HELD, |now| figures::bytes(now.bytes_held))}
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
                    <th scope="col">{texts::shared::TOPIC.get()}</th>
                    <th scope="col">{texts::shared::MESSAGES.get()}</th>
                    <th scope="col">{texts::shared::RATE.get()}</th>
                    <th scope="col">{texts::shared::LISTENERS.get()}</th>
                </tr>
            </thead>
            <FigureRows rows />
        </table>
        <p class="none" style:display=is_none>
            {texts::overview::NO_TOPICS.get()}
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
                .and_then(|newest| figures::read(newest.text()?))
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

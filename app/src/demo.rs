//! The two topics of the demonstration, and the received messages that the pages keep during
//! navigation.

use leptos::prelude::*;

use crate::{
    browser,
    connection::{Connection, Delivery, Message, Wanted},
    feed::Feed,
    host::{Host, Image},
    reactive::{carried, hold, once_live},
    reading::{self, Reader},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    Rect,
    Chart,
}

impl Demo {
    pub fn topic(self) -> &'static str {
        match self {
            Self::Rect => "rect",
            Self::Chart => "chart",
        }
    }

    pub fn reads(self) -> Reader {
        match self {
            Self::Rect => reading::number,
            Self::Chart => reading::numbers,
        }
    }
}

/// A context: the received messages by topic, kept as long as the document exists.
#[derive(Clone, Copy)]
pub struct Feeds {
    rect: RwSignal<Feed>,
    chart: RwSignal<Feed>,
}

impl Feeds {
    pub fn new() -> Self {
        Self {
            rect: RwSignal::default(),
            chart: RwSignal::default(),
        }
    }

    fn of(self, demo: Demo) -> RwSignal<Feed> {
        match demo {
            Demo::Rect => self.rect,
            Demo::Chart => self.chart,
        }
    }
}

/// Follows every message of the topic until the page is left, starting with the image of the first
/// paint. Returns the image as well if the server rendered this page.
pub fn follow(demo: Demo) -> (RwSignal<Feed>, Option<Image>) {
    let feed = expect_context::<Feeds>().of(demo);
    let image = listen(demo, feed, Delivery::Every);
    (feed, image)
}

/// Follows only the newest message of the topic: for a miniature.
pub fn newest(demo: Demo) -> RwSignal<Feed> {
    let feed = RwSignal::default();
    listen(demo, feed, Delivery::Latest);
    feed
}

fn listen(demo: Demo, feed: RwSignal<Feed>, delivery: Delivery) -> Option<Image> {
    let (topic, reads) = (demo.topic(), demo.reads());
    let image = image(topic);
    if let Some(image) = &image {
        feed.update_untracked(|feed| feed.begin(image, reads));
    }
    let connection = expect_context::<Connection>();
    let first = image.as_ref().and_then(Message::of_image);
    once_live(move || {
        if let Some(first) = &first {
            feed.update(|feed| feed.list(first, reads));
        }
        let seen = feed.with_untracked(Feed::seen);
        let wanted = Wanted::new(topic, delivery);
        hold(connection.listen(wanted, seen, move |messages| {
            feed.update(|feed| feed.take(messages, reads, browser::now_ms()));
        }));
    });
    image
}

/// Returns the topic's last image: on the server from the broker, in the browser from the rendered
/// page.
fn image(topic: &'static str) -> Option<Image> {
    let render = || use_context::<Host>().and_then(|host| (host.last_image)(topic));
    carried(render)
}

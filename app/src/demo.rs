//! The demonstration's two topics, and what the pages keep of them while the reader goes from page
//! to page.

use leptos::prelude::*;

use crate::{
    browser,
    connection::{Connection, Delivery, Message},
    feed::Feed,
    host::{Host, Image},
    reactive::{carried, once_live},
    reading::{self, Data, Reader},
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

/// A context: what was received, by topic, for as long as the document lives.
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

/// Every message of the topic, from the image in the first paint on, until the page is left. Gives
/// the image as well, when the server rendered this page.
pub fn follow(demo: Demo) -> (RwSignal<Feed>, Option<Image>) {
    let image = image(demo.topic());
    let feed = expect_context::<Feeds>().of(demo);
    if let Some(image) = &image {
        feed.update_untracked(|feed| feed.begin(image, demo.reads()));
    }
    let connection = expect_context::<Connection>();
    let first = image.as_ref().and_then(Message::of_image);
    once_live(move || {
        let take = move |messages: &[Message]| {
            feed.update(|feed| feed.take(messages, demo.reads(), browser::now_ms()));
        };
        if let Some(first) = &first {
            take(std::slice::from_ref(first));
        }
        let seen = feed.with_untracked(Feed::seen);
        StoredValue::new_local(connection.listen(demo.topic(), Delivery::Every, seen, take));
    });
    (feed, image)
}

/// The newest reading of the topic and nothing else: for a miniature.
pub fn newest(demo: Demo) -> ReadSignal<Option<Data>> {
    let image = image(demo.topic());
    let read = move |body: &str| (demo.reads())(body).map(|reading| reading.data);
    let (newest, set_newest) = signal(image.as_ref().and_then(|image| read(&image.body)));
    let connection = expect_context::<Connection>();
    let seen = image.and_then(|image| image.id.parse().ok());
    once_live(move || {
        let take = move |messages: &[Message]| {
            let data = messages
                .iter()
                .rev()
                .find_map(|message| read(&message.body));
            if data.is_some() {
                set_newest.set(data);
            }
        };
        StoredValue::new_local(connection.listen(demo.topic(), Delivery::Latest, seen, take));
    });
    newest
}

/// The topic's last image, from the server that renders or from the page that it rendered.
fn image(topic: &'static str) -> Option<Image> {
    let render = || use_context::<Host>().and_then(|host| (host.last_image)(topic));
    carried(render)
}

//! Lists of topics and queues with their figures, by name and in parts, so that a list delays no other thread; and the figures
//! of sessions.

use std::{ops::ControlFlow, sync::Arc};

use crate::{
    broker::Broker,
    figures::{QueueFigures, SessionFigures, TopicFigures},
    memory::limits::{ITEMS, NAMES},
    name::index::Walk,
    name::{TopicFilter, TopicName},
    queue::Queue,
    session::Session,
    state::queues::Queues,
    state::{BrokerState, SessionEntry},
    sync::{lock_state, pass_on},
    topic::Topic,
};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, by name.
    pub items: Vec<T>,
    /// The name after which the list continues; `None` at its end.
    pub next: Option<TopicName>,
}

impl BrokerState {
    /// Returns the figures of a topic. For a topic with many cursors, some are not included in the greatest lag.
    fn topic_figures(&self, name: &TopicName) -> Option<TopicFigures> {
        let open = self.topics.find(name.as_str());
        open.map(|topic| topic.figures(self.covering(name), ITEMS))
            .or_else(|| self.dormant_figures(name))
    }
}

impl Broker {
    /// Returns the topics that `filter` covers, with their figures, by name; at most `most`.
    #[must_use]
    pub fn topics(&self, filter: &TopicFilter, most: usize) -> Vec<TopicFigures> {
        let mut page = self.topic_page(filter, None, most);
        while let Some(next) = page.next.filter(|_| page.items.len() < most) {
            let rest = self.topic_page(filter, Some(&next), most - page.items.len());
            page.items.extend(rest.items);
            page.next = rest.next;
        }
        page.items
    }

    /// Returns a part of the topics that `filter` covers, by name and after a given name: at most `most`, and only
    /// those among the next 10,000 names. The part may be empty although the list continues.
    #[must_use]
    pub fn topic_page(
        &self,
        filter: &TopicFilter,
        after: Option<&TopicName>,
        most: usize,
    ) -> Page<TopicFigures> {
        let mut walk = Walk::new(filter, after.map(TopicName::as_str));
        let mut items = Vec::new();
        if most == 0 {
            return Page { items, next: None };
        }
        let mut looks_left = PAGE_LOOKS;
        self.in_steps(|state| {
            let mut left = ITEMS.min(most - items.len());
            let looked = state
                .names
                .visit(&mut walk, NAMES.min(looks_left), |name, _| {
                    items.extend(state.topic_figures(name));
                    left -= 1;
                    left > 0
                });
            looks_left -= looked;
            match items.len() == most || looks_left == 0 {
                true => ControlFlow::Break(()),
                false => step_of(&walk),
            }
        });
        for topic in &mut items {
            self.complete_lag(topic);
        }
        Page {
            items,
            next: walk.after().and_then(|name| TopicName::new(name).ok()),
        }
    }

    /// Returns the figures of one topic.
    #[must_use]
    pub fn topic(&self, name: &TopicName) -> Option<TopicFigures> {
        let mut figures = lock_state(&self.state).topic_figures(name)?;
        self.complete_lag(&mut figures);
        Some(figures)
    }

    /// Examines the cursors that [`BrokerState::topic_figures`] did not include.
    fn complete_lag(&self, figures: &mut TopicFigures) {
        if figures.subscriptions <= ITEMS {
            return;
        }
        let mut from = ITEMS;
        self.in_steps(|state| {
            let topic = state.topics.find(figures.name.as_str());
            let lag = topic.and_then(|topic| topic.greatest_lag(from, NAMES));
            from += NAMES;
            match lag {
                Some(lag) => {
                    figures.greatest_lag = figures.greatest_lag.max(lag);
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            }
        });
    }

    /// Returns the queues that `filter` covers, with their figures, by name; at most `most`, and the number of the
    /// others.
    #[must_use]
    pub fn queues(&self, filter: &TopicFilter, most: usize) -> (Vec<QueueFigures>, usize) {
        let mut walk = Walk::new(filter, None);
        let mut found: Vec<(TopicName, Arc<Queue>)> = Vec::new();
        let mut count = 0;
        let is_all = filter.as_str() == ALL;
        self.in_steps(|state| {
            let Queues { named, names, .. } = &state.queues;
            if found.len() == most && is_all {
                // The number of the rest is known.
                count = names.listed();
                return ControlFlow::Break(());
            }
            let mut left = ITEMS;
            names.visit(&mut walk, NAMES, |name, ()| {
                count += 1;
                if found.len() < most
                    && let Some(queue) = named.find(name.as_str())
                {
                    found.push((name.clone(), Arc::clone(queue)));
                    left -= 1;
                }
                left > 0 && !(is_all && found.len() == most)
            });
            step_of(&walk)
        });
        let figures = found.iter().map(|(name, queue)| queue.figures(name));
        (figures.collect(), count.saturating_sub(found.len()))
    }

    /// Returns a part of the queues that `filter` covers, by name and after a given name: at most `most`, and only those
    /// among the next 10,000 names. The part may be empty although the list continues.
    #[must_use]
    pub fn queue_page(
        &self,
        filter: &TopicFilter,
        after: Option<&TopicName>,
        most: usize,
    ) -> Page<QueueFigures> {
        let mut walk = Walk::new(filter, after.map(TopicName::as_str));
        let mut found: Vec<(TopicName, Arc<Queue>)> = Vec::new();
        let mut looks_left = PAGE_LOOKS;
        while found.len() < most && looks_left > 0 && !walk.is_done() {
            let mut left = ITEMS.min(most - found.len());
            let state = lock_state(&self.state);
            let Queues { named, names, .. } = &state.queues;
            looks_left -= names.visit(&mut walk, NAMES.min(looks_left), |name, ()| {
                if let Some(queue) = named.find(name.as_str()) {
                    found.push((name.clone(), Arc::clone(queue)));
                    left -= 1;
                }
                left > 0
            });
            pass_on(state);
        }
        let items = found.iter().map(|(name, queue)| queue.figures(name));
        Page {
            items: items.collect(),
            next: walk.after().and_then(|name| TopicName::new(name).ok()),
        }
    }

    /// Returns the figures of a session; `None` if it has ended.
    #[must_use]
    pub fn session_figures(&self, session: &Session) -> Option<SessionFigures> {
        let state = lock_state(&self.state);
        let attached = state.sessions.get(&session.id)?;
        Some(session.figures(attached.subscriptions.len() + attached.consumers))
    }

    /// Visits each session, in steps.
    pub(crate) fn for_each_session(&self, mut each: impl FnMut(&SessionEntry)) {
        let mut from = 0;
        self.in_steps(|state| {
            let mut last = None;
            for (id, attached) in state.sessions.range(from..).take(ITEMS) {
                each(attached);
                last = Some(*id);
            }
            match last {
                Some(last) => {
                    from = last + 1;
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            }
        });
    }

    /// Visits each open topic, in steps; `each` gets the index of the first cursor to process, and is called again
    /// while it returns true.
    pub(crate) fn for_each_topic(&self, mut each: impl FnMut(&Topic, usize) -> bool) {
        let mut after: Option<TopicName> = None;
        let mut unfinished: Option<(TopicName, usize)> = None;
        self.in_steps(|state| {
            let mut last = None;
            for name in state.names.after(after.as_ref()).take(ITEMS) {
                let begun = unfinished.take().filter(|(own, _)| own == name);
                let from = begun.map_or(0, |(_, from)| from);
                let topic = state.topics.find(name.as_str());
                if topic.is_some_and(|topic| each(topic, from)) {
                    unfinished = Some((name.clone(), from + ITEMS));
                    after = last.or(after.take());
                    return ControlFlow::Continue(());
                }
                last = Some(name.clone());
            }
            step_after(last, &mut after)
        });
    }

    /// Visits each queue that has a name, in steps.
    pub(crate) fn for_each_named_queue(&self, mut each: impl FnMut(&Arc<Queue>)) {
        let mut after: Option<TopicName> = None;
        self.in_steps(|state| {
            let Queues { named, names, .. } = &state.queues;
            let mut last = None;
            for name in names.after(after.as_ref()).take(ITEMS) {
                named.find(name.as_str()).into_iter().for_each(&mut each);
                last = Some(name.clone());
            }
            step_after(last, &mut after)
        });
    }
}

/// Continues after the last item of a step. A step without items ends the walk.
pub(crate) fn step_after<T>(last: Option<T>, after: &mut Option<T>) -> ControlFlow<()> {
    match last {
        Some(last) => {
            *after = Some(last);
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    }
}

fn step_of(walk: &Walk) -> ControlFlow<()> {
    match walk.is_done() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// The filter that covers all listed names.
const ALL: &str = ">";
/// Names that one page examines, so that a filter that matches few of many takes no longer than others.
const PAGE_LOOKS: usize = 10_000;

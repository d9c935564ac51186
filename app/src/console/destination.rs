//! The kind of destination of a custom message: topic or queue.

use crate::texts;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Topic,
    Queue,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Topic, Self::Queue];

    /// Returns the name that is used in storage, in the form and in destinations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Queue => "queue",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Topic => texts::shared::TOPIC.get(),
            Self::Queue => texts::shared::QUEUE.get(),
        }
    }

    /// Returns the name in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Topic => texts::shared::TOPIC_WORD.get(),
            Self::Queue => texts::shared::QUEUE_WORD.get(),
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the STOMP destination of the topic or queue with this name.
    pub fn destination(self, name: &str) -> String {
        format!("/{}/{name}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn destinations_begin_with_their_kind() {
        assert_eq!(Kind::Topic.destination("a.b"), "/topic/a.b");
        assert_eq!(Kind::Queue.destination("a.b"), "/queue/a.b");
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("heap"), None);
    }
}

//! The meaning of the codes in the server's problems, in the language of the page.

use crate::{Text, texts::refusal};

/// Returns the text around the detail of a problem with this code; `None` for a code that the page does not know.
pub fn of_code(code: &str) -> Option<Text> {
    Some(match code {
        "reserved" => refusal::RESERVED,
        "topics" => refusal::TOPICS,
        "queues" => refusal::QUEUES,
        "cursors" => refusal::CURSORS,
        "queue_full" => refusal::QUEUE_FULL,
        "share" => refusal::SHARE,
        "memory" => refusal::MEMORY,
        "disk" => refusal::DISK,
        "schedule" => refusal::SCHEDULE,
        "rate" => refusal::RATE,
        "no_queue" => refusal::NO_QUEUE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn a_known_cause_is_in_the_language_of_the_page() {
        let text = of_code("queue_full").expect("a known code");
        assert_eq!(text.of(Language::English), "{}");
        assert_eq!(text.of(Language::Korean), "큐가 가득 찼습니다 ({})");
        assert!(of_code("a later one").is_none());
    }
}

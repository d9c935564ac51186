//! The rules of a queue: those of the policy with the most specific filter, or of the server.

use broker::{DeadLetterQueue, QueueOverflow, QueueRules};
use serde::Serialize;

/// The rules of a queue in the JSON of `/api/queues/{queue}`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RulesInfo {
    /// The filter of the policy; missing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Missing without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_to_live_ms: Option<u64>,
    length: u64,
    bytes: u64,
    overflow: &'static str,
    /// `/queue/NAME`, or `discard`.
    dead_letters: String,
    max_redeliveries: u32,
    initial_redelivery_delay_ms: u64,
    redelivery_delay_ms: u64,
    /// Missing without exponential back-off.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_off_multiplier: Option<f64>,
    /// Missing without a maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_redelivery_delay_ms: Option<u64>,
}

impl RulesInfo {
    /// Returns the rules of the queue with this name.
    pub fn new(queue: &str, rules: &QueueRules) -> Self {
        let redelivery = rules.redelivery;
        Self {
            policy: rules.policy.as_ref().map(ToString::to_string),
            time_to_live_ms: rules.time_to_live_ms,
            length: rules.entries,
            bytes: rules.bytes,
            overflow: match rules.overflow {
                QueueOverflow::Refuse => "refuse",
                QueueOverflow::DropOldest => "drop-oldest",
            },
            dead_letters: match &rules.dead_letters {
                DeadLetterQueue::Shared => "/queue/ActiveMQ.DLQ".to_owned(),
                DeadLetterQueue::Own => format!("/queue/DLQ.{queue}"),
                DeadLetterQueue::Named(name) => format!("/queue/{name}"),
                DeadLetterQueue::Discard => "discard".to_owned(),
            },
            max_redeliveries: redelivery.maximum_redeliveries,
            initial_redelivery_delay_ms: redelivery.initial_delay_ms,
            redelivery_delay_ms: redelivery.delay_ms,
            back_off_multiplier: redelivery.back_off.map(broker::BackOff::factor),
            maximum_redelivery_delay_ms: redelivery.maximum_delay_ms,
        }
    }
}

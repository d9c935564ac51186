//! The publications of a simulation: when each message arrives at the broker.

use super::{
    super::settings::{MOST, Settings},
    EACH, random,
};

/// A message on its arrival at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub at_ms: u64,
    pub producer: u8,
    /// From 1.
    pub number: u32,
}

/// Returns the publications of all producers in the order of their arrival. A producer waits half to one and a half times
/// its delay before each message; the network adds up to [`NETWORK_MS`], and keeps the order of each connection.
pub fn plan(settings: &Settings) -> Vec<Arrival> {
    let mut random = random(settings, PART);
    let mut arrivals = Vec::new();
    for producer in 0..settings.producers.min(MOST) {
        let delay_ms = u64::from(settings.delays_ms[producer]);
        let (mut sent_ms, mut arrived_ms) = (0, 0);
        for number in 1..=EACH {
            sent_ms += delay_ms * (50 + random.below(101)) / 100;
            arrived_ms = (sent_ms + random.below(NETWORK_MS)).max(arrived_ms);
            arrivals.push(Arrival {
                at_ms: arrived_ms,
                producer: producer as u8,
                number,
            });
        }
    }
    // Stable, so that messages of one producer that arrive together stay in order.
    arrivals.sort_by_key(|arrival| arrival.at_ms);
    arrivals
}

const PART: u64 = 1;
const NETWORK_MS: u64 = 40;

//! Traces: what clients and the server send each other, decoded, while an operator watches.
//!
//! This module owns the traces that run ([`Traces`]), which frames they show ([`TraceSelector`]), what they show of a frame
//! ([`Frame`], [`secrets`]) and their bounds ([`Trace`]). A connection has a [`Tap`], to which it gives its input and its
//! output; requests of HTTP are shown without one ([`Traces::show`]). How an operator gets a trace is not here but in
//! `http/trace.rs`.
//!
//! Without a trace, a connection pays one relaxed load of [`Traces::is_active`] for each read and each round of deliveries.
//! While a trace runs, each connection that it may concern decodes its frames a second time, in the task that has them.
//!
//! Locks are taken in this order: the output state of a connection, its tap, the list of traces or the buffer of one.

mod decoding;
mod frame;
mod mqtt;
mod payload;
mod running;
mod secrets;
mod selector;
mod stomp;
mod tap;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{access_control::Principal, clock};
pub use decoding::{FirstMessage, ProtocolVersion, show_refused, show_request};
pub use frame::{Direction, Frame, Identity, Named};
pub use payload::MAX_PAYLOAD_BYTES;
pub use running::{FRAMES_PER_SECOND, MAX_DURATION, Taken, Trace};
pub use selector::{AddressSelector, TraceSelector};
use tap::TapState;
pub use tap::{Delivered, Tap};

/// The traces that run.
#[derive(Default)]
pub struct Traces {
    /// True while a trace runs: the only thing that a connection reads otherwise.
    is_active: AtomicBool,
    /// Increases when a trace starts or ends.
    generation: AtomicU64,
    running: Mutex<Running>,
    /// The taps that have state, which is freed with the last trace.
    engaged: Mutex<Engaged>,
}

#[derive(Default)]
struct Running {
    traces: Vec<Arc<Trace>>,
    /// Number of times that a first trace has started.
    epoch: u64,
}

#[derive(Default)]
struct Engaged {
    taps: Vec<Weak<TapState>>,
    /// Number of taps at which those of ended connections are removed.
    sweep_at: usize,
}

/// A trace that runs until it ends or this is dropped.
pub struct RunningTrace {
    traces: Arc<Traces>,
    trace: Arc<Trace>,
}

/// The error for a trace beyond [`MAX_TRACES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_TRACES} traces run already; end one first")]
pub struct TooManyTraces;

impl Traces {
    /// Returns true while a trace runs.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    /// Starts a trace for a reader, who gets the content of messages only with the right to read them. It ends after
    /// `limit` frames, if there is a limit.
    ///
    /// # Errors
    /// Too many traces run.
    pub fn start(
        self: &Arc<Self>,
        selector: TraceSelector,
        reader: Arc<Principal>,
        limit: Option<u64>,
    ) -> Result<RunningTrace, TooManyTraces> {
        let trace = Arc::new(Trace::new(selector, reader, limit));
        let mut running = self.running();
        if running.traces.len() == MAX_TRACES {
            return Err(TooManyTraces);
        }
        if running.traces.is_empty() {
            running.epoch += 1;
        }
        running.traces.push(Arc::clone(&trace));
        self.changed(&running);
        Ok(RunningTrace {
            traces: Arc::clone(self),
            trace,
        })
    }

    /// Removes the traces that have ended, also those that are not read. Must be called once a second.
    pub fn remove_ended(&self, now: Instant) {
        if !self.is_active() {
            return;
        }
        let traces = self.running().traces.clone();
        let ended = traces.iter().filter(|trace| trace.has_ended(now));
        ended.for_each(|trace| self.stop(trace));
    }

    /// Shows a frame of a client that has no tap. Does nothing, and does not call `describe`, if no trace concerns it.
    pub fn show<'a>(
        &self,
        direction: Direction,
        identity: &Identity,
        describe: impl FnOnce() -> Frame<'a>,
    ) {
        if !self.is_active() {
            return;
        }
        let matching = self.matching(identity);
        if !matching.is_empty() {
            show_to(
                &matching,
                direction,
                identity,
                clock::unix_ms(),
                &describe(),
            );
        }
    }

    /// Returns the traces whose conditions on the connection hold.
    fn matching(&self, identity: &Identity) -> Vec<Arc<Trace>> {
        let running = self.running();
        let matching = running.traces.iter();
        let matching = matching.filter(|trace| trace.selector().matches(identity));
        matching.map(Arc::clone).collect()
    }

    fn stop(&self, trace: &Arc<Trace>) {
        let mut running = self.running();
        let before = running.traces.len();
        running.traces.retain(|other| !Arc::ptr_eq(other, trace));
        if running.traces.len() == before {
            return;
        }
        self.changed(&running);
        if !running.traces.is_empty() {
            return;
        }
        drop(running);
        let taps = std::mem::take(&mut *self.engaged());
        let taps = taps.taps.iter().filter_map(Weak::upgrade);
        taps.for_each(|tap| tap.release(self));
    }

    fn changed(&self, running: &Running) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let is_active = !running.traces.is_empty();
        self.is_active.store(is_active, Ordering::SeqCst);
    }

    /// Notes that a tap has state.
    fn engage(&self, tap: Weak<TapState>) {
        let mut engaged = self.engaged();
        if engaged.taps.len() >= engaged.sweep_at.max(MIN_SWEPT_TAPS) {
            engaged.taps.retain(|tap| tap.strong_count() > 0);
            engaged.sweep_at = 2 * engaged.taps.len();
        }
        engaged.taps.push(tap);
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engaged(&self) -> MutexGuard<'_, Engaged> {
        self.engaged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningTrace {
    /// Returns the trace.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }
}

impl Drop for RunningTrace {
    fn drop(&mut self) {
        self.traces.stop(&self.trace);
    }
}

/// Offers a frame to traces that concern its connection.
fn show_to(
    traces: &[Arc<Trace>],
    direction: Direction,
    identity: &Identity,
    at_ms: u64,
    frame: &Frame<'_>,
) {
    for trace in traces {
        if trace.selector().includes(frame) {
            trace.offer(at_ms, |reader| {
                frame.to_json(at_ms, direction, identity, reader)
            });
        }
    }
}

/// Maximum number of traces at once. Each one costs every connection that it concerns.
pub const MAX_TRACES: usize = 8;
/// Taps of ended connections are not removed while there are fewer than this number.
const MIN_SWEPT_TAPS: usize = 1_024;

#[cfg(test)]
mod tests;

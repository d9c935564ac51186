//! One trace: its conditions, its reader, and the frames that the reader has not taken.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use serde::Serialize;

use super::selector::TraceSelector;
use crate::access_control::Principal;

/// A trace that runs.
pub struct Trace {
    selector: TraceSelector,
    reader: Arc<Principal>,
    ends_at: Instant,
    buffer: Mutex<Buffer>,
    waker: AtomicWaker,
}

/// The frames that the reader has not taken, and what was left out.
#[derive(Default)]
struct Buffer {
    events: VecDeque<Taken>,
    bytes: usize,
    /// The second, of Unix time, that the next two figures belong to.
    second: u64,
    frames_in_second: u32,
    bytes_in_second: usize,
    left_out: LeftOut,
    /// The number of frames after which the trace ends.
    remaining: Option<u64>,
    /// The reason why the trace has ended. Frames that were added before are still there.
    end: Option<&'static str>,
}

/// The number of frames that were left out and not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LeftOut {
    /// More frames or bytes arrived than a trace shows in a second.
    rate: u64,
    /// The reader was slow.
    buffer: u64,
}

/// The next thing for the reader of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// A frame, as JSON.
    Frame(String),
    /// A report of frames that are left out at this place, as JSON.
    LeftOut(String),
    /// Nothing for now.
    Nothing,
    /// Nothing any more, for this reason.
    Finished(&'static str),
}

impl Trace {
    /// Creates a trace that ends after `limit` frames, if there is a limit.
    pub(super) fn new(selector: TraceSelector, reader: Arc<Principal>, limit: Option<u64>) -> Self {
        Self {
            selector,
            reader,
            ends_at: Instant::now() + MAX_DURATION,
            buffer: Mutex::new(Buffer {
                remaining: limit,
                ..Buffer::default()
            }),
            waker: AtomicWaker::new(),
        }
    }

    /// Returns the conditions.
    pub fn selector(&self) -> &TraceSelector {
        &self.selector
    }

    /// Adds a frame, or counts it as left out. `to_json` is called only if the frame is added.
    pub(super) fn offer(&self, at_ms: u64, to_json: impl FnOnce(&Principal) -> String) {
        let mut buffer = self.buffer();
        if buffer.admits(at_ms) {
            let json = to_json(&self.reader);
            buffer.push(json);
        }
        drop(buffer);
        self.waker.wake();
    }

    /// Returns the next thing for the reader, at a time in Unix milliseconds. A reader whose rights have changed gets no
    /// further frame.
    pub fn take(&self, now_ms: u64) -> Taken {
        match self.reader.is_revoked() {
            true => Taken::Finished(REVOKED),
            false => self.buffer().take(now_ms),
        }
    }

    /// Ends the trace, if it has not ended.
    pub fn end(&self, reason: &'static str) {
        self.buffer().end.get_or_insert(reason);
        self.waker.wake();
    }

    /// Returns whether the trace must end even if its reader has not read all frames: whether its time is over or the rights of
    /// its reader have changed.
    pub fn must_end(&self, now: Instant) -> bool {
        self.reader.is_revoked() || now >= self.ends_at
    }

    /// Returns whether no further frame is added. Ends the trace if it must end.
    pub(super) fn has_ended(&self, now: Instant) -> bool {
        if self.reader.is_revoked() {
            self.buffer().clear();
            self.end(REVOKED);
        } else if self.must_end(now) {
            self.end(TIME_OVER);
        }
        self.buffer().reason().is_some()
    }

    /// Wakes this waker when there may be something to take.
    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// Returns whether there is room for a frame; otherwise counts the frame as left out.
    fn admits(&mut self, at_ms: u64) -> bool {
        if self.reason().is_some() {
            return false;
        }
        let second = at_ms / 1_000;
        if second != self.second {
            self.second = second;
            self.frames_in_second = 0;
            self.bytes_in_second = 0;
        }
        if self.frames_in_second >= FRAMES_PER_SECOND || self.bytes_in_second >= BYTES_PER_SECOND {
            self.left_out.rate += 1;
            return false;
        }
        if self.bytes >= MAX_BUFFERED_BYTES {
            self.left_out.buffer += 1;
            return false;
        }
        true
    }

    fn push(&mut self, json: String) {
        self.report_left_out();
        self.frames_in_second += 1;
        self.bytes_in_second += json.len();
        if let Some(remaining) = &mut self.remaining {
            *remaining -= 1;
        }
        self.bytes += json.len();
        self.events.push_back(Taken::Frame(json));
    }

    fn take(&mut self, now_ms: u64) -> Taken {
        let is_reported = self.reason().is_some() || now_ms / 1_000 != self.second;
        if self.events.is_empty() && is_reported {
            self.report_left_out();
        }
        match self.events.pop_front() {
            Some(event) => {
                if let Taken::Frame(json) | Taken::LeftOut(json) = &event {
                    self.bytes -= json.len();
                }
                event
            }
            None => self.reason().map_or(Taken::Nothing, Taken::Finished),
        }
    }

    /// Returns the reason why no further frame is added.
    fn reason(&self) -> Option<&'static str> {
        let is_finished = self.remaining == Some(0);
        self.end.or(is_finished.then_some(LIMIT_REACHED))
    }

    fn clear(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
        self.left_out = LeftOut::default();
    }

    /// Adds a report for each reason, at the place of the frames that are missing.
    fn report_left_out(&mut self) {
        let LeftOut { rate, buffer } = std::mem::take(&mut self.left_out);
        let reports = [
            (rate, "rate", FRAMES_PER_SECOND as usize, BYTES_PER_SECOND),
            (buffer, "buffer", 0, MAX_BUFFERED_BYTES),
        ];
        for (frames, reason, max_frames, max_bytes) in reports {
            if frames == 0 {
                continue;
            }
            let report = Report {
                left_out: frames,
                reason,
                max_frames: (max_frames > 0).then_some(max_frames),
                max_bytes,
            };
            let json = serde_json::to_string(&report).unwrap_or_default();
            self.bytes += json.len();
            self.events.push_back(Taken::LeftOut(json));
        }
    }
}

/// The JSON of a report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Number of frames.
    left_out: u64,
    /// `rate`: more than a trace shows in a second. `buffer`: the reader was slow.
    reason: &'static str,
    /// The limit of frames in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_frames: Option<usize>,
    /// The limit of bytes, in a second or in the buffer.
    max_bytes: usize,
}

/// Maximum number of frames that a trace shows in a second.
pub const FRAMES_PER_SECOND: u32 = 500;
/// Maximum number of bytes of JSON that a trace shows in a second, and one frame.
pub const BYTES_PER_SECOND: usize = 512 << 10;
/// Maximum number of bytes that wait for a slow reader, and one frame.
pub const MAX_BUFFERED_BYTES: usize = 1 << 20;
/// Maximum time of a trace. A page that is forgotten in a tab must not cost the server for ever.
pub const MAX_DURATION: Duration = Duration::from_secs(60 * 60);
/// The reasons why a trace ends.
const REVOKED: &str = "the rights of the reader have changed";
const TIME_OVER: &str = "the time of the trace is over";
const LIMIT_REACHED: &str = "the limit of frames is reached";

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(buffer: &mut Buffer, at_ms: u64, count: u32, bytes: usize) {
        for _ in 0..count {
            if buffer.admits(at_ms) {
                buffer.push("x".repeat(bytes));
            }
        }
    }

    /// Takes everything; returns the number of frames and the reports.
    fn taken(buffer: &mut Buffer, now_ms: u64) -> (usize, Vec<String>) {
        let mut shown = 0;
        let mut reports = Vec::new();
        loop {
            match buffer.take(now_ms) {
                Taken::Frame(_) => shown += 1,
                Taken::LeftOut(json) => reports.push(json),
                Taken::Nothing | Taken::Finished(_) => return (shown, reports),
            }
        }
    }

    #[test]
    fn frames_beyond_the_rate_are_counted_and_reported_in_their_place() {
        let mut buffer = Buffer::default();
        frames(&mut buffer, 5_000, FRAMES_PER_SECOND + 37, 10);
        let (shown, reports) = taken(&mut buffer, 5_999);
        assert_eq!((shown, reports.len()), (500, 0), "the second is not over");
        frames(&mut buffer, 6_000, 1, 10);
        let report = r#"{"leftOut":37,"reason":"rate","maxFrames":500,"maxBytes":524288}"#;
        assert_eq!(buffer.take(6_000), Taken::LeftOut(report.to_owned()));
        assert_eq!(taken(&mut buffer, 6_000), (1, vec![]));
    }

    #[test]
    fn a_report_does_not_wait_for_another_frame() {
        let mut buffer = Buffer::default();
        frames(&mut buffer, 5_000, FRAMES_PER_SECOND + 1, 10);
        let (shown, reports) = taken(&mut buffer, 6_000);
        assert_eq!((shown, reports.len()), (500, 1));
    }

    #[test]
    fn bytes_count_for_the_rate_too() {
        let mut buffer = Buffer::default();
        frames(&mut buffer, 5_000, 10, BYTES_PER_SECOND / 4);
        let (shown, reports) = taken(&mut buffer, 6_000);
        assert_eq!((shown, reports.len()), (4, 1));
    }

    #[test]
    fn a_slow_reader_gets_the_oldest_frames_and_a_report() {
        let mut buffer = Buffer::default();
        for second in 0..10 {
            frames(&mut buffer, second * 1_000, 4, 100 << 10);
        }
        assert!(buffer.bytes <= MAX_BUFFERED_BYTES + (100 << 10));
        let (shown, reports) = taken(&mut buffer, 10_000);
        assert_eq!(shown, 11);
        let report = r#"{"leftOut":29,"reason":"buffer","maxBytes":1048576}"#;
        assert_eq!(reports, [report]);
        assert_eq!(buffer.bytes, 0);
    }

    #[test]
    fn a_trace_with_a_limit_finishes() {
        let mut buffer = Buffer {
            remaining: Some(2),
            ..Buffer::default()
        };
        frames(&mut buffer, 0, 5, 10);
        assert!(matches!(buffer.take(0), Taken::Frame(_)));
        assert!(matches!(buffer.take(0), Taken::Frame(_)));
        assert_eq!(buffer.take(0), Taken::Finished(LIMIT_REACHED));
    }
}

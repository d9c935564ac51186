//! Fairness between connections: the task of a connection returns to the runtime after a slice of time, whatever its peer sends.
//!
//! Tokio polls sockets and timers when a worker thread has no task left to run, or after 61 polls of tasks. A task
//! whose socket always has input never waits, so it keeps its thread. If it is the thread that polls the sockets, no
//! other connection is served. More threads do not help. Therefore the slice is measured in time and not in operations:
//! the cost of a read varies by a factor of a thousand.
//!
//! [`spawn`] measures how long a task runs. A task that loops without waiting calls [`yield_if_due`] in each round. A
//! task that returns only to be polled again at once, as an HTTP connection with pipelined requests does, is deferred by
//! [`FairTask`] itself.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;
use tokio::task::{JoinHandle, yield_now};

/// Spawns a task that yields to other tasks after each [`TIME_SLICE`] that it has run.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(FairTask::new(future))
}

/// Returns to the runtime if the current task has used up its slice. Has no effect in a task that was not started by
/// [`spawn`].
pub async fn yield_if_due() {
    poll_fn(poll_yield_if_due).await;
}

/// Like [`yield_if_due`], for futures and streams that are written by hand: pending when the slice is used up, until the next
/// slice. hyper polls the stream of a body again although it was pending, if the socket accepts more.
pub fn poll_yield_if_due(context: &mut Context<'_>) -> Poll<()> {
    match is_due() {
        true => {
            SLICE.set(Slice::Over);
            defer(context)
        }
        false => Poll::Ready(()),
    }
}

/// Returns true if the current task has used up its slice, so that [`poll_yield_if_due`] is pending.
pub fn is_due() -> bool {
    match SLICE.get() {
        Slice::Until(end) => end <= Instant::now(),
        Slice::Over => true,
        Slice::None => false,
    }
}

/// Returns the pause after a request of this duration: none after a short request, otherwise three times the duration,
/// so that one peer uses at most a quarter of the time. `MAX_PAUSE` limits it.
pub fn pause_after(took: Duration) -> Duration {
    match took < LONG_REQUEST {
        true => Duration::ZERO,
        false => MAX_PAUSE.min(PAUSE_FACTOR * took),
    }
}

pin_project! {
    /// A future that is deferred when it has run for a [`TIME_SLICE`] without yielding.
    struct FairTask<F> {
        #[pin]
        future: F,
        // The time that all polls took since the task last yielded.
        ran: Duration,
    }
}

impl<F> FairTask<F> {
    const fn new(future: F) -> Self {
        Self {
            future,
            ran: Duration::ZERO,
        }
    }
}

impl<F: Future> Future for FairTask<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.ran >= TIME_SLICE {
            *this.ran = Duration::ZERO;
            ready!(defer(context));
        }
        let started = Instant::now();
        let slice = CurrentSlice::begin(started + (TIME_SLICE - *this.ran));
        let polled = this.future.poll(context);
        *this.ran = match slice.end() {
            Yielded::Yes => Duration::ZERO,
            Yielded::No => *this.ran + started.elapsed(),
        };
        polled
    }
}

/// Wakes the task after all other ready tasks have run and the sockets and timers have been polled. If it were woken at
/// once, the queue of its thread would never be empty, and the sockets would rarely be polled.
fn defer(context: &mut Context<'_>) -> Poll<()> {
    pin!(yield_now()).poll(context)
}

/// The slice of the task that this thread polls now.
struct CurrentSlice;

/// The result of polling a task: whether it yielded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yielded {
    Yes,
    No,
}

impl CurrentSlice {
    fn begin(end: Instant) -> Self {
        SLICE.set(Slice::Until(end));
        Self
    }

    fn end(self) -> Yielded {
        match SLICE.get() {
            Slice::Over => Yielded::Yes,
            Slice::Until(_) | Slice::None => Yielded::No,
        }
    }
}

impl Drop for CurrentSlice {
    /// Clears the slice, also after a panic, so that the next task on this thread does not get it.
    fn drop(&mut self) {
        SLICE.set(Slice::None);
    }
}

/// The time that a task has.
#[derive(Clone, Copy)]
enum Slice {
    /// There is no task, or no fair one.
    None,
    Until(Instant),
    /// The task has yielded, and does nothing more before its next slice.
    Over,
}

thread_local! {
    /// The slice of the task that this thread polls now.
    static SLICE: Cell<Slice> = const { Cell::new(Slice::None) };
}

/// Maximum time that a connection's task runs before it yields to other tasks.
pub const TIME_SLICE: Duration = Duration::from_millis(1);
/// Requests shorter than this are not followed by a pause.
const LONG_REQUEST: Duration = Duration::from_millis(1);
/// The length of a pause, in multiples of the request's duration.
const PAUSE_FACTOR: u32 = 3;
/// Maximum length of a pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    /// Uses up a slice.
    fn use_up_slice() {
        let started = Instant::now();
        while started.elapsed() < TIME_SLICE {
            std::hint::spin_loop();
        }
    }

    /// Runs `flood` on a runtime with one thread until another task has run.
    fn assert_another_task_runs<F: Future<Output = ()> + Send + 'static>(
        flood: impl FnOnce(Arc<AtomicBool>) -> F,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let has_run = Arc::new(AtomicBool::new(false));
        let flood = flood(Arc::clone(&has_run));
        runtime.block_on(async {
            let flooding = spawn(flood);
            // A timer, because it needs the driver and not only the thread.
            let other = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                has_run.store(true, Ordering::SeqCst);
            });
            let both = async { (flooding.await, other.await) };
            let both = tokio::time::timeout(Duration::from_secs(20), both).await;
            let (flooding, other) = both.expect("both end");
            flooding.expect("no panic");
            other.expect("no panic");
        });
    }

    #[test]
    fn a_task_that_never_waits_yields() {
        assert_another_task_runs(|has_run| async move {
            while !has_run.load(Ordering::SeqCst) {
                use_up_slice();
                yield_if_due().await;
            }
        });
    }

    #[test]
    fn a_task_that_always_wakes_itself_is_deferred() {
        assert_another_task_runs(|has_run| {
            poll_fn(move |context| {
                if has_run.load(Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                use_up_slice();
                context.waker().wake_by_ref();
                Poll::Pending
            })
        });
    }

    #[tokio::test]
    async fn a_task_with_time_left_does_not_yield() {
        let polls = spawn(async {
            let mut polls = 0;
            let mut counted = pin!(async {
                yield_if_due().await;
                use_up_slice();
                yield_if_due().await;
                yield_if_due().await;
            });
            poll_fn(|context| {
                polls += 1;
                counted.as_mut().poll(context)
            })
            .await;
            polls
        });
        assert_eq!(polls.await.expect("no panic"), 2);
    }

    #[tokio::test]
    async fn a_part_that_is_polled_again_after_a_yield_still_waits() {
        let mut polls = Vec::new();
        let polled = spawn(poll_fn(move |context| {
            use_up_slice();
            polls.extend([(); 2].map(|()| poll_yield_if_due(context).is_pending()));
            match polls.len() < 4 {
                true => Poll::Pending,
                false => Poll::Ready(std::mem::take(&mut polls)),
            }
        }));
        assert_eq!(polled.await.expect("no panic"), [true; 4]);
    }

    #[tokio::test]
    async fn outside_of_a_fair_task_nothing_yields() {
        use_up_slice();
        assert!(
            poll_fn(|context| Poll::Ready(poll_yield_if_due(context)))
                .await
                .is_ready()
        );
    }
}

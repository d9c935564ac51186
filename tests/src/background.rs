//! Work in parallel to a test, in a thread with its own runtime, so that it does not delay the measurements of the
//! test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running task. Dropping the value stops the task and waits for its end.
pub struct Background {
    progress: Progress,
    thread: Option<JoinHandle<()>>,
}

/// The state that the task and its owner share.
#[derive(Clone, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    done: AtomicU64,
}

impl Background {
    /// Repeats the work until the value is dropped. Each round must end by itself.
    pub fn repeat<Work, Round>(mut work: Work) -> Self
    where
        Work: FnMut(Progress) -> Round + Send + 'static,
        Round: Future<Output = ()>,
    {
        let progress = Progress::default();
        let shared = progress.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                while !shared.is_over() {
                    work(shared.clone()).await;
                }
            });
        });
        Self {
            progress,
            thread: Some(thread),
        }
    }

    /// Uses CPU time until the value is dropped.
    pub fn busy() -> Self {
        Self::repeat(|_| async {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(10) {
                std::hint::spin_loop();
            }
        })
    }

    /// Returns the number that the task has counted so far.
    pub fn done(&self) -> u64 {
        self.progress.shared.done.load(Ordering::Relaxed)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.progress.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the task has been printed already; a second panic would hide it.
            let _ = thread.join();
        }
    }
}

impl Progress {
    /// Returns whether the task must end.
    pub fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Relaxed)
    }

    /// Adds to the count.
    pub fn add(&self, count: u64) {
        self.shared.done.fetch_add(count, Ordering::Relaxed);
    }
}

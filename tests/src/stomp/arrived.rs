//! How tests see that nothing comes, without waiting for it: something else does.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Frame, StompClient};

impl StompClient {
    /// What was on its way to this client when this was called. A message of its own is sent after it
    /// and comes back; then a second one, for what the server gives to one session at once may come
    /// in any order.
    pub async fn arrived(&mut self) -> Vec<Frame> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let probe = format!("probe.{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.subscribe(&probe, &probe, &[]).await;
        let mut arrived = Vec::new();
        for _ in 0..2 {
            self.publish(&probe, "").await;
            arrived.append(&mut self.frames_before(&probe).await);
        }
        let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", &probe);
        self.request(unsubscribe).await;
        arrived
    }

    /// The bodies of the messages that were on their way.
    pub async fn arrived_bodies(&mut self) -> Vec<String> {
        let arrived = self.arrived().await;
        arrived.iter().map(Frame::text).collect()
    }

    /// # Panics
    /// When something was on its way to this client.
    pub async fn is_quiet(&mut self) {
        let arrived = self.arrived().await;
        assert!(arrived.is_empty(), "nothing was expected: {arrived:?}");
    }

    async fn frames_before(&mut self, subscription: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame.header("subscription") == subscription {
                return frames;
            }
            frames.push(frame);
        }
    }
}

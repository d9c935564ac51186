//! Shows without waiting that no message arrives: sends a marker message and waits for the marker.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Frame, StompClient};

impl StompClient {
    /// Returns the frames that were in flight to this client at the time of the call. A marker message is sent and
    /// comes back; then a second one, because the order of the messages that the server gives to a session at once is
    /// not defined.
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

    /// Returns the bodies of the messages that were in flight.
    pub async fn arrived_bodies(&mut self) -> Vec<String> {
        let arrived = self.arrived().await;
        arrived.iter().map(Frame::text).collect()
    }

    /// # Panics
    ///
    /// If a frame was in flight to this client.
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

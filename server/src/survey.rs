//! The survey of queues and lags that all requests for metrics share.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Broker, Survey};
use tokio::{sync::Mutex, task::spawn_blocking};

/// The last survey of a broker. Requests at the same time wait for one survey, and one that is young enough is used again.
pub struct SharedSurvey {
    broker: Arc<Broker>,
    latest: Arc<Mutex<Option<Latest>>>,
}

struct Latest {
    survey: Arc<Survey>,
    /// The time from which on a new survey is made.
    until: Instant,
}

impl SharedSurvey {
    /// Creates a survey that is made when it is first needed.
    pub fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::clone(broker),
            latest: Arc::default(),
        }
    }

    /// Returns a survey that is at most a second old, or ten times as old as it takes to make one: so surveys take at most a
    /// tenth of the time of one thread, however often they are requested.
    pub async fn recent(&self) -> Arc<Survey> {
        let mut latest = Arc::clone(&self.latest).lock_owned().await;
        if let Some(Latest { survey, until }) = &*latest
            && Instant::now() < *until
        {
            return Arc::clone(survey);
        }
        let broker = Arc::clone(&self.broker);
        // The lock is part of the work, which goes on if the client is gone: the next request does not start it again.
        let made = spawn_blocking(move || {
            let started = Instant::now();
            let survey = Arc::new(broker.survey(MAX_LISTED_QUEUES));
            let ended = Instant::now();
            *latest = Some(Latest {
                survey: Arc::clone(&survey),
                until: ended + MIN_AGE.max((ended - started) * AGE_FACTOR),
            });
            survey
        });
        // The survey does not panic; without one, the metrics of queues are absent.
        made.await.unwrap_or_default()
    }
}

/// Maximum number of queues with metrics of their own; the others are one sum.
pub const MAX_LISTED_QUEUES: usize = 100;
/// A survey is used again for this time.
const MIN_AGE: Duration = Duration::from_secs(1);
/// A survey is used again for this multiple of the time that it took.
const AGE_FACTOR: u32 = 10;

#[cfg(test)]
mod tests {
    use broker::{Limits, Outcome, Publication, TopicName};

    use super::*;

    #[tokio::test]
    async fn requests_at_the_same_time_share_one_survey() {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let shared = SharedSurvey::new(&broker);
        let (first, second) = tokio::join!(shared.recent(), shared.recent());
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[tokio::test]
    async fn an_old_survey_is_made_again() {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let shared = SharedSurvey::new(&broker);
        assert_eq!(shared.recent().await.largest.len(), 0);
        let queue = TopicName::new("q").expect("a name");
        let publication = Publication::to_queue(queue, "p".into(), 0, b"");
        broker.publish(&mut vec![publication], &mut Outcome::default());
        if let Some(latest) = &mut *shared.latest.lock().await {
            latest.until = Instant::now();
        }
        assert_eq!(shared.recent().await.largest.len(), 1);
    }
}

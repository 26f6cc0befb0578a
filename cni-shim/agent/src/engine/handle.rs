//! The way to the engine.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use landfall_core::id::Name;
use tokio::sync::{Notify, oneshot};

use super::{Engine, Input};
use crate::{
    execute::{Job, Pool},
    records::{Entry, StoreError},
};

/// What has changed is published no more often: who listens does not need it sooner, and it costs a look
/// at every record.
const PAUSE: Duration = Duration::from_millis(10);

/// The way to the engine.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

/// Told when the engine has ended: an effect could not be executed, and what is in memory must never be
/// ahead of what a restart finds.
pub type Ended = oneshot::Receiver<StoreError>;

struct Shared {
    engine: Mutex<State>,
    pool: Pool,
    /// Rung when something may have changed that is published.
    news: Notify,
}

enum State {
    Runs {
        engine: Box<Engine>,
        ended: oneshot::Sender<StoreError>,
    },
    Ended,
}

// === impl Handle ===

impl Handle {
    /// Takes the engine. What nobody else does with links, the pool does.
    pub fn new(engine: Engine, pool: Pool) -> (Self, Ended) {
        let (ended, told) = oneshot::channel();
        let shared = Shared {
            engine: Mutex::new(State::Runs {
                engine: Box::new(engine),
                ended,
            }),
            pool,
            news: Notify::new(),
        };
        (Self(Arc::new(shared)), told)
    }

    /// Tells the engine. After its end nothing happens: the agent is about to end, and whoever waits for
    /// an answer is told so.
    pub fn tell(&self, input: Input) {
        for job in self.take(input) {
            self.0.pool.give(job);
        }
        self.ring();
    }

    /// Tells the engine of a request for a sandbox, and does on this thread what its answer needs.
    /// Whoever calls this [rings](Self::ring) when the answer is on its way.
    pub fn serve(&self, input: Input, container: &Name) {
        let mut own = self.share_out(self.take(input), container);
        while let Some(job) = own.pop() {
            if let Some(input) = self.0.pool.run(job) {
                own.extend(self.share_out(self.take(input), container));
            }
        }
    }

    /// Hands out what is of other sandboxes or may take long; returns the rest, last first.
    fn share_out(&self, jobs: Vec<Job>, container: &Name) -> Vec<Job> {
        let (mut own, others): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| job.is_quick(container));
        for job in others {
            self.0.pool.give(job);
        }
        own.reverse();
        own
    }

    /// All records.
    pub fn records(&self) -> Vec<Entry> {
        match &*self.lock() {
            State::Runs { engine, .. } => engine.entries(),
            State::Ended => Vec::new(),
        }
    }

    /// Something may have changed that is published.
    pub fn ring(&self) {
        self.0.news.notify_one();
    }

    /// Publishes what has changed. Does not end.
    pub async fn publish(self) {
        loop {
            self.0.news.notified().await;
            if let State::Runs { engine, .. } = &mut *self.lock() {
                engine.say();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn take(&self, input: Input) -> Vec<Job> {
        let mut state = self.lock();
        let State::Runs { engine, .. } = &mut *state else {
            return Vec::new();
        };
        match engine.take(input) {
            Ok(jobs) => jobs,
            Err(error) => {
                if let State::Runs { ended, .. } = std::mem::replace(&mut *state, State::Ended) {
                    ended.send(error).ok();
                }
                Vec::new()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let engine = &self.0.engine;
        engine.lock().unwrap_or_else(|poisoned| {
            // Somebody panicked in the middle of a decision, which ends a release build at once.
            let mut state = poisoned.into_inner();
            *state = State::Ended;
            state
        })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

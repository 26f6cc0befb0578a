//! Many calls at once.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use super::{call::Sandbox, rig::inside, samples::Samples};

/// How a crowd was served.
pub(super) struct Served {
    /// From the first call to the end of the last.
    pub(super) all: Duration,
    /// Each call.
    pub(super) each: Samples,
}

/// Calls for all sandboxes, so many at a time.
pub(super) fn serve(
    sandboxes: &[Sandbox],
    at_once: usize,
    call: impl Fn(&Sandbox) -> Result<Duration> + Sync,
) -> Result<Served> {
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Samples::default());
    let worker = || {
        inside(|| {
            while let Some(sandbox) = sandboxes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let took = call(sandbox)?;
                times
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .time(took);
            }
            Ok(())
        })
    };
    let start = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| {
            let result = worker.join();
            result.unwrap_or_else(|_| Err(anyhow!("a panic")))
        })
    })?;
    Ok(Served {
        all: start.elapsed(),
        each: times.into_inner().unwrap_or_else(PoisonError::into_inner),
    })
}

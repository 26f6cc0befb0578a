//! Attaches that failed for something that passes: the kernel takes up to 0.2 s to tear down the links
//! of a namespace that has ended, and until then their hardware addresses are taken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    thread,
    time::Duration,
};

use landfall_link::Node;

use super::{AttachJob, Attempt, make, not_made};
use crate::engine::Handle;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether anybody still waits for a link.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<AtomicBool>);

// === impl Wanted ===

impl Wanted {
    /// Nobody waits any more.
    pub fn give_up(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody waits.
    pub fn is_wanted(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

/// Starts the thread that tries again what it is sent.
pub(super) fn start(
    node: Node,
    engine: Handle,
    jobs: Receiver<AttachJob>,
) -> Result<(), std::io::Error> {
    thread::Builder::new()
        .name("again".to_owned())
        .spawn(move || serve(node, &engine, &jobs))
        .map(drop)
}

fn serve(mut node: Node, engine: &Handle, jobs: &Receiver<AttachJob>) {
    let mut waiting: Vec<AttachJob> = Vec::new();
    loop {
        if waiting.is_empty() {
            let Ok(job) = jobs.recv() else { return };
            waiting.push(job);
        }
        thread::sleep(PAUSE);
        waiting.extend(jobs.try_iter());
        let mut left = Vec::new();
        for job in waiting {
            match make(&mut node, job) {
                Attempt::Over(input) => engine.tell(input),
                Attempt::Again(job, _) if job.wanted.is_wanted() => left.push(*job),
                Attempt::Again(job, why) => engine.tell(not_made(*job, why, true)),
            }
        }
        waiting = left;
    }
}

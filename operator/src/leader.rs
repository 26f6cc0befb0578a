//! Which of several operators decides and writes.
//!
//! One holds a Lease; the others keep their watches and wait. This is for efficiency and for one voice in
//! Events and statuses: that no address is given twice rests on compare-and-swap alone
//! (docs/ipam-protocol.md), also while two operators believe that they lead.
//!
//! ```text
//!   Lease ── watch ──> Candidate ── extend ──> Leadership <── may I write? ── gate (every request that writes)
//!     ^                    │                       └───────── do I decide? ── the deciding task
//!     └── take, renew, release
//! ```
//!
//! Leadership ends by itself: it is a point in time that each renewal moves. An operator that was stopped
//! for a minute finds it passed at its first look at the clock, before it sends anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

mod candidate;
mod election;
mod gate;

pub(crate) use candidate::{Candidate, Clocks, End};
pub(crate) use election::Times;
pub(crate) use gate::{NotLeading, gated};

/// Whether this operator leads. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Leadership(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Time since the start.
    monotonic: fn() -> Duration,
    /// Milliseconds from the start to the end of the leadership.
    until: AtomicU64,
    /// The operator ends: it never leads again.
    is_over: AtomicBool,
    /// Requests that write and have no answer yet.
    writing: AtomicUsize,
    /// One of them was answered.
    written: Notify,
    /// Leadership was won.
    won: Notify,
}

/// A request that writes; over when it is dropped.
pub(crate) struct Writing(Leadership);

// === impl Leadership ===

impl Leadership {
    /// Leads from no time on.
    pub(crate) fn new(monotonic: fn() -> Duration) -> Self {
        Self(Arc::new(Shared {
            monotonic,
            until: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            writing: AtomicUsize::new(0),
            written: Notify::new(),
            won: Notify::new(),
        }))
    }

    /// Leads for ever, alone.
    #[cfg(test)]
    pub(crate) fn always() -> Self {
        let leadership = Self::new(|| Duration::ZERO);
        leadership.extend(Duration::MAX);
        leadership
    }

    /// Whether this operator leads now.
    pub(crate) fn holds(&self) -> bool {
        let shared = &self.0;
        let until = Duration::from_millis(shared.until.load(Ordering::SeqCst));
        (shared.monotonic)() < until && !shared.is_over.load(Ordering::SeqCst)
    }

    /// Returns when leadership is won, or was since the last call. For one task only.
    pub(crate) async fn won(&self) {
        self.0.won.notified().await;
    }

    /// It lasts until then, by the clock that this was made with.
    pub(crate) fn extend(&self, until: Duration) {
        let led = self.holds();
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.0.until.store(until, Ordering::SeqCst);
        if !led && self.holds() {
            self.0.won.notify_one();
        }
    }

    /// Somebody else leads.
    pub(crate) fn lose(&self) {
        self.0.until.store(0, Ordering::SeqCst);
    }

    /// Nothing more is written; returns when what is under way is done.
    pub(crate) async fn end(&self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        loop {
            let written = self.0.written.notified();
            if self.0.writing.load(Ordering::SeqCst) == 0 {
                return;
            }
            written.await;
        }
    }

    /// A write begins, if this operator leads. Counted before the look, so that [`Leadership::end`]
    /// misses none.
    fn write(&self) -> Option<Writing> {
        self.0.writing.fetch_add(1, Ordering::SeqCst);
        let writing = Writing(self.clone());
        self.holds().then_some(writing)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let shared = &self.0.0;
        shared.writing.fetch_sub(1, Ordering::SeqCst);
        shared.written.notify_one();
    }
}

#[cfg(test)]
mod tests;

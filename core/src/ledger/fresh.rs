//! Freshness in the type: what was read with quorum, and after what.
//!
//! The first draft of the protocol was broken four times by a decision on a stale cache. Here the
//! functions that need a fresh value take a [`Quorum`], which only [`Seen::quorum_after`] makes.

/// A point in the shell's own order of reads: a plain counter, not a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

/// A value from a quorum read, or from our own successful compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum<T>(T);

/// An object as the shell last saw it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen<T> {
    /// The object.
    pub value: T,
    /// When a quorum read of it began (`None`: it came from a watch).
    pub quorum_at: Option<Tick>,
}

impl<T> Seen<T> {
    /// The value, if it was ever read with quorum, and when that read began.
    pub fn quorum_read(&self) -> Option<(Quorum<&T>, Tick)> {
        self.quorum_at.map(|at| (Quorum(&self.value), at))
    }

    /// Came from a watch.
    pub fn cached(value: T) -> Self {
        Self {
            value,
            quorum_at: None,
        }
    }

    /// Came from a quorum read or a successful write that began at `at`.
    pub fn quorum(value: T, at: Tick) -> Self {
        Self {
            value,
            quorum_at: Some(at),
        }
    }

    /// The value, if a quorum read of it began after `tick`.
    pub fn quorum_after(&self, tick: Tick) -> Option<Quorum<&T>> {
        self.quorum_at
            .filter(|at| *at > tick)
            .map(|_| Quorum(&self.value))
    }
}

impl<T> Quorum<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Looks into the value without losing what is known of its age.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Quorum<U> {
        Quorum(f(self.0))
    }
}

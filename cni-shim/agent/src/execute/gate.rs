//! Whose turn it is at the kernel's lock.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A removal waits so long for attaches to end, and then goes on beside them.
const PATIENCE: Duration = Duration::from_millis(20);

/// Attaches go first, and removals a few at a time.
///
/// Making and removing a link take turns at one lock of the kernel (RTNL): an attach does so half a dozen
/// times, and each time stands in line behind every removal that came before. An attach that came with a wave
/// of 96 removals ended with it (docs/performance.md, "A wave of deletions").
#[derive(Debug)]
pub(crate) struct Gate {
    /// So many are removed at a time. The kernel removes no faster for more.
    removals: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    removing: usize,
    attaching: usize,
}

/// Somebody who has passed; leaves with this.
#[derive(Debug)]
pub(crate) struct Pass<'g> {
    gate: &'g Gate,
    of: fn(&mut State) -> &mut usize,
}

// === impl Gate ===

impl Gate {
    pub(crate) fn new(removals: usize) -> Self {
        Self {
            removals,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Whether a removal that comes now must wait.
    pub(crate) fn is_closed(&self) -> bool {
        self.must_wait(&self.lock())
    }

    fn must_wait(&self, state: &State) -> bool {
        state.attaching > 0 || self.is_full(state)
    }

    fn is_full(&self, state: &State) -> bool {
        state.removing >= self.removals
    }

    /// An attach passes at once.
    pub(crate) fn attach(&self) -> Pass<'_> {
        self.pass(self.lock(), |state| &mut state.attaching)
    }

    /// A removal passes when it is its turn.
    pub(crate) fn remove(&self) -> Pass<'_> {
        let state = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |state| self.must_wait(state))
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        let state = self
            .changed
            .wait_while(state, |state| self.is_full(state))
            .unwrap_or_else(PoisonError::into_inner);
        self.pass(state, |state| &mut state.removing)
    }

    fn pass(&self, mut state: MutexGuard<'_, State>, of: fn(&mut State) -> &mut usize) -> Pass<'_> {
        let count = of(&mut state);
        *count = count.saturating_add(1);
        Pass { gate: self, of }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pass ===

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        let count = (self.of)(&mut state);
        *count = count.saturating_sub(1);
        drop(state);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_removed_at_a_time_than_there_is_room_for() {
        let gate = Gate::new(2);
        let first = gate.remove();
        assert!(!gate.is_closed());
        let _second = gate.remove();
        assert!(gate.is_closed());
        drop(first);
        assert!(!gate.is_closed());
    }

    #[test]
    fn a_removal_lets_attaches_go_first_and_is_not_kept_for_ever() {
        let gate = Gate::new(2);
        let attach = gate.attach();
        assert!(gate.is_closed());
        drop(gate.remove());
        drop(attach);
        assert!(!gate.is_closed());
    }
}

//! A write that fails is tried again later and later, without holding up the others.

use std::collections::BTreeMap;

use landfall_core::{
    id::Name,
    ledger::{BlockId, Millis},
};

/// The first wait; each further failure doubles it.
const FIRST: Millis = 100;
/// The wait from which on a lost compare-and-swap is no accident.
const SUSPICIOUS: Millis = FIRST * 8;
/// The longest wait.
const LONGEST: Millis = 30_000;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A node object.
    Node(Name),
    /// A block.
    Block(BlockId),
}

/// Failures in a row, by object.
#[derive(Debug, Default)]
pub(crate) struct Backoff(BTreeMap<Target, Failures>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    wait: Millis,
    until: Millis,
}

// === impl Backoff ===

impl Backoff {
    /// Whether a request about this object may be sent.
    pub(crate) fn allows(&self, target: &Target, now: Millis) -> bool {
        self.0
            .get(target)
            .is_none_or(|failures| failures.until <= now)
    }

    /// A request was answered as it should be.
    pub(crate) fn succeeded(&mut self, target: &Target) {
        self.0.remove(target);
    }

    /// A compare-and-swap was lost: at first it is tried again at once, on what is read now. What is
    /// lost again and again waits, or two operators would take turns for ever (invariant 11). Returns
    /// whether it was lost so often that it can't be a race.
    pub(crate) fn lost(&mut self, target: Target, now: Millis) -> bool {
        let first = Failures {
            wait: FIRST / 4,
            until: now,
        };
        let failures = self
            .0
            .entry(target)
            .and_modify(|failures| failures.again(now))
            .or_insert(first);
        failures.wait >= SUSPICIOUS
    }

    /// A request failed for a reason that will not go away by reading again.
    pub(crate) fn failed(&mut self, target: Target, now: Millis) {
        let first = Failures {
            wait: FIRST,
            until: now.saturating_add(FIRST),
        };
        let failures = self.0.entry(target);
        failures
            .and_modify(|failures| failures.again(now))
            .or_insert(first);
    }

    /// When the next object may be tried again.
    pub(crate) fn next(&self, now: Millis) -> Option<Millis> {
        let until = self.0.values().map(|failures| failures.until);
        until.filter(|until| *until > now).min()
    }
}

// === impl Failures ===

impl Failures {
    fn again(&mut self, now: Millis) {
        self.wait = (self.wait * 2).min(LONGEST);
        self.until = now.saturating_add(self.wait);
    }
}

#[cfg(test)]
mod tests;

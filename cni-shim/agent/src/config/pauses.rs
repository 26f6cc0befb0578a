//! How long to wait after each failure in a row.

use std::time::Duration;

use kube::runtime::utils::Backoff;
use landfall_core::id::Uid;

const FIRST: u64 = 250;
/// The longest is what a grant may wait once the API server is back, so it is shorter than the
/// library's 30 s.
const LONGEST: u64 = 5000;

/// 0.25 s, 0.5 s, … 5 s; a quarter less or more by the node's name, so that the agents of a cluster
/// don't come all at once when the API server is back. Does not end.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    /// In percent.
    factor: u64,
    next: u64,
}

// === impl Pauses ===

impl Pauses {
    pub(super) fn of(node: &str) -> Self {
        let Uid(hash) = Uid::of(node);
        Self {
            // Below 51, so the conversion can't fail.
            factor: 75 + u64::try_from(hash % 51).unwrap_or_default(),
            next: FIRST,
        }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = Duration::from_millis(self.next * self.factor / 100);
        self.next = (self.next * 2).min(LONGEST);
        Some(pause)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again() {
        let mut pauses = Pauses {
            factor: 100,
            next: FIRST,
        };
        let first: Vec<u128> = pauses.by_ref().take(7).map(|p| p.as_millis()).collect();
        assert_eq!(first, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        pauses.reset();
        assert_eq!(pauses.next(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn nodes_differ() {
        let first = |node| Pauses::of(node).next();
        assert_ne!(first("node1"), first("node2"));
    }
}

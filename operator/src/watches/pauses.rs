//! How long a watch waits after each failure in a row.

use std::time::Duration;

use kube::runtime::utils::Backoff;

const FIRST: Duration = Duration::from_millis(250);
/// The library's is 30 s. A watch that breaks with the API server may wait the longest pause twice after
/// that is back: first to connect, then because the version that it saw last is too old for the new
/// server. For so long the operator knows of no new pod, and its watches are too few to be a burden.
const LONGEST: Duration = Duration::from_secs(2);

/// 0.25 s, 0.5 s, … 2 s. Does not end.
#[derive(Clone, Debug)]
pub(crate) struct Pauses(Duration);

// === impl Pauses ===

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.0;
        self.0 = pause.saturating_mul(2).min(LONGEST);
        Some(pause)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.0 = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again() {
        let mut pauses = Pauses::default();
        let first: Vec<u128> = pauses.by_ref().take(5).map(|p| p.as_millis()).collect();
        assert_eq!(first, [250, 500, 1000, 2000, 2000]);
        pauses.reset();
        assert_eq!(pauses.next(), Some(FIRST));
    }
}

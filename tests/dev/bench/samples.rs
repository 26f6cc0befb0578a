//! Measured numbers and what is said of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Numbers of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Samples(Vec<f64>);

/// Which numbers are the good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    /// Times.
    Lower,
    /// Rates.
    Higher,
}

// === impl Samples ===

impl Samples {
    /// Adds a time, in milliseconds.
    pub(super) fn time(&mut self, took: Duration) {
        self.add(took.as_secs_f64() * 1000.0);
    }

    /// Adds a number, rounded to what a clock of this kind can tell.
    pub(super) fn add(&mut self, number: f64) {
        self.0.push((number * 10_000.0).round() / 10_000.0);
    }

    /// Adds all of another.
    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The one that so many percent are not worse than (nearest rank).
    pub(super) fn percentile(&self, percent: usize, better: Better) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(|a, b| match better {
            Better::Lower => a.total_cmp(b),
            Better::Higher => b.total_cmp(a),
        });
        let rank = sorted.len().saturating_mul(percent).div_ceil(100);
        let place = rank.saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(all: impl IntoIterator<Item = u32>) -> Samples {
        Samples(all.into_iter().map(f64::from).collect())
    }

    fn both(samples: &Samples, better: Better) -> [String; 2] {
        [50, 99].map(|percent| samples.percentile(percent, better).to_string())
    }

    #[test]
    fn percentiles_are_numbers_that_were_measured() {
        assert_eq!(both(&numbers(1..=100), Better::Lower), ["50", "99"]);
        assert_eq!(both(&numbers([3, 1, 2]), Better::Lower), ["2", "3"]);
        assert_eq!(both(&numbers([]), Better::Lower), ["0", "0"]);
    }

    #[test]
    fn of_rates_the_low_ones_are_rare() {
        assert_eq!(both(&numbers(1..=100), Better::Higher), ["51", "2"]);
    }
}

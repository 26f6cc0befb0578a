//! What a candidate does next: pure, from the Lease as it saw it and its own clock.
//!
//! Others' clocks are never compared with: a Lease has ended when this candidate has seen no change of it
//! for as long as it says that it lasts.

use std::time::Duration;

/// The times of an election.
///
/// The next grant is to come within 3 s after a leader died without a word. So the Lease lasts 2 s: the
/// others then know at most 2 s after its last renewal, and need some ten milliseconds, for their watches
/// are warm. A renewal is due every quarter of it, and a leader whose renewals fail stops at three
/// quarters, before anybody else can begin. That leaves an answer of the API server more than a second,
/// and a change of the leader, should it come to one, costs one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// How long a Lease lasts after a renewal.
    pub(super) lease: Duration,
}

/// The Lease's object, as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was not looked at yet, or is known to have changed.
    Nothing,
    /// There is none.
    Absent,
    /// There is one.
    Lease {
        /// Who has it; `None` after a release.
        holder: Option<String>,
        /// How long it lasts, as it says itself.
        lasts: Duration,
        /// When this version was first seen.
        at: Duration,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read it.
    Look,
    /// Write it, as its holder from now on.
    Take,
    /// Write it, as its holder already.
    Renew,
    /// Nothing before that time, unless it changes.
    Wait(Duration),
}

// === impl Times ===

impl Times {
    pub(crate) const fn of(lease: Duration) -> Self {
        Self { lease }
    }

    /// From one renewal to the next.
    pub(super) fn period(self) -> Duration {
        self.lease / 4
    }

    /// From the beginning of a renewal that went well to the end of the leadership.
    pub(super) fn deadline(self) -> Duration {
        self.lease * 3 / 4
    }

    /// How long a request about the Lease may take.
    pub(super) fn patience(self) -> Duration {
        self.lease / 2
    }

    /// From a failed request to the next.
    pub(super) fn pause(self) -> Duration {
        self.lease / 10
    }
}

/// What the candidate does at this time.
pub(super) fn step(seen: &Seen, me: &str, times: Times, now: Duration) -> Step {
    let Seen::Lease { holder, lasts, at } = seen else {
        return if *seen == Seen::Absent {
            Step::Take
        } else {
            Step::Look
        };
    };
    let (step, due) = match holder.as_deref() {
        None => return Step::Take,
        Some(holder) if holder == me => (Step::Renew, *at + times.period()),
        Some(_) => (Step::Take, *at + *lasts),
    };
    if due <= now { step } else { Step::Wait(due) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times::of(Duration::from_secs(2));

    fn seen(holder: Option<&str>, seconds: u64, at: u64) -> Seen {
        Seen::Lease {
            holder: holder.map(str::to_owned),
            lasts: Duration::from_secs(seconds),
            at: Duration::from_millis(at),
        }
    }

    fn at(seen: &Seen, now: u64) -> Step {
        step(seen, "me", TIMES, Duration::from_millis(now))
    }

    #[test]
    fn a_lease_that_nobody_has_is_taken_at_once() {
        assert_eq!(at(&Seen::Nothing, 0), Step::Look);
        assert_eq!(at(&Seen::Absent, 0), Step::Take);
        assert_eq!(at(&seen(None, 2, 5_000), 5_000), Step::Take);
    }

    #[test]
    fn anothers_lease_is_taken_when_it_has_not_changed_for_as_long_as_it_says() {
        let other = seen(Some("other"), 2, 5_000);
        let ends = Duration::from_secs(7);
        assert_eq!(at(&other, 5_000), Step::Wait(ends));
        assert_eq!(at(&other, 6_999), Step::Wait(ends));
        assert_eq!(at(&other, 7_000), Step::Take);
        let longer = seen(Some("other"), 15, 5_000);
        assert_eq!(at(&longer, 19_999), Step::Wait(Duration::from_secs(20)));
    }

    #[test]
    fn the_own_lease_is_renewed_four_times_before_it_ends() {
        let own = seen(Some("me"), 2, 5_000);
        assert_eq!(at(&own, 5_000), Step::Wait(Duration::from_millis(5_500)));
        assert_eq!(at(&own, 5_500), Step::Renew);
        assert_eq!(at(&own, 60_000), Step::Renew);
    }

    /// Else two would lead at once whenever a renewal fails.
    #[test]
    fn a_leader_stops_before_another_can_begin() {
        assert!(TIMES.deadline() < TIMES.lease);
        assert!(TIMES.period() + TIMES.patience() <= TIMES.deadline());
    }
}

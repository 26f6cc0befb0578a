//! When addresses could be had, and how long pods waited while one could.
//!
//! An address could be had from its rest after nothing used it any more (its pod was deleted and its link
//! gone) until the next pod's node saw it granted. So all that the product does counts: the node's
//! acknowledgement, the ledger's writes, and the way to the node.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::life::Ended;

/// A time, since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stretch {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

/// An address that went from one pod to another that waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reuse {
    /// From the end of its rest until the other pod's node saw it.
    pub(crate) took: Duration,
}

// === impl Stretch ===

impl Stretch {
    fn length(self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    fn shared(self, other: Self) -> Duration {
        let shared = Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        };
        shared.length()
    }
}

/// The lives that each address had, in their order.
pub(crate) fn by_address(lives: &[Ended]) -> BTreeMap<IpAddr, Vec<Ended>> {
    let mut addresses: BTreeMap<IpAddr, Vec<Ended>> = BTreeMap::new();
    for life in lives {
        addresses.entry(life.address).or_default().push(*life);
    }
    for lives in addresses.values_mut() {
        lives.sort_by_key(|life| life.granted);
    }
    addresses
}

/// When an address could be had between its first life and `end`.
pub(crate) fn stretches(lives: &[Ended], rest: Duration, end: Duration) -> Vec<Stretch> {
    let next = lives.iter().skip(1).map(|life| life.granted).chain([end]);
    let ends = lives.iter().map(|life| life.freed.saturating_add(rest));
    let all = ends.zip(next).map(|(from, to)| Stretch { from, to });
    all.filter(|stretch| stretch.to > stretch.from).collect()
}

/// The longest that a wait lasted while one and the same address could be had.
pub(crate) fn beside_one(wait: Stretch, free: &[Stretch]) -> Duration {
    let shared = free.iter().map(|stretch| wait.shared(*stretch));
    shared.max().unwrap_or_default()
}

/// Addresses that went to a pod which was bound before their rest was over: somebody waited all the time.
pub(crate) fn reuses(lives: &[Ended], rest: Duration) -> Vec<Reuse> {
    let pairs = lives.iter().zip(lives.iter().skip(1));
    let waited = pairs.filter_map(|(before, after)| {
        let usable = before.freed.saturating_add(rest);
        (after.bound <= usable).then(|| Reuse {
            took: after.granted.saturating_sub(usable),
        })
    });
    waited.collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const REST: Duration = Duration::from_secs(1);

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    /// Bound, granted and freed, in tenths of a second.
    fn life(address: u8, [bound, granted, freed]: [u64; 3]) -> Ended {
        Ended {
            address: Ipv4Addr::new(10, 0, 0, address).into(),
            bound: at(bound),
            granted: at(granted),
            freed: at(freed),
        }
    }

    fn stretch(from: u64, to: u64) -> Stretch {
        Stretch {
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn an_address_can_be_had_from_its_rest_until_the_next_node_sees_it() {
        let lives = [life(1, [0, 1, 20]), life(1, [5, 33, 50])];
        assert_eq!(
            stretches(&lives, REST, at(100)),
            [stretch(30, 33), stretch(60, 100)]
        );
        // One that still rests at the end could not be had.
        assert_eq!(stretches(&lives[1..], REST, at(55)), []);
    }

    #[test]
    fn a_wait_counts_while_one_address_could_be_had_not_while_one_after_another_could() {
        let free = [stretch(10, 14), stretch(13, 18), stretch(40, 99)];
        assert_eq!(beside_one(stretch(0, 20), &free), at(5));
        assert_eq!(beside_one(stretch(12, 16), &free), at(3));
        assert_eq!(beside_one(stretch(20, 40), &free), at(0));
        assert_eq!(beside_one(stretch(50, 80), &free), at(30), "nobody gave it");
    }

    #[test]
    fn a_reuse_counts_if_the_pod_that_got_it_was_waiting_when_the_rest_was_over() {
        let lives = [
            life(1, [0, 1, 20]),
            // Waited since before the rest was over at 30.
            life(1, [29, 34, 50]),
            // Came at 70, when it could be had since 60: it lay there because nobody wanted it.
            life(1, [70, 71, 80]),
        ];
        assert_eq!(reuses(&lives, REST), [Reuse { took: at(4) }]);
    }

    #[test]
    fn lives_of_an_address_are_in_the_order_of_their_grants() {
        let lives = [
            life(1, [5, 33, 50]),
            life(2, [0, 1, 9]),
            life(1, [0, 1, 20]),
        ];
        let addresses = by_address(&lives);
        let granted = |address: u8| {
            let lives = &addresses[&IpAddr::from([10, 0, 0, address])];
            lives.iter().map(|life| life.granted).collect::<Vec<_>>()
        };
        assert_eq!(granted(1), [at(1), at(33)]);
        assert_eq!(granted(2), [at(1)]);
    }
}

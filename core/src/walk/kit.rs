//! What the walks need: a network and a seeded die.

extern crate std;

use crate::{
    id::{Name, Uid},
    network::Network,
};

/// A macvlan network with these subnets, whole, in the segment of its name.
pub(crate) fn network(uid: Uid, name: &str, cidrs: &[&str]) -> Network {
    let cidrs = cidrs.iter().map(|cidr| cidr.parse().expect("a CIDR"));
    Network::sketch(uid, Name::from(name), cidrs)
}

/// The UID of a thing that the walks know by name.
pub(super) fn uid_of(name: &Name) -> Uid {
    Uid::of(name.as_str())
}

/// A seeded die: xorshift64* (Vigna, 2016).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).expect("31 bits") % n
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T: Clone + 'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a T>,
    ) -> Option<T> {
        let mut items = items;
        let count = items.len();
        if count == 0 {
            None
        } else {
            items.nth(self.below(count)).cloned()
        }
    }
}

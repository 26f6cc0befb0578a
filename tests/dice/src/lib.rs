//! A seeded die: xorshift64* (Vigna, 2016). Of our own, so that a seed means the same for ever.
#![no_std]

use core::time::Duration;

/// Where every choice of a schedule comes from.
#[derive(Clone, Debug)]
pub struct Dice(u64);

/// 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

// === impl Dice ===

impl Dice {
    /// The die of a seed.
    pub fn new(seed: u64) -> Self {
        // A good spread of neighbouring seeds; never 0, where xorshift stands still.
        Self(seed.wrapping_add(1).wrapping_mul(SPREAD) | 1)
    }

    /// One of several dice of a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mixed = seed.wrapping_add(number.wrapping_mul(0xd134_2543_de82_ef95));
        let mut dice = Self(mixed.wrapping_mul(SPREAD) | 1);
        // Seeds that differ in a bit begin alike.
        for _ in 0..8 {
            dice.below(1);
        }
        dice
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        let high = usize::try_from(high).unwrap_or_default();
        high.checked_rem(n).unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A time of less than so many milliseconds.
    pub fn millis(&mut self, most: usize) -> Duration {
        Duration::from_millis(u64::try_from(self.below(most)).unwrap_or_default())
    }

    /// One of these.
    pub fn pick<T>(&mut self, items: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let mut items = items;
        let count = items.len();
        if count == 0 {
            None
        } else {
            items.nth(self.below(count))
        }
    }
}
